/** The catalog in memory: which tool an observation belongs to, and which files matter on a platform. STUB of the contract. */

import type { Observation } from '../agent/observe/observation.ts';
import type { Platform, Surface } from '../electron/contract.ts';
import type { Entry, Family, McpPlace, ProjectsPlace } from './schema.ts';

/** `strong` makes a row alone; `weak` (a leftover folder, a common name) only beside another kind. `certain` names the tool itself. */
export type Match = { readonly entry: Entry; readonly strength: 'certain' | 'likely' | 'weak' };

/** A place of the catalog on one platform; still with `~` and variables in it (`agent/observe/paths.ts` resolves those). */
export type ClientPlace = McpPlace & { readonly client: string };
export type ClientProjects = ProjectsPlace & { readonly client: string };

export type Catalog = {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly families: ReadonlyMap<string, Family>;
  /** Pure; null for what is no AI tool. ≤ 20 µs. `titles` says whether policy allows matching window titles. */
  identify(seen: Observation, options?: { titles?: boolean }): Match | null;
  places(platform: Platform): {
    mcp: readonly ClientPlace[];
    projects: readonly ClientProjects[];
    configs: readonly { entry: string; path: string }[];
  };
  /** Every binary name worth looking for in a folder of binaries. */
  binaryNames: ReadonlySet<string>;
};

export type RawCatalog = { readonly entries: readonly unknown[]; readonly families: readonly unknown[] };
export declare function parseCatalog(raw: RawCatalog, names?: readonly string[]): Catalog;
export type _Unused = Surface;
