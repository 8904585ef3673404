/**
 * Which extensions editors and browsers have, by the records that those programs keep, and which pages people have as apps.
 *
 * One kind of program, one file in `extensions/`; where the programs are is a table in `extensions/programs.ts`. Nothing is started, no file is read that
 * isn't the caller's, and of what is read only identifiers, versions, switches, names of profiles and hosts go further.
 */
import { setImmediate } from 'node:timers/promises';
import { holdsSecret, kindOfValue } from '../mcp/secrets.ts';
import { chromium } from './extensions/chromium.ts';
import { eclipse } from './extensions/eclipse.ts';
import { firefox } from './extensions/firefox.ts';
import { jetbrains } from './extensions/jetbrains.ts';
import type { ExtensionSource } from './extensions/look.ts';
import { vim } from './extensions/vim.ts';
import { visualStudio } from './extensions/visual-studio.ts';
import { vscode } from './extensions/vscode.ts';
import { webApps } from './extensions/web-apps.ts';
import { zed } from './extensions/zed.ts';
import { createHomeReader } from './home-reader.ts';
import type { ExtensionHost, ExtensionObservation, SiteObservation, Trouble } from './observation.ts';
import type { Os } from './os.ts';

export type ExtensionLook = {
  readonly observations: readonly (ExtensionObservation | SiteObservation)[];
  /** `extensions-unreadable`, or `home-not-owned` with the home as its path. */
  readonly troubles: readonly Trouble[];
  /**
   * Homes (absolute) where something could not be read: no extension may be declared gone there. A record of the whole computer that can't be read makes
   * every home incomplete.
   */
  readonly incomplete: readonly string[];
};

export type ExtensionObserver = {
  /** Looks at everything once; never rejects for what is wrong outside. What stayed as it was since the last look isn't read again. */
  look(): Promise<ExtensionLook>;
};

/** Programs that exist on one system only are asked for there alone. */
const sources: readonly ExtensionSource[] = [vscode, jetbrains, visualStudio, vim, zed, eclipse, chromium, firefox, webApps];

/**
 * `homes` are absolute; one that doesn't belong to the caller is noted and not looked into. Only extensions that `wants` wants are reported, and only
 * their manifests are read; a JetBrains plugin must be opened to know its id.
 */
export function createExtensionObserver(
  os: Os,
  options: { homes: readonly string[]; wants: (host: ExtensionHost, id: string, folder: string | null) => boolean },
): ExtensionObserver {
  const begin = createHomeReader(os, { homes: options.homes, code: 'extensions-unreadable' });
  return {
    async look() {
      const { reader, end } = begin();
      const found = new Map<string, ExtensionObservation | SiteObservation>();
      const look = {
        reader,
        wants: options.wants,
        found(seen: ExtensionObservation | SiteObservation) {
          const clean = seen.kind === 'site' ? seen : withoutSecrets(seen);
          if (clean === null) return;
          const key =
            clean.kind === 'site' ? `site\0${clean.program}\0${clean.host}` : `${clean.host}\0${clean.program}\0${clean.id}\0${clean.path}`;
          if (!found.has(key)) found.set(key, clean);
        },
      };
      for (const source of sources) {
        source(look);
        await setImmediate();
      }
      return { observations: [...found.values()], ...end() };
    },
  };
}

/**
 * A broken or hostile record may have a key where an identifier or a version belongs: without the one it is no extension, without the other it still
 * is. Identifiers that only look generated are the rule in browsers.
 */
function withoutSecrets(seen: ExtensionObservation): ExtensionObservation | null {
  if (isKey(seen.id) || isKey(seen.folder)) return null;
  const version = seen.version !== null && holdsSecret(seen.version) ? null : seen.version;
  return { ...seen, version, path: isKey(seen.path) ? null : seen.path };
}

function isKey(text: string | null): boolean {
  return text !== null && kindOfValue(null, text) === 'known-shape';
}
