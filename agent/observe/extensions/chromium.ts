/**
 * Extensions of Chrome and the browsers made from Chromium, by each profile's own record, with the hosts that they may read; and pages that
 * people have as apps, where a file says the host.
 */
import path from 'node:path';
import { holdsSecret } from '../../mcp/secrets.ts';
import { isMap, own } from '../../mcp/text.ts';
import type { HomeReader } from '../home-reader.ts';
import { compareVersions, plainVersion } from '../installed/look.ts';
import { membersAt } from './json-part.ts';
import { type ExtensionSource, hostPermissions, json, type Look, type Profile, profileName, together } from './look.ts';
import { type Browser, chromiums, placesHere } from './programs.ts';

/** The record holds each extension's manifest and is some megabytes for people with many. */
const maximumRecord = 32 * 1024 * 1024;
const maximumManifest = 2 * 1024 * 1024;

export const chromium: ExtensionSource = (look) => {
  for (const browser of chromiums) {
    for (const { folder, home } of placesHere(look.reader, browser.data)) lookAtBrowser(look, browser, folder, home);
  }
};

type Recorded = {
  readonly id: string;
  /** Null where the record doesn't say. */
  readonly version: string | null;
  readonly enabled: boolean | null;
  readonly permissions: readonly string[] | null;
  /** Its folder below `Extensions`; null where it lies elsewhere. */
  readonly folder: string | null;
};

function lookAtBrowser(look: Look, { program }: Browser, folder: string, home: string | null): void {
  const { reader } = look;
  const seen = new Map<string, { version: string | null; profiles: Profile[]; permissions: Set<string>; path: string }>();
  for (const profile of profilesIn(reader, folder)) {
    const at = profile.folder;
    for (const recorded of extensionsIn(look, at)) {
      const manifest = recorded.version === null || recorded.permissions === null ? manifestOf(reader, at, recorded) : null;
      const version = recorded.version ?? manifest?.version ?? null;
      const known = seen.get(recorded.id) ?? { version, profiles: [], permissions: new Set<string>(), path: at };
      if (!seen.has(recorded.id)) {
        const own = path.join(at, 'Extensions', recorded.id);
        // Some name a profile's folder after the account.
        known.path = holdsSecret(path.basename(at)) ? folder : reader.isFolder(own) ? own : at;
        seen.set(recorded.id, known);
      }
      if (version !== null && compareVersions(version, known.version ?? '') > 0) known.version = version;
      known.profiles.push({ name: profile.name, enabled: recorded.enabled });
      for (const host of recorded.permissions ?? manifest?.permissions ?? []) known.permissions.add(host);
    }
    sitesIn(look, program, at, home);
  }
  for (const [id, { version, profiles, permissions, path: at }] of seen) {
    look.found({
      kind: 'extension',
      host: 'chromium',
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

/** Folders with a record of settings: those the browser lists, and the folder itself, which is Opera's only profile. */
function profilesIn(reader: HomeReader, folder: string): { readonly name: string; readonly folder: string }[] {
  if (!reader.isFolder(folder)) return [];
  const names = namesOfProfiles(reader, folder);
  const inside = reader.folders(folder).filter((name) => isProfile(reader, path.join(folder, name)));
  const own = isProfile(reader, folder) ? [{ name: 'Default', folder }] : [];
  return [
    ...own,
    ...inside.slice(0, 100).map((name) => ({ name: names.get(name) ?? profileName(name, 'profile'), folder: path.join(folder, name) })),
  ];
}

const records = ['Secure Preferences', 'Preferences'] as const;

function isProfile(reader: HomeReader, folder: string): boolean {
  return records.some((name) => reader.exists(path.join(folder, name)));
}

function namesOfProfiles(reader: HomeReader, folder: string): ReadonlyMap<string, string> {
  const file = path.join(folder, 'Local State');
  const taken = reader.take(file, { maxBytes: maximumRecord, expected: 'an object in JSON', detail: true }, (bytes) => {
    const cache = membersAt(bytes, ['profile', 'info_cache'], () => true);
    if (cache === null) return null;
    if (cache === 'absent') return new Map<string, string>();
    return new Map(
      [...cache].slice(0, 1000).map(([name, said]) => [name, profileName(own(json(said), 'name'), profileName(name, 'profile'))]),
    );
  });
  return taken.state === 'read' ? taken.value : new Map();
}

/** What the two records of a profile say together; where neither can be read, what lies in its folder of extensions. */
function extensionsIn(look: Look, profile: string): readonly Recorded[] {
  const { reader } = look;
  const found = new Map<string, Recorded>();
  let said = false;
  for (const name of records) {
    const options = { maxBytes: maximumRecord, expected: 'a browser’s settings in JSON' };
    const taken = reader.take(path.join(profile, name), options, (bytes) => {
      const settings = membersAt(bytes, ['extensions', 'settings'], (id) => isExtensionId(id) && look.wants('chromium', id, null));
      if (settings === null) return null;
      if (settings === 'absent') return undefined;
      const parsed = [...settings].map(([id, said]) => ({ id, setting: json(said) }));
      return parsed.some(({ setting }) => setting === undefined)
        ? null
        : parsed.flatMap(({ id, setting }) => fromSetting(id, setting) ?? []);
    });
    // Undefined where the record has no place for extensions, as has one of the two.
    if (taken.state !== 'read' || taken.value === undefined) continue;
    said = true;
    for (const recorded of taken.value) if (!found.has(recorded.id)) found.set(recorded.id, recorded);
  }
  if (said) return [...found.values()];
  return reader
    .folders(path.join(profile, 'Extensions'))
    .filter((id) => isExtensionId(id) && look.wants('chromium', id, null))
    .map((id) => ({ id, version: null, enabled: null, permissions: null, folder: newestIn(reader, path.join(profile, 'Extensions', id)) }))
    .filter(({ folder }) => folder !== null);
}

/** `manifest::ManifestLocation`: parts of the browser itself. */
const components: ReadonlySet<unknown> = new Set([5, 10]);

/** Null for what isn't there: the record remembers what was removed, too, and what a policy keeps out. */
function fromSetting(id: string, setting: unknown): Recorded | null {
  if (!isMap(setting)) return null;
  const named = own(setting, 'path');
  if (typeof named !== 'string' || named === '') return null;
  if (components.has(own(setting, 'location')) || own(setting, 'blacklist') === true) return null;
  return {
    id,
    version: plainVersion(own(own(setting, 'manifest'), 'version')),
    enabled: isEnabled(setting),
    permissions: permissionsOf(setting),
    folder: /^[a-p]{32}[/\\][\w.]{1,60}$/.test(named) ? path.join('Extensions', ...named.split(/[/\\]/)) : null,
  };
}

/** `state` is 1 or 0 and was given up for `disable_reasons`, once bits in a number and now a list: an extension is on while there are none. */
function isEnabled(setting: Record<string, unknown>): boolean {
  const reasons = own(setting, 'disable_reasons');
  const state = own(setting, 'state');
  if (state !== undefined && state !== 1) return false;
  return Array.isArray(reasons) ? reasons.length === 0 : typeof reasons !== 'number' || reasons === 0;
}

/**
 * What it was given. Where the person said "only when I click", the active set still lists all that was asked for, and the hosts allowed since then
 * stand apart; those may be broader than what was asked for, and never give more.
 */
function permissionsOf(setting: Record<string, unknown>): readonly string[] | null {
  const active = hostsIn(own(setting, 'active_permissions'));
  if (own(setting, 'withholding_permissions') !== true) return active;
  const allowed = hostsIn(own(setting, 'runtime_granted_permissions')) ?? [];
  return allowed.some((host) => host === '<all_urls>' || host === '*://*/*') ? (active ?? allowed) : allowed;
}

function hostsIn(permissions: unknown): readonly string[] | null {
  if (!isMap(permissions)) return null;
  return hostPermissions(['explicit_host', 'scriptable_host'].flatMap((key) => listAt(permissions, key)));
}

function listAt(map: unknown, key: string): readonly unknown[] {
  const list = own(map, key);
  return Array.isArray(list) ? list : [];
}

function newestIn(reader: HomeReader, folder: string): string | null {
  const newest = reader
    .folders(folder)
    .filter((name) => /^\d[\w.]{0,60}$/.test(name))
    .sort(compareVersions)
    .at(-1);
  return newest === undefined ? null : path.join('Extensions', path.basename(folder), newest);
}

function manifestOf(reader: HomeReader, profile: string, { folder }: Recorded): { version: string | null; permissions: string[] } | null {
  if (folder === null) return null;
  const file = path.join(profile, folder, 'manifest.json');
  const taken = reader.take(file, { maxBytes: maximumManifest, expected: 'a manifest in JSON', detail: true }, (bytes) => {
    const manifest = json(bytes);
    if (!isMap(manifest)) return null;
    const matches = listAt(manifest, 'content_scripts').flatMap((script) => listAt(script, 'matches'));
    const asked = [...listAt(manifest, 'host_permissions'), ...listAt(manifest, 'permissions'), ...matches];
    return { version: plainVersion(own(manifest, 'version')), permissions: hostPermissions(asked) };
  });
  return taken.state === 'read' ? taken.value : null;
}

/**
 * A page that was made an app without a manifest of its own has a folder that is named after its host, with `https_443` in it. Others are named
 * after a number made from their address, which says nothing.
 */
function sitesIn(look: Look, program: string, profile: string, home: string | null): void {
  const { reader } = look;
  const apps = path.join(profile, 'Web Applications');
  for (const host of reader.folders(apps)) {
    if (!/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(host)) continue;
    if (!reader.folders(path.join(apps, host)).some((name) => /^https?_\d+$/.test(name))) continue;
    look.found({ kind: 'site', host, program, path: path.join(apps, host), home });
  }
}

function isExtensionId(id: string): boolean {
  return /^[a-p]{32}$/.test(id);
}
