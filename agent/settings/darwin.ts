/**
 * Managed settings on macOS: the property lists that a configuration profile leaves in `/Library/Managed Preferences`, the computer's and this user's.
 *
 * Written from Apple's documentation and never run on macOS. Unverified: that the lists are there as soon as the profile is, and that the user's
 * channel is meant to win over the computer's. A value may be of its own type, or text that holds JSON, as some consoles can only send text; the key
 * `Settings` may hold all of them as one JSON object.
 */
import path from 'node:path';
import { parsePlist } from '../mcp/plist.ts';
import type { Os } from '../observe/os.ts';
import { readSmall } from '../observe/read.ts';
import { type Layer, MAX_BYTES, type Managed, type SettingsIssue, withBlob } from './layer.ts';

/** The application's id in electron-builder.yml. */
const ID = 'app.muster.desktop';
const FOLDER = '/Library/Managed Preferences';

export function preferencesOf(os: Os): string[] {
  const { name } = os.user;
  const isPlain = name !== '' && name !== '.' && name !== '..' && !name.includes('/');
  return [`${FOLDER}/${ID}.plist`, ...(isPlain ? [`${FOLDER}/${name}/${ID}.plist`] : [])].map((file) => os.at(file));
}

export function managedOnDarwin(os: Os): Managed {
  const layers: Layer[] = [];
  const issues: SettingsIssue[] = [];
  for (const from of preferencesOf(os)) {
    const read = readSmall(from, MAX_BYTES);
    if (!read.ok) {
      if (read.why !== 'absent') issues.push({ from, detail: `it can’t be read (${read.detail})`, refused: true });
      continue;
    }
    if (read.uid !== 0) {
      issues.push({ from, detail: 'it belongs to another account than root', refused: true });
      continue;
    }
    let value: unknown;
    try {
      value = parsePlist(read.bytes);
    } catch {
      // Said below.
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      // What macOS itself adds to a payload is no setting.
      const own = Object.fromEntries(Object.entries(value).filter(([key]) => !/^(Payload|_)/.test(key)));
      layers.push(...withBlob({ from, values: own, isText: true }, issues));
    } else issues.push({ from, detail: `it is no property list of settings (${path.extname(from)})`, refused: true });
  }
  return { layers, issues };
}
