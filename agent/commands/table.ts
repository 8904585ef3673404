/** Text for a terminal: columns that line up, and nothing from outside that could steer it. */

/** What acts on a terminal instead of standing there: control characters, overrides of the direction, ends of lines. */
const ACTING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** File names, package metadata and config files may hold such characters: they become `·`. */
function plain(text: string): string {
  return text.replaceAll(ACTING, '·');
}

/** The same for a text of several lines. */
export function plainLines(text: string): string {
  return text.split('\n').map(plain).join('\n');
}

/** One line of JSON that is harmless on a terminal too: JSON itself escapes only the oldest control characters. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(ACTING, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Columns padded to their widest cell, two spaces apart; a cell longer than `max` ends in `…`. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], max = 48): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => clip(plain(cell), max)));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => [...(row[column] ?? '')].length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - [...cell].length))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function clip(text: string, max: number): string {
  const characters = [...text];
  return characters.length > max ? `${characters.slice(0, max - 1).join('')}…` : text;
}
