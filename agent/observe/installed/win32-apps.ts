/**
 * Windows applications: the Uninstall keys of the machine and of this user, and the packages (MSIX) registered for this user.
 *
 * Windows' own functions are asked. Where they can't be loaded reg.exe is, which writes in the console's code page: letters outside of that arrive as
 * replacement characters, and a tool with a Chinese name isn't known by it.
 *
 * Written from Microsoft's documentation and against Wine. Unverified on Windows: that AppModel\Repository\Packages lists what is registered for the
 * user, and nothing that was removed. Other users' keys are in their own hives, which are not loaded, so they are not looked at.
 */
import path from 'node:path';
import { type Win32Registry, win32Registry } from '../processes/win32-api.ts';
import { compareVersions, type Look, plainName, plainVersion, type Source } from './look.ts';

const uninstall = 'SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall';
const packages = 'Software\\Classes\\Local Settings\\Software\\Microsoft\\Windows\\CurrentVersion\\AppModel\\Repository\\Packages';

/** Only these are kept: an uninstaller's command line may hold a licence key. */
const wanted: ReadonlySet<string> = new Set(['displayname', 'displayversion', 'publisher', 'installlocation', 'parentkeyname']);

export const windowsApps: Source = {
  name: 'app',
  async look(look) {
    const answers = await Promise.all([
      keysBelow(look, 'HKLM', uninstall, wanted, 64),
      keysBelow(look, 'HKLM', uninstall, wanted, 32),
      look.ownHome === null ? [] : keysBelow(look, 'HKCU', uninstall, wanted),
    ]);
    answers.forEach((keys, index) => {
      for (const { key, values } of keys) reportApp(look, key, values, index === 2 ? look.ownHome : null);
    });
  },
};

export const msix: Source = {
  name: 'msix',
  async look(look) {
    if (look.ownHome === null) return;
    const best = new Map<string, string>();
    for (const { key } of await keysBelow(look, 'HKCU', packages, new Set())) {
      const found = parsePackageName(lastOf(key));
      if (!found || !look.wants('msix', found.family)) continue;
      const known = best.get(found.family);
      if (known === undefined || compareVersions(known, found.version) < 0) best.set(found.family, found.version);
    }
    for (const [name, version] of best) look.found({ kind: 'package', manager: 'msix', name, version, path: null, home: look.ownHome });
  },
};

/** The keys right below one, with the text values that are wanted; none where there is no such key. What can't be asked is noted. */
async function keysBelow(
  look: Look,
  hive: 'HKLM' | 'HKCU',
  key: string,
  wantedNames: ReadonlySet<string>,
  view?: 32 | 64,
): Promise<readonly RegistryKey[]> {
  const registry = await windowsOwn();
  if (registry === null) {
    const deep = wantedNames.size > 0 ? ['/s'] : [];
    return parseRegistry(await query(look, [`${hive}\\${key}`, ...deep, ...(view ? [`/reg:${view}`] : [])]), wantedNames);
  }
  try {
    return registry.below(hive, key, wantedNames, view);
  } catch {
    look.unreadable(`${hive}\\${key}`, 'Windows refuses the registry key');
    return [];
  }
}

let ownRegistry: Promise<Win32Registry | null> | undefined;
/** Null off Windows, and where koffi's native part is missing. */
function windowsOwn(): Promise<Win32Registry | null> {
  if (process.platform !== 'win32') return Promise.resolve(null);
  ownRegistry ??= win32Registry().catch(() => null);
  return ownRegistry;
}

function reportApp(look: Look, key: string, values: ReadonlyMap<string, string>, home: string | null): void {
  const appId = plainName(lastOf(key));
  const name = plainName(values.get('displayname'));
  // Without a name it is not shown as an application, and with a parent it is an update of one.
  if (appId === null || name === null || values.has('parentkeyname')) return;
  look.found({
    kind: 'app',
    platform: 'win32',
    appId,
    name,
    publisher: plainName(values.get('publisher')),
    version: plainVersion(values.get('displayversion')),
    path: location(look, values.get('installlocation')),
    home,
  });
}

function location(look: Look, value: string | undefined): string | null {
  const named = (value ?? '').trim().replace(/^"(.*)"$/, '$1');
  const expanded = named.replace(/%([^%]{1,100})%/g, (whole, variable: string) => variableOf(look, variable) ?? whole);
  return path.win32.isAbsolute(expanded) && !expanded.includes('%') ? plainName(expanded) : null;
}

/** Windows compares the names of variables without case; a copied environment doesn't. */
function variableOf(look: Look, name: string): string | undefined {
  return Object.entries(look.os.env).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

async function query(look: Look, args: readonly string[]): Promise<string> {
  const root = variableOf(look, 'SystemRoot') ?? 'C:\\Windows';
  try {
    return await look.os.run(path.win32.join(root, 'System32', 'reg.exe'), ['query', ...args]);
  } catch (error) {
    // Exit code 1 is reg.exe's answer for a key that doesn't exist: a user who never installed anything has no Uninstall key.
    const { code } = error as { code?: unknown };
    if (code !== 1) look.unreadable(args[0] ?? null, typeof code === 'string' ? code : 'reg.exe failed');
    return '';
  }
}

type RegistryKey = { readonly key: string; readonly values: ReadonlyMap<string, string> };

/**
 * The keys in an answer of `reg query`, each with the text values whose lower-case names are `wanted`. A key stands at the start of its line;
 * values follow, behind four spaces each: name, type, data. Any other line, such as the rest of a value with a line break, is passed over.
 */
export function parseRegistry(answer: string, wantedNames: ReadonlySet<string>): RegistryKey[] {
  const keys: { key: string; values: Map<string, string> }[] = [];
  for (const line of answer.split(/\r?\n/)) {
    if (line.startsWith('HKEY_')) keys.push({ key: line.slice(0, 1024).trimEnd(), values: new Map() });
    else if (line.startsWith('    ')) {
      const match = /^ {4}(\S[^\t]{0,255}?) {4}REG_(?:EXPAND_)?SZ(?: {4}(.*))?$/.exec(line.slice(0, 2048));
      const name = match?.[1]?.toLowerCase();
      if (name !== undefined && wantedNames.has(name)) keys.at(-1)?.values.set(name, match?.[2]?.trim() ?? '');
    }
  }
  return keys;
}

/**
 * `Name_Version_Architecture_ResourceId_PublisherHash`: its family is the first and the last part.
 * Null for another form, and for a package of resources (a language, a scale), whose resource id is neither empty nor `~`.
 */
export function parsePackageName(fullName: string): { family: string; version: string } | null {
  const match = /^([A-Za-z0-9.-]{3,50})_(\d+(?:\.\d+){3})_([A-Za-z0-9]+)_~?_([a-z0-9]{13})$/.exec(fullName);
  return match ? { family: `${match[1]}_${match[4]}`, version: match[2] as string } : null;
}

function lastOf(key: string): string {
  return key.slice(key.lastIndexOf('\\') + 1);
}
