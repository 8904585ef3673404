/** Add-ons of Firefox and the browsers made from it: `profiles.ini` names the profiles, and `extensions.json` of each says what it has and which is on. */
import path from 'node:path';
import { isMap, own } from '../../mcp/text.ts';
import type { HomeReader } from '../home-reader.ts';
import { compareVersions, plainVersion } from '../installed/look.ts';
import { type ExtensionSource, hostPermissions, json, type Look, type Profile, plainId, profileName, together } from './look.ts';
import { type Browser, firefoxes, placesHere } from './programs.ts';

/** Some hundred kilobytes for people with many; what is parsed whole takes up to forty times its size. */
const maximumRecord = 4 * 1024 * 1024;

export const firefox: ExtensionSource = (look) => {
  for (const browser of firefoxes) {
    for (const { folder, home } of placesHere(look.reader, browser.data)) lookAtBrowser(look, browser, folder, home);
  }
};

function lookAtBrowser(look: Look, { program }: Browser, folder: string, home: string | null): void {
  const { reader } = look;
  const seen = new Map<string, { version: string | null; profiles: Profile[]; permissions: Set<string>; path: string }>();
  for (const profile of profilesIn(reader, folder)) {
    const granted = grantedIn(look, profile.folder);
    for (const { id, version, enabled, permissions } of addonsIn(look, profile.folder)) {
      const archive = path.join(profile.folder, 'extensions', `${id}.xpi`);
      const known = seen.get(id) ?? {
        version,
        profiles: [],
        permissions: new Set<string>(),
        path: reader.isFile(archive) ? archive : profile.folder,
      };
      seen.set(id, known);
      if (version !== null && compareVersions(version, known.version ?? '') > 0) known.version = version;
      known.profiles.push({ name: profile.name, enabled });
      for (const host of [...permissions, ...(granted.get(id) ?? [])]) known.permissions.add(host);
    }
  }
  for (const [id, { version, profiles, permissions, path: at }] of seen) {
    look.found({
      kind: 'extension',
      host: 'firefox',
      program,
      id,
      folder: null,
      version,
      profiles,
      enabled: together(profiles),
      permissions: [...permissions].sort(),
      path: at,
      home,
    });
  }
}

type Profiles = readonly { readonly name: string; readonly path: string; readonly relative: boolean }[];

function profilesIn(reader: HomeReader, folder: string): { readonly name: string; readonly folder: string }[] {
  const file = path.join(folder, 'profiles.ini');
  const taken = reader.take<Profiles>(file, { maxBytes: 1024 * 1024, expected: 'a list of profiles' }, (bytes) => {
    const text = bytes.toString('utf8');
    // An empty one is what a fresh installation has.
    return text.includes('\0') ? null : parseProfiles(text);
  });
  if (taken.state !== 'read') return [];
  return taken.value.flatMap(({ name, path: named, relative }) => {
    const at = relative ? path.join(folder, ...named.split(/[/\\]/)) : named;
    // One that was moved to another disk is read there; a path that climbs out of the folder is nobody's profile.
    const isInside = !path.relative(folder, at).startsWith('..');
    if (relative ? !isInside : !path.isAbsolute(at) || reader.homeOf(at) === null) return [];
    return [{ name, folder: at }];
  });
}

/** `[Profile0]` and its keys `Name`, `IsRelative`, `Path`. */
export function parseProfiles(text: string): Profiles {
  return text
    .split(/^\[/m)
    .filter((section) => /^Profile\d+\]/.test(section))
    .slice(0, 100)
    .flatMap((section) => {
      const key = (name: string) => new RegExp(`^${name}=([^\\r\\n]{1,1000})\\r?$`, 'm').exec(section)?.[1];
      const named = key('Path');
      if (named === undefined) return [];
      return [{ name: profileName(key('Name'), 'profile'), path: named, relative: key('IsRelative') !== '0' }];
    });
}

type Addon = {
  readonly id: string;
  readonly version: string | null;
  readonly enabled: boolean | null;
  readonly permissions: readonly string[];
};

function addonsIn(look: Look, profile: string): readonly Addon[] {
  const file = path.join(profile, 'extensions.json');
  const taken = look.reader.take<readonly Addon[]>(file, { maxBytes: maximumRecord, expected: 'a list of add-ons in JSON' }, (bytes) => {
    const addons = own(json(bytes), 'addons');
    if (!Array.isArray(addons)) return null;
    return addons.flatMap((addon: unknown): Addon[] => {
      const id = plainId(own(addon, 'id'));
      // Themes and languages are no programs, and what lies in these places is the browser's own.
      const location = own(addon, 'location');
      if (id === null || own(addon, 'type') !== 'extension' || !look.wants('firefox', id, null)) return [];
      if (typeof location === 'string' && /^app-(builtin|system)/.test(location)) return [];
      const active = own(addon, 'active');
      const origins = own(own(addon, 'userPermissions'), 'origins');
      return [
        {
          id,
          version: plainVersion(own(addon, 'version')),
          enabled: typeof active === 'boolean' ? active : null,
          permissions: hostPermissions(Array.isArray(origins) ? origins : []),
        },
      ];
    });
  });
  return taken.state === 'read' ? taken.value : [];
}

/** Hosts that the person has allowed later. Newer versions keep them in a database of their own form, which isn't read. */
function grantedIn(look: Look, profile: string): ReadonlyMap<string, readonly string[]> {
  const file = path.join(profile, 'extension-preferences.json');
  const options = { maxBytes: maximumRecord, expected: 'an object in JSON', detail: true };
  const taken = look.reader.take(file, options, (bytes) => {
    const all = json(bytes);
    if (!isMap(all)) return null;
    const wanted = Object.entries(all).filter(([id]) => plainId(id) !== null && look.wants('firefox', id, null));
    return new Map(
      wanted.map(([id, given]) => {
        const origins = own(given, 'origins');
        return [id, hostPermissions(Array.isArray(origins) ? origins : [])];
      }),
    );
  });
  return taken.state === 'read' ? taken.value : new Map();
}
