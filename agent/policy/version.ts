/** The versions of packages: what is one, and which of two is earlier. Pure. */

export type Version = { readonly numbers: readonly number[]; readonly pre: string | null };

const VERSION =
  /^v?(\d{1,9}(?:\.\d{1,9}){0,5})(?:-([0-9a-z.-]+)|[.]?((?:a|b|c|rc|alpha|beta|pre|preview|dev)\.?\d*))?(?:\.post\d+)?(?:\+[0-9a-z.-]*)?$/i;

/**
 * `1.2.3`, `v2`, `1.4.0-beta.1`, `2.0rc1`; null for a tag, a range or a hash. A part after `-` makes it earlier than the same without, also where
 * an image's tag means something else by it; what follows `+`, and `.post1`, is left out of the comparison.
 */
export function parseVersion(text: string): Version | null {
  const [, digits, dashed, pre] = (text.length <= 100 && VERSION.exec(text)) || [];
  return digits === undefined ? null : { numbers: digits.split('.').map(Number), pre: (dashed ?? pre)?.toLowerCase() ?? null };
}

/** Below zero where `a` is earlier, above where it is later. */
export function compareVersions(a: Version, b: Version): number {
  for (let part = 0; part < Math.max(a.numbers.length, b.numbers.length); part++) {
    const difference = (a.numbers[part] ?? 0) - (b.numbers[part] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.pre === null || b.pre === null) return (a.pre === null ? 1 : 0) - (b.pre === null ? 1 : 0);
  const left = a.pre.split('.');
  const right = b.pre.split('.');
  for (let part = 0; part < Math.max(left.length, right.length); part++) {
    const [x, y] = [left[part], right[part]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    if (x === y) continue;
    const [m, n] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (m && n) return Number(x) - Number(y);
    if (m !== n) return m ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}
