/** How the homes that are looked at are written: their paths as `~/…`, and each home by a name of its own, so that two never mix. */
import path from 'node:path';
import { tilde } from './observe/paths.ts';

export type Homes = {
  /** More homes that paths may lie under (`muster scan --home` through a running agent). */
  add(homes: readonly string[]): void;
  /** `/home/ada/x` → `~/x`; unchanged outside every home. */
  show(path: string): string;
  /** `~` for the first home, `~bob` for another: with the `~/…` of a path it says which file is meant. */
  label(home: string): string;
};

/** `own` are the absolute homes of this agent, its user's or the first named one first. */
export function createHomes(own: readonly string[]): Homes {
  const known = [...own];
  return {
    add(homes) {
      for (const home of homes) if (!known.includes(home)) known.push(home);
    },
    show: (at) => tilde(at, known),
    label: (home) => (home === known[0] ? '~' : `~${path.basename(home)}`),
  };
}
