/**
 * Models on this disk, by name and size: what runtimes keep in the folders that the catalog names. No model is opened; of Ollama's small manifests
 * the sizes are taken, of everything else the file system's.
 *
 * A runtime that is switched to another folder by a variable is looked for in both: the variable that this program sees need not be the runtime's.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { ModelsPlace } from '../../native-catalog/schema.ts';
import { plainName } from './installed/look.ts';
import { asksOnMac } from './mac-privacy.ts';
import { type Folders, foldersFor } from './models/folders.ts';
import { modelsIn } from './models/layouts.ts';
import type { ModelFact, Trouble } from './observation.ts';
import type { Os } from './os.ts';
import { isSystemPlace, resolvePlace } from './paths.ts';

export type ModelsLook = {
  /** Sorted by tool and name; a file that two tools' places hold is told for both. */
  readonly facts: readonly ModelFact[];
  /** `folder-unreadable`, `home-not-owned`, or `not-looked-at` (a network path of Windows). */
  readonly troubles: readonly Trouble[];
  /** Tools of which not every place could be looked at in full: nothing of them may be declared gone. */
  readonly incomplete: readonly string[];
};

export type ModelsObserver = { look(): ModelsLook };

const NETWORK = 'it is a network path, and Windows might sign you in there';

type Looked = { readonly tool: string; readonly place: ModelsPlace; readonly folder: string; readonly home: string | null };

/** `homes` are absolute; one that isn't the caller's is noted and not looked into. `places` are those of the catalog, on any platform. */
export function createModelsObserver(
  os: Os,
  { homes, places }: { homes: readonly string[]; places: readonly { readonly tool: string; readonly place: ModelsPlace }[] },
): ModelsObserver {
  const all = [...new Set(homes.map((home) => path.resolve(home)))];

  /** The places that can be on this computer, each folder once for a tool. */
  function looked(owned: readonly string[]): Looked[] {
    const found = new Map<string, Looked>();
    for (const { tool, place } of places) {
      const here = place.path[os.platform];
      for (const written of [...(here === undefined ? [] : [here]), ...(place.movedBy ? [place.movedBy.path] : [])]) {
        const system = isSystemPlace(written);
        for (const home of system ? [null] : owned) {
          const folder = resolvePlace(written, os, home ?? os.user.home ?? '/');
          const key = `${tool}\0${folder}\0${JSON.stringify(place.layout)}`;
          if (folder !== null && !found.has(key)) found.set(key, { tool, place, folder, home });
        }
      }
    }
    return [...found.values()];
  }

  return {
    look() {
      const troubles: Trouble[] = [];
      const incomplete = new Set<string>();
      const owned = all.filter((home) => isOwn(os, home));
      for (const home of all.filter((one) => !owned.includes(one))) {
        troubles.push({ code: 'home-not-owned', path: home });
        for (const { tool } of places) incomplete.add(tool);
      }
      const facts: ModelFact[] = [];
      for (const { tool, place, folder, home } of looked(owned)) {
        if (os.platform === 'win32' && /^[\\/]{2}/.test(folder)) {
          troubles.push({ code: 'not-looked-at', path: folder, detail: NETWORK });
          incomplete.add(tool);
          continue;
        }
        if (asksOnMac(os, folder, all)) {
          incomplete.add(tool);
          continue;
        }
        const folders: Folders = foldersFor((at, detail) => {
          incomplete.add(tool);
          troubles.push({ code: 'folder-unreadable', path: at, detail });
        });
        for (const { name, bytes, path: at } of modelsIn(place.layout, folder, folders)) {
          const shown = plainName(name);
          if (shown !== null) facts.push({ tool, name: shown, bytes, path: at, home });
        }
      }
      facts.sort((a, b) => compare(a.tool, b.tool) || compare(a.name, b.name) || compare(a.path, b.path));
      return { facts, troubles, incomplete: [...incomplete] };
    },
  };
}

function isOwn(os: Os, home: string): boolean {
  if (os.user.uid === null) return true;
  try {
    const uid = statSync(home, { throwIfNoEntry: false })?.uid;
    return uid === undefined || uid === os.user.uid;
  } catch {
    // A home that can't even be asked about is left to the listing, which says why.
    return true;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
