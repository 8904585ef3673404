/** Lists as CSV (RFC 4180), safe to open in a spreadsheet: no cell that a device wrote begins a formula. */

/** Beginnings that a spreadsheet takes for a formula or for a command, also in the wide forms of East Asian keyboards. */
const FORMULA = /^[\s\u00a0\ufeff]*[=+\-@|%\t\r\uff1d\uff0b\uff0d\uff20]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/** Where the system's list separator is a semicolon, a spreadsheet takes the comma for text, and what follows a semicolon for a cell, quoted or not. */
const INNER = /;(?=[\s\u00a0\ufeff"']*[=+\-@|%\uff1d\uff0b\uff0d\uff20])/gu;

/** Numbers stay numbers; of texts, lines and control characters become a space; lists and objects are written as JSON. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).replace(CONTROL, ' ').replace(INNER, ";'");
  return FORMULA.test(text) ? `"'${text.replaceAll('"', '""')}"` : /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line with its end. */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(cell).join(',')}\r\n`;
}
