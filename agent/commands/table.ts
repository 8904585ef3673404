/** Text for a terminal: columns that line up, and nothing from outside that could steer it. */

/** Control characters and direction overrides from file names and package metadata would act on the terminal: they become `·`. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, '·');
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
