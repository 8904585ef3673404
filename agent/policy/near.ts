/** Names that somebody may have meant who wrote another one. Pure. */

/** More would be a list to read instead of an answer. */
const MOST = 3;

/** At most three of `names`, nearest first: those a slip or two away, those that `word` begins or is a part of. */
export function near(word: string, names: readonly string[]): string[] {
  const wanted = word.toLowerCase();
  const slips = wanted.length <= 4 ? 1 : 2;
  const rated = names.flatMap((name) => {
    const other = name.toLowerCase();
    const away = distance(wanted, other, slips);
    if (away <= slips) return [{ name, away }];
    const part = wanted.length > 2 && other.length > 2 && (other.includes(wanted) || wanted.includes(other));
    return part ? [{ name, away: slips + Math.abs(other.length - wanted.length) / 100 }] : [];
  });
  return rated
    .sort((a, b) => a.away - b.away || (a.name < b.name ? -1 : 1))
    .slice(0, MOST)
    .map(({ name }) => name);
}

/** Letters to change, add, leave out or exchange with their neighbour; more than `most` is told as `most + 1`. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const now = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let least = Math.min((last[column] ?? 0) + 1, (now[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + same);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, (before[column - 2] ?? 0) + 1);
      }
      now.push(least);
    }
    if (Math.min(...now) > most) return most + 1;
    [before, last] = [last, now];
  }
  return last[b.length] ?? most + 1;
}
