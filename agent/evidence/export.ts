/** The record as text for auditors: CSV (RFC 4180) and JSON lines. Pure; a line at a time, so that the size of the record doesn't matter. */
import type { EvidenceRow } from './chain.ts';

export type ExportFormat = 'csv' | 'jsonl';

const FIELDS = [
  ...(['seq', 'time', 'device', 'user', 'kind', 'item', 'was', 'decision'] as const),
  ...(['rule', 'policyRev', 'detail', 'previous', 'hash'] as const),
] as const satisfies readonly (keyof EvidenceRow)[];

/** The lines with their ends. A line of JSON has `detail` as the object that the hash is over. */
export function* exported(rows: Iterable<EvidenceRow>, format: ExportFormat): Generator<string> {
  if (format === 'csv') yield `${FIELDS.join(',')}\r\n`;
  for (const row of rows) {
    if (format === 'csv') yield `${FIELDS.map((field) => cell(row[field])).join(',')}\r\n`;
    else yield `${lineOf({ ...row, detail: objectOf(row.detail) })}\n`;
  }
}

/** A table program takes what begins so for a formula, also after spaces; in some languages their wide forms as well. */
const FORMULA = /^\s*[=+\-@＝＋－＠]/u;

/** One cell; what a table program would run stands behind an apostrophe. */
export function cell(value: string | number | null): string {
  if (value === null) return '';
  const text = String(value);
  const shown = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n\t]/.test(shown) || shown !== shown.trim() ? `"${shown.replaceAll('"', '""')}"` : shown;
}

/** What a terminal would act on is written as JSON escapes, which a reader turns back into the same text. */
function lineOf(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A row that somebody has changed may hold anything. */
function objectOf(detail: string): unknown {
  try {
    return JSON.parse(detail);
  } catch {
    return detail;
  }
}
