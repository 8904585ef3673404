/** How the homes that are looked at are written: their paths as `~/…`, and each home by a name of its own, so that two never mix. */
import path from 'node:path';
import { tilde } from './observe/paths.ts';

export type Homes = {
  /** More homes that paths may lie under (`muster scan --home` through a running agent). */
  add(homes: readonly string[]): void;
  /** `/home/ada/x` → `~/x`; unchanged outside every home. */
  show(path: string): string;
  /** `~` for the user's own home, its path for another: with the `~/…` of a path it says which file is meant, in every later look too. */
  label(home: string): string;
};

/** `user` is the home of the account that Muster runs as, `looked` are the absolute ones that this agent looks at. */
export function createHomes(user: string | null, looked: readonly string[]): Homes {
  const known = [...looked];
  return {
    add(homes) {
      for (const home of homes) if (!known.includes(home)) known.push(home);
    },
    show: (at) => tilde(at, known),
    label: (home) => (user !== null && path.resolve(home) === path.resolve(user) ? '~' : home),
  };
}
