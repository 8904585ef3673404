/** Says what a server entry is: which package, image, address or program, in which version, with a hash that changes when what would run changes. Pure. */
import { createHash } from 'node:crypto';
import type { McpIdentity } from '../../electron/contract.ts';
import type { ParsedServer } from './parse.ts';
import { targetOf } from './target.ts';

/** The identity of an entry. `version` is null where the next start may run another version than the last. */
export function identify(server: ParsedServer): McpIdentity {
  const { kind, name, version } = targetOf(server);
  return { kind, name, version, launchHash: launchHash(server) };
}

/** SHA-256 over what would run, secrets blanked: the same for any order of keys, and never computed from a secret. */
function launchHash(server: ParsedServer): string {
  const { transport, command, args, url, launch } = server;
  const env = Object.entries(launch.env).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const canonical = JSON.stringify(['muster.launch/1', transport, command, args, url, launch.cwd, env]);
  return `sha256:${createHash('sha256').update(canonical).digest('hex')}`;
}
