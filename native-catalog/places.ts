/** Which files of the catalog can be on a platform. */
import type { Platform } from '../electron/contract.ts';
import type { Client, Entry, McpPlace, ProjectsPlace, SettingsPlace } from './schema.ts';

/** A place of the catalog on one platform; still with `~` and variables in it (`agent/observe/paths.ts` resolves those). */
export type ClientPlace = McpPlace & { readonly client: string };
export type ClientProjects = ProjectsPlace & { readonly client: string };
export type ClientSettings = SettingsPlace & { readonly client: string; readonly sqlite?: never };
export type Places = {
  readonly mcp: readonly ClientPlace[];
  readonly projects: readonly ClientProjects[];
  /** Absent where a catalog was made without. */
  readonly settings?: readonly ClientSettings[];
  readonly configs: readonly { entry: string; path: string }[];
};

export function placesOn(platform: Platform, list: readonly Entry[], clients: readonly Client[]): Places {
  const all = [...list, ...clients];
  const here = <T extends McpPlace | ProjectsPlace | SettingsPlace>(entry: Entry | Client, places: readonly T[] | undefined) =>
    (places ?? []).filter((place) => place.path[platform] !== undefined).map((place) => ({ ...place, client: entry.id }));
  return {
    mcp: all.flatMap((entry) => here(entry, entry.mcp)),
    projects: all.flatMap((entry) => here(entry, entry.projects)),
    settings: list.flatMap((entry) => here(entry, entry.settings)),
    configs: list.flatMap((entry) =>
      (entry.detect.configs ?? []).filter((path) => isOn(platform, path)).map((path) => ({ entry: entry.id, path })),
    ),
  };
}

/** Config folders are listed once for all platforms; how one is written says where it can be. */
export function isOn(platform: Platform, path: string): boolean {
  if (path.startsWith('%') || /^[A-Z]:/.test(path)) return platform === 'win32';
  if (path.startsWith('~/Library/') || path.startsWith('/Library/')) return platform === 'darwin';
  if (path.startsWith('$XDG_') || path.startsWith('/')) return platform !== 'win32';
  return true;
}
