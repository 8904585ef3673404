/**
 * Managed settings on Windows: `HKLM\SOFTWARE\Policies\Muster`, which only administrators can write, asked of reg.exe.
 *
 * A value is REG_SZ (text, or JSON), REG_DWORD or REG_QWORD, or REG_MULTI_SZ; a list may also be a key of numbered values, as administrative templates
 * write it; the value `Settings` may hold all of them as one JSON object. Checked against Wine's reg.exe. Unverified on Windows: letters outside of
 * ASCII, which reg.exe writes in the console's code page; JSON can escape them.
 */
import path from 'node:path';
import type { Os } from '../observe/os.ts';
import { type Managed, type SettingsIssue, withBlob } from './layer.ts';

const KEY = 'HKLM\\SOFTWARE\\Policies\\Muster';

export async function managedOnWin32(os: Os): Promise<Managed> {
  const root = Object.entries(os.env).find(([name]) => name.toLowerCase() === 'systemroot')?.[1] ?? 'C:\\Windows';
  let answer: string;
  try {
    answer = await os.run(path.win32.join(root, 'System32', 'reg.exe'), ['query', KEY, '/s', '/reg:64']);
  } catch (error) {
    // Exit code 1 is reg.exe's answer for a key that doesn't exist.
    const { code } = error as { code?: unknown };
    const detail = `reg.exe could not be asked (${typeof code === 'string' ? code : 'it failed'})`;
    return { layers: [], issues: code === 1 ? [] : [{ from: KEY, detail, refused: true }] };
  }
  const issues: SettingsIssue[] = [];
  const values = parsePolicyKey(answer);
  return { layers: Object.keys(values).length === 0 ? [] : withBlob({ from: KEY, values, isText: true }, issues), issues };
}

/** Values by their names, from what `reg query KEY /s` prints. A key below with values named 1, 2, 3 is a list. Anything else is passed over. */
export function parsePolicyKey(answer: string): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  const lists = new Map<string, { order: number; text: string }[]>();
  let list: string | null = null;
  let inside = false;
  for (const line of answer.split(/\r?\n/)) {
    if (line.startsWith('HKEY_')) {
      const below = /\\Policies\\Muster(?:\\([^\\]+))?$/i.exec(line.trimEnd());
      inside = below !== null;
      list = below?.[1] ?? null;
      continue;
    }
    const [, name, type, data = ''] = /^ {4}(\S.{0,255}?) {4}(REG_(?:SZ|EXPAND_SZ|DWORD|QWORD|MULTI_SZ))(?: {4}(.*))?$/.exec(line) ?? [];
    if (!inside || name === undefined || type === undefined) continue;
    if (list === null) define(values, name, registryValue(type, data));
    else if (/^\d{1,4}$/.test(name) && type === 'REG_SZ')
      lists.set(list, [...(lists.get(list) ?? []), { order: Number(name), text: data }]);
  }
  for (const [name, items] of lists) {
    const texts = items.sort((a, b) => a.order - b.order).map(({ text }) => text);
    define(values, name, texts);
  }
  return values;
}

function define(values: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(values, name, { value, enumerable: true, configurable: true, writable: true });
}

function registryValue(type: string, data: string): unknown {
  if (type === 'REG_DWORD' || type === 'REG_QWORD') return Number(data.trim());
  // reg.exe writes the ends inside a list as \0.
  return type === 'REG_MULTI_SZ' ? data.split('\\0').filter((text) => text !== '') : data.trimEnd();
}
