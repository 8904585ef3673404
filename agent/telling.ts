/** What this agent calls things when it tells others of them: the names of `sync/names.ts`, over everything that is known of this computer now. */
import type { Catalog } from '../native-catalog/catalog.ts';
import type { AgentParts } from './agent.ts';
import { deviceKey, readDeviceKey } from './device-key.ts';
import type { UserNames } from './evidence.ts';
import { collecting } from './policy/collect.ts';
import { createKnownWords, type KnownWords } from './sync/known-words.ts';
import { createNames, type Names } from './sync/names.ts';

export type Telling = {
  /** As things are at this moment. `forGood`: they are written down, so that the device's key is made where there is none. Throws a `DatabaseError`. */
  names(forGood?: boolean): Names;
};

export function createTelling(
  parts: Pick<AgentParts, 'os' | 'homes' | 'store' | 'device' | 'dataDir' | 'settings' | 'policyFile'> & {
    readonly catalog: Pick<Catalog, 'words'>;
    readonly userNames: () => UserNames;
  },
): Telling {
  const { os, store, catalog, device, dataDir, settings, policyFile } = parts;
  let known: KnownWords | undefined;
  /** The last names, for as long as all that they are made from is the same: a record and each of its rows ask for them. */
  let last: { readonly from: readonly unknown[]; readonly names: Names } | undefined;

  /** Where people keep what is theirs, as far as anything here says so. */
  function folders(): string[] {
    const servers = store.servers();
    const projects = [...servers, ...store.addons(), ...store.settings()].flatMap(({ project }) => project ?? []);
    const named = servers.flatMap(({ command, args, identity }) => [
      command ?? '',
      ...args,
      identity.kind === 'script' ? identity.name : '',
    ]);
    return [...projects, ...(settings.projectFolders ?? []), ...named.flatMap(foldersIn)];
  }

  return {
    names(forGood = false) {
      known ??= createKnownWords(catalog);
      const { home } = os.user;
      const policy = policyFile.current().policy;
      const userNames = parts.userNames();
      // Without a key nothing has been told to anybody, and what is only shown needs no salt.
      const key = (forGood ? deviceKey : readDeviceKey)(dataDir);
      const from = [key?.thumbprint, store.revision(), policy, userNames, settings.collect, settings.projectFolders];
      if (last && from.every((one, at) => one === last?.from[at])) return last.names;
      const names = createNames({
        known,
        mayTell: collecting(policy, settings.collect).projectPaths,
        homes: [...parts.homes, ...(home === null ? [] : [home])],
        folders: folders(),
        ...(userNames === 'plain' ? {} : { user: device.user }),
        hostname: device.hostname,
        salted: key?.salted ?? (() => '…'),
      });
      last = { from, names };
      return names;
    },
  };
}

/** Folders in a word of a command line: without the file, which is often called as the server is, and without what a package manager put there. */
function foldersIn(word: string): string[] {
  const whole = /^(?:--?[\w-]+=)?((?:~|\.{1,2}|[A-Za-z]:)?[\\/].*)$/s.exec(word)?.[1] ?? '';
  const within = [...word.matchAll(/(?:^|[\s=:,'"(])((?:~|\.{1,2}|[A-Za-z]:)?[\\/](?![\\/])[^\s'",;&|)]*)/g)].map(([, path]) => path ?? '');
  return [whole, ...within].map((path) => (path.split(/[\\/]node_modules[\\/]/)[0] ?? '').replace(/[\\/][^\\/]*\.[A-Za-z]{1,5}$/, ''));
}
