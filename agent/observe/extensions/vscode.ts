/**
 * Extensions of VS Code and the editors made from it, by their own records: which are there (`extensions.json`, one a profile), which are marked for removal
 * (`.obsolete`), and which are switched off (a row of `state.vscdb`, one a profile).
 */
import path from 'node:path';
import { isMap, own } from '../../mcp/text.ts';
import type { HomeReader } from '../home-reader.ts';
import { compareVersions, plainVersion } from '../installed/look.ts';
import { readStateRow } from '../state-db.ts';
import { type ExtensionSource, json, type Look, type Profile, plainId, profileName, together } from './look.ts';
import { type Editor, editors, placesHere } from './programs.ts';

/** Some hundred kilobytes for people with many; what is parsed whole takes up to forty times its size. */
const maximumRecord = 4 * 1024 * 1024;
/** Of one record. */
const maximumExtensions = 5000;
const maximumManifest = 2 * 1024 * 1024;
/** What the editor calls the profile that everybody has. */
const defaultProfile = 'Default';

export const vscode: ExtensionSource = (look) => {
  for (const editor of editors) for (const install of editor.installs) lookAtInstall(look, editor, install);
};

type Install = Editor['installs'][number];
type Installed = { readonly id: string; readonly version: string | null; readonly folder: string; readonly everywhere: boolean };
type EditorProfile = {
  readonly name: string;
  readonly folder: string;
  /** It uses the extensions of the default profile. */
  readonly shares: boolean;
};

function lookAtInstall(look: Look, { program }: Editor, install: Install): void {
  const { reader } = look;
  for (const { folder, home } of placesHere(reader, install.extensions)) {
    if (!reader.isFolder(folder)) continue;
    const users = placesHere(reader, install.data)
      .filter((data) => data.home === home)
      .map((data) => path.join(data.folder, 'User'));
    const obsolete = removed(reader, folder);
    // Asked only where something wanted is there: opening databases is most of the cost of a look.
    const off = lazily(() => users.map((user) => disabled(reader, path.join(user, 'globalStorage/state.vscdb'))));
    const shared = recorded(reader, path.join(folder, 'extensions.json')) ?? listed(look, folder);
    const profiles = users.flatMap((user) => profilesOf(reader, user));

    const seen = new Map<string, { installed: Installed; profiles: Profile[] }>();
    const add = (installed: Installed, name: string, offHere: () => readonly (ReadonlySet<string> | null)[]) => {
      if (obsolete.has(installed.folder.toLowerCase()) || !look.wants('vscode', installed.id, null)) return;
      const at = `${installed.id.toLowerCase()}\0${installed.folder}`;
      const known = seen.get(at) ?? { installed, profiles: [] };
      seen.set(at, known);
      if (!known.profiles.some((profile) => profile.name === name)) known.profiles.push({ name, enabled: isOn(installed.id, offHere()) });
    };
    for (const installed of shared) add(installed, defaultProfile, off);
    for (const profile of profiles) {
      // A profile may share the default one's state as well, and then has none of its own.
      const offHere = lazily(() => {
        const own = disabled(reader, path.join(profile.folder, 'globalStorage/state.vscdb'));
        return own === null ? off() : [own];
      });
      const own = profile.shares ? shared : (recorded(reader, path.join(profile.folder, 'extensions.json')) ?? []);
      for (const installed of own) add(installed, profile.name, offHere);
      // What is for all profiles is recorded in the default one alone.
      if (!profile.shares) for (const installed of shared) if (installed.everywhere) add(installed, profile.name, offHere);
    }
    for (const { installed, profiles: having } of seen.values()) {
      const at = path.join(folder, installed.folder);
      // The record may name what somebody has deleted by hand.
      if (installed.folder !== '' && !reader.isFolder(at)) continue;
      look.found({
        kind: 'extension',
        host: 'vscode',
        program,
        id: installed.id,
        folder: null,
        version: installed.version,
        profiles: profiles.length === 0 ? [] : having,
        enabled: together(having),
        permissions: [],
        path: installed.folder === '' ? folder : at,
        home,
      });
    }
  }
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** What a record lists; null where there is none, or it can't be understood. */
function recorded(reader: HomeReader, file: string): readonly Installed[] | null {
  const taken = reader.take(file, { maxBytes: maximumRecord, expected: 'a list of extensions in JSON' }, (bytes) => {
    const list = json(bytes);
    if (!Array.isArray(list)) return null;
    return list.slice(0, maximumExtensions).flatMap((entry: unknown): Installed[] => {
      const id = extensionId(own(own(entry, 'identifier'), 'id'));
      if (id === null) return [];
      const version = plainVersion(own(entry, 'version'));
      return [{ id, version, folder: folderOf(entry), everywhere: own(own(entry, 'metadata'), 'isApplicationScoped') === true }];
    });
  });
  return taken.state === 'read' ? taken.value : null;
}

/** The name of its folder beside the record; empty for one that somebody develops in a folder of their own, whose name is nobody's business. */
function folderOf(entry: unknown): string {
  const named = own(entry, 'relativeLocation');
  const location = own(entry, 'location');
  // Older records have the whole location only.
  const whole = own(location, 'path') ?? own(location, 'fsPath') ?? location;
  const name = typeof named === 'string' ? named : typeof whole === 'string' ? (whole.split(/[/\\]/).at(-1) ?? '') : '';
  return isFolderName(name) ? name : '';
}

/** Only what the editor itself gives such a folder: the id and the version. */
function isFolderName(name: string): boolean {
  return /^[\w-]{1,100}\.[\w.+-]{1,200}$/.test(name);
}

/** Where the record is missing or broken: folders named after what is in them. */
function listed(look: Look, folder: string): readonly Installed[] {
  const { reader } = look;
  const newest = new Map<string, Installed>();
  for (const name of reader.folders(folder)) {
    const [, named, version] =
      /^([\w-]+\.[\w.-]+?)-(\d+\.\d+\.\d+(?:[-+][\w.]+)?)(?:-(?:win32|linux|alpine|darwin|web|universal)[\w-]*)?$/.exec(name) ?? [];
    const id = extensionId(named);
    if (id === null || version === undefined || !look.wants('vscode', id, null)) continue;
    const manifest = manifestOf(reader, path.join(folder, name, 'package.json'));
    // An empty folder is what a failed removal leaves.
    if (manifest === null) continue;
    const here = { id, version: manifest.version ?? plainVersion(version), folder: name, everywhere: false };
    const known = newest.get(id.toLowerCase());
    if (!known || compareVersions(here.version ?? '', known.version ?? '') > 0) newest.set(id.toLowerCase(), here);
  }
  return [...newest.values()];
}

function manifestOf(reader: HomeReader, file: string): { version: string | null } | null {
  const taken = reader.take(file, { maxBytes: maximumManifest, expected: 'a manifest in JSON', detail: true }, (bytes) => {
    const manifest = json(bytes);
    return isMap(manifest) ? { version: plainVersion(own(manifest, 'version')) } : null;
  });
  return taken.state === 'read' ? taken.value : taken.state === 'absent' ? null : { version: null };
}

/** Folders that the editor has given up and not deleted yet, in lower case. */
function removed(reader: HomeReader, folder: string): ReadonlySet<string> {
  const taken = reader.take(
    path.join(folder, '.obsolete'),
    { maxBytes: maximumRecord, expected: 'an object in JSON', detail: true },
    (bytes) => {
      const map = bytes.length === 0 ? {} : json(bytes);
      if (!isMap(map)) return null;
      return new Set(Object.entries(map).flatMap(([name, is]) => (is === true ? [name.toLowerCase()] : [])));
    },
  );
  return taken.state === 'read' ? taken.value : new Set();
}

function profilesOf(reader: HomeReader, user: string): readonly EditorProfile[] {
  const file = path.join(user, 'globalStorage/storage.json');
  const taken = reader.take(file, { maxBytes: maximumRecord, expected: 'an object in JSON', detail: true }, (bytes) => {
    const state = json(bytes);
    if (!isMap(state)) return null;
    const list = own(state, 'userDataProfiles');
    if (!Array.isArray(list)) return [];
    return list.slice(0, 100).flatMap((profile: unknown) => {
      const location = own(profile, 'location');
      const whole = typeof location === 'string' ? location : own(location, 'path');
      const name = typeof whole === 'string' ? whole.split(/[/\\]/).at(-1) : undefined;
      if (name === undefined || !/^[\w-]{1,100}$/.test(name)) return [];
      const shares = own(own(profile, 'useDefaultFlags'), 'extensions') === true;
      return [{ name: profileName(own(profile, 'name'), name), folder: name, shares }];
    });
  });
  if (taken.state !== 'read') return [];
  return taken.value.map((profile) => ({ ...profile, folder: path.join(user, 'profiles', profile.folder) }));
}

const row = { table: 'ItemTable', keyColumn: 'key', key: 'extensionsIdentifiers/disabled', valueColumn: 'value' };

/**
 * The ids that are switched off, in lower case; null where it isn't known: nothing has been written yet, or the editor is writing just now. What is
 * switched off for one workspace only is on elsewhere, and isn't looked for.
 */
function disabled(reader: HomeReader, file: string): ReadonlySet<string> | null {
  // Without the file the editor has not yet run.
  if (!reader.mayRead(file)) return null;
  const stamp = `${reader.stamp(file)} ${reader.stamp(`${file}-wal`)}`;
  const kept = reader.keep(file, 'disabled', stamp, () => readStateRow(file, row));
  if (kept.state === 'refused') reader.unclear(file, kept.detail);
  if (kept.state === 'busy' || kept.state === 'refused') return null;
  if (kept.state === 'absent') return new Set();
  const list = json(kept.value);
  return new Set(Array.isArray(list) ? list.flatMap((entry: unknown) => extensionId(own(entry, 'id'))?.toLowerCase() ?? []) : []);
}

/** On, off, or not known where no state of the editor's could be read. */
function isOn(id: string, off: readonly (ReadonlySet<string> | null)[]): boolean | null {
  const known = off.filter((set) => set !== null);
  if (known.some((set) => set.has(id.toLowerCase()))) return false;
  return known.length > 0 ? true : null;
}

function extensionId(value: unknown): string | null {
  const id = plainId(value);
  return id !== null && /^[\w-]+(\.[\w-]+)+$/.test(id) ? id : null;
}
