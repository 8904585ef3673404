/** What may be set on this computer, in three layers: defaults, the user's file, and what an administrator manages. Each value says where it came from. */
import path from 'node:path';
import type { Setting } from '../electron/contract.ts';
import type { Os } from './observe/os.ts';
import type { Problems } from './problems.ts';
import {
  defaults,
  isSetting,
  mayUserSet,
  readSetting,
  SETTING_NAMES,
  type SettingName,
  type Settings,
  shownSetting,
} from './settings/keys.ts';
import { type Layer, readObject, type SettingsIssue, stampOf } from './settings/layer.ts';
import { managedStamp, readManaged } from './settings/managed.ts';

export type { Settings } from './settings/keys.ts';

export type SettingsRead = {
  readonly values: Settings;
  /** Those that are set or have a default, in the order of the table. */
  readonly settings: readonly Setting[];
  readonly issues: readonly SettingsIssue[];
};

export type SettingsSource = {
  current(): SettingsRead;
  /** Whether a file differs from what was read last: by times and sizes, so it may be asked often. */
  changed(): boolean;
  /** Reads all of it again, the registry too, and raises or ends its problems. Never rejects. */
  reload(): Promise<SettingsRead>;
};

const userFile = (dataDir: string) => path.join(dataDir, 'settings.json');

/** `managed` names a file that stands for the managed settings; only for runs outside of a package. Never rejects; a missing file is no issue. */
export async function readSettings(os: Os, dataDir: string, managed: string | null = null): Promise<SettingsRead> {
  const { layers, issues } = await readManaged(os, managed);
  const found: Found[] = SETTING_NAMES.flatMap((name) =>
    defaults[name] === undefined ? [] : [{ name, value: defaults[name], source: 'default' as const, from: null }],
  );
  const wrong = [...issues];
  const organization = layers.map((layer) => ({ layer, taken: take(layer, 'managed', wrong) }));
  const mayUser = organization.flatMap(({ taken }) => taken).findLast(({ name }) => name === 'userMayChangeSettings')?.value !== false;
  const file = userFile(dataDir);
  const own = readObject(file);
  if ('detail' in own) {
    if (own.detail !== 'there is no such file') wrong.push({ from: file, detail: own.detail, refused: false });
  } else if (mayUser) found.push(...take(own, 'user', wrong));
  else wrong.push({ from: file, detail: 'the managed settings don’t allow settings of the user’s own', refused: false });
  found.push(...organization.flatMap(({ taken }) => taken));
  return { ...resolved(found), issues: wrong };
}

/** Reads nothing yet; what holds before `reload` are the defaults. */
export function createSettings(os: Os, dataDir: string, managed: string | null, problems: Problems): SettingsSource {
  let current: SettingsRead = { values: defaults, settings: [], issues: [] };
  let seen: string | null = null;
  const stamp = () => `${stampOf(userFile(dataDir))} ${managedStamp(os, managed)}`;
  return {
    current: () => current,
    changed: () => stamp() !== seen,
    async reload() {
      seen = stamp();
      current = await readSettings(os, dataDir, managed);
      problems.clear('settings-invalid');
      problems.clear('managed-settings-refused');
      const byPlace = Map.groupBy(
        current.issues,
        ({ from, refused }) => `${refused ? 'managed-settings-refused' : 'settings-invalid'} ${from}`,
      );
      for (const [first, ...more] of byPlace.values()) {
        if (!first) continue;
        const detail = [first, ...more].map((issue) => issue.detail).join('; ');
        problems.raise({ code: first.refused ? 'managed-settings-refused' : 'settings-invalid', path: first.from, detail });
      }
      return current;
    },
  };
}

/** The settings as they are whenever one is asked for: an administrator may change them at any time. */
export function liveSettings(source: SettingsSource): Settings {
  const live = {};
  for (const name of SETTING_NAMES) Object.defineProperty(live, name, { enumerable: true, get: () => source.current().values[name] });
  return live as Settings;
}

type Found = { readonly name: SettingName; readonly value: unknown; readonly source: Setting['source']; readonly from: string | null };

/** What a place says and may say; one setting that is wrong costs no other. */
function take({ from, values, isText }: Layer, source: 'user' | 'managed', issues: SettingsIssue[]): Found[] {
  const wrong = (detail: string) => issues.push({ from, detail, refused: false });
  return Object.entries(values).flatMap(([written, raw]) => {
    const name = isText ? (SETTING_NAMES.find((each) => each.toLowerCase() === written.toLowerCase()) ?? written) : written;
    const shown = name.slice(0, 60);
    if (!isSetting(name)) {
      // An editor's pointer to a schema is no setting.
      if (name !== '$schema') wrong(`${shown}: there is no such setting`);
      return [];
    }
    if (source === 'user' && !mayUserSet(name)) {
      wrong(`${shown}: only managed settings may say this`);
      return [];
    }
    const read = readSetting(name, raw, isText);
    if (read.ok) return [{ name, value: read.value, source, from }];
    wrong(read.issue);
    return [];
  });
}

/** The last one wins. */
function resolved(found: readonly Found[]): Pick<SettingsRead, 'values' | 'settings'> {
  const byName = Map.groupBy(found, ({ name }) => name);
  const values: Record<string, unknown> = {};
  const settings = SETTING_NAMES.flatMap((name): Setting[] => {
    const [winner, ...others] = (byName.get(name) ?? []).toReversed();
    if (!winner) return [];
    values[name] = winner.value;
    const shown = ({ source, from, value }: Found) => ({ source, from, value: shownSetting(name, value) });
    return [{ name, ...shown(winner), overrides: others.map(shown) }];
  });
  return { values: values as Settings, settings };
}
