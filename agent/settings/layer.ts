/** What one place says of settings: a file, a profile or a registry key, before anybody has checked a value. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { readSmall } from '../observe/read.ts';

/** What one place says, not yet checked. */
export type Layer = {
  /** The file or registry key. */
  readonly from: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Values may be text that stands for something else, and names differ in case. */
  readonly isText: boolean;
};
/** `refused`: nothing of the place counts. */
export type SettingsIssue = { readonly from: string; readonly detail: string; readonly refused: boolean };
/** Later layers win. */
export type Managed = { readonly layers: readonly Layer[]; readonly issues: readonly SettingsIssue[] };

export const MAX_BYTES = 256 * 1024;

/** The value `Settings` as a layer of its own, below the values beside it. */
export function withBlob(layer: Layer, issues: SettingsIssue[]): Layer[] {
  const [name] = Object.keys(layer.values).filter((key) => key.toLowerCase() === 'settings');
  if (name === undefined) return [layer];
  const { [name]: blob, ...values } = layer.values;
  const above: Layer = { ...layer, values };
  try {
    const all: unknown = typeof blob === 'string' ? JSON.parse(blob) : blob;
    if (typeof all === 'object' && all !== null && !Array.isArray(all))
      return [{ from: layer.from, values: { ...all }, isText: false }, above];
  } catch {
    // Said below.
  }
  issues.push({ from: layer.from, detail: 'Settings: is not a JSON object', refused: false });
  return [above];
}

/** Time, size, owner and mode: a file may begin to count because somebody gave it to root. */
export function stampOf(file: string): string {
  try {
    const { mtimeMs, ctimeMs, size } = statSync(file);
    return `${path.basename(file)}:${mtimeMs}:${ctimeMs}:${size}`;
  } catch {
    return '';
  }
}

/** A file that holds one JSON object, or why it doesn't. Quotes nothing of it. */
export function readObject(file: string): Layer | { readonly detail: string } {
  const read = readSmall(file, MAX_BYTES);
  if (!read.ok) return { detail: read.why === 'absent' ? 'there is no such file' : `it can’t be read (${read.detail})` };
  try {
    const value: unknown = JSON.parse(read.bytes.toString('utf8').replace(/^\uFEFF/, ''));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { from: file, values: { ...value }, isText: false };
  } catch {
    return { detail: 'it is not valid JSON' };
  }
  return { detail: 'it is not an object' };
}
