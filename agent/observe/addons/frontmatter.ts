/** The name in the front matter of a Markdown file, and nothing else of it. */

/**
 * What `name:` says between the two lines of `---` that a skill or an agent's file begins with; null where there is none. Not a whole YAML: a name is one
 * line, plain or in quotes.
 */
export function declaredName(text: string): string | null {
  const start = /^\ufeff?---[ \t]*\r?\n/.exec(text);
  if (!start) return null;
  const from = start[0].length;
  const end = text.slice(from, from + 16_384).search(/^---[ \t]*\r?$/m);
  if (end < 0) return null;
  const line = /^name[ \t]*:[ \t]*([^\r\n]{1,300})$/m.exec(text.slice(from, from + end).replaceAll('\r', ''))?.[1];
  const name = line
    ?.trim()
    .replace(/^(["'])(.*)\1$/, '$2')
    .replace(/\s+#.*$/, '')
    .trim();
  // Beyond names' usual letters it is something else that somebody has written there.
  return name !== undefined && /^[\p{L}\p{N}][\p{L}\p{N} ._:/@+-]{0,119}$/u.test(name) ? name : null;
}
