/**
 * What is installed and needn't be running: packages, applications and executables, with versions from metadata.
 *
 * Nothing that is looked for is ever run. One source a kind of thing, each in a file of `installed/`; they read in turn and synchronously,
 * which is faster than a queue of small asynchronous reads, and give way to the event loop between sources.
 */
import { setImmediate } from 'node:timers/promises';
import { binaries } from './installed/binaries.ts';
import { brew, cask } from './installed/brew.ts';
import { cargo } from './installed/cargo.ts';
import { darwinApps } from './installed/darwin-apps.ts';
import { linuxApps } from './installed/linux-apps.ts';
import { dpkg, flatpak, snap } from './installed/linux-packages.ts';
import { lookFor, ownedHomes, type Results, type Source } from './installed/look.ts';
import { npm } from './installed/npm.ts';
import { pypi } from './installed/python.ts';
import { msix, windowsApps } from './installed/win32-apps.ts';
import type { AppObservation, BinaryObservation, PackageManager, PackageObservation, Trouble } from './observation.ts';
import type { Os } from './os.ts';

export type InstalledLook = {
  readonly observations: readonly (PackageObservation | AppObservation | BinaryObservation)[];
  readonly troubles: readonly Trouble[];
  /**
   * The sources that could not be looked at in full: nothing of them may be declared gone. A source has the name of what it reports: a package's
   * manager (`npm`, `dpkg` …), or `app`, or `binary`.
   */
  readonly incomplete: readonly string[];
};

export type InstalledObserver = {
  /** Looks at everything once. Rejects with the signal's reason when it aborts; what is wrong outside becomes a `Trouble`. */
  look(signal?: AbortSignal): Promise<InstalledLook>;
};

/**
 * `homes` are absolute; one that doesn't belong to the caller is noted and not looked into. Only executables named in `binaryNames`, and only
 * packages that `wantsPackage` wants (all, without it), are reported; the files of others are not read.
 */
export async function createInstalledObserver(
  os: Os,
  options: {
    homes: readonly string[];
    binaryNames: ReadonlySet<string>;
    wantsPackage?: (manager: PackageManager, name: string) => boolean;
  },
): Promise<InstalledObserver> {
  const { homes, binaryNames, wantsPackage: wants = () => true } = options;
  const sources = [...sourcesOf[os.platform], binaries(binaryNames)];
  return {
    async look(signal) {
      signal?.throwIfAborted();
      const results: Results = { observations: new Map(), troubles: [], incomplete: new Set() };
      const owned = ownedHomes(os, homes, results, sources);
      const pending: (void | Promise<void>)[] = [];
      for (const source of sources) {
        pending.push(source.look(lookFor(source, { os, homes: owned, results, wants })));
        await setImmediate();
        signal?.throwIfAborted();
      }
      await Promise.all(pending);
      signal?.throwIfAborted();
      return { observations: [...results.observations.values()], troubles: results.troubles, incomplete: [...results.incomplete] };
    },
  };
}

/** Those that ask another program come first, so that it works while the others read. */
const sourcesOf: Readonly<Record<Os['platform'], readonly Source[]>> = {
  win32: [windowsApps, msix, npm, pypi, cargo],
  darwin: [npm, pypi, cargo, brew, cask, darwinApps],
  linux: [npm, pypi, cargo, brew, dpkg, snap, flatpak, linuxApps],
};
