/** Says what a server entry is: which package, image, address or program, in which version, with a hash that changes when what would run changes. Pure. */
import type { McpIdentity } from '../../electron/contract.ts';
import { launchHash } from './launch.ts';
import type { ParsedServer } from './parse.ts';
import { targetOf } from './target.ts';

/** The identity of an entry. `version` is null where the next start may run another version than the last. */
export function identify(server: ParsedServer): McpIdentity {
  const { kind, name, version } = targetOf(server);
  return { kind, name, version, launchHash: launchHash(server) };
}

/**
 * Who answers for what runs: `@scope` of npm, `github.com/owner` of an address on a host of code, `ghcr.io/owner` or `docker.io/owner` of an image,
 * a remote's host. Null where the name alone says nobody: a package without scope, a script, a program, a server on this computer.
 */
export function publisherOf({ kind, name }: Pick<McpIdentity, 'kind' | 'name'>): string | null {
  const hosted = ownerOnHost(name);
  switch (kind) {
    case 'npm':
      return hosted ?? /^(@[^/]+)\//.exec(name)?.[1] ?? null;
    case 'pypi':
      return hosted;
    case 'go':
      return hosted ?? /^([\w-]+(?:\.[\w-]+)+)(?:\/|$)/.exec(name)?.[1] ?? null;
    case 'oci': {
      const parts = name.split('/');
      const registry = parts.length > 1 && /[.:]|^localhost$/.test(parts[0] ?? '') ? (parts.shift() ?? '') : 'docker.io';
      if (/^(?:localhost|127\.)/.test(registry)) return null;
      return `${registry}/${parts.length > 1 ? parts[0] : registry === 'docker.io' ? 'library' : parts[0]}`;
    }
    case 'remote': {
      const host = name.split('/')[0]?.replace(/:\d+$/, '') ?? '';
      return host === '' || isThisComputer(host) || /[$%{…]/.test(host) ? null : host;
    }
    default:
      return null;
  }
}

/** `github:owner/…`, `git+https://gitlab.com/owner/…`, `github.com/owner/…` → host and owner. */
function ownerOnHost(name: string): string | null {
  const short = /^(github|gitlab|bitbucket):([\w.-]+)\//.exec(name);
  if (short) return `${short[1]}.${short[1] === 'bitbucket' ? 'org' : 'com'}/${short[2]}`;
  const long = /(?:^|[/@])((?:www\.)?(?:github|gitlab)\.com|bitbucket\.org|codeberg\.org)[/:]([\w.-]+)/.exec(name);
  return long ? `${long[1]?.replace('www.', '')}/${long[2]}` : null;
}

/** A host that is this computer, as it stands in an address. */
export function isThisComputer(host: string): boolean {
  return /^(?:localhost|[\w-]+\.localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[?::1?\]?|host\.docker\.internal)$/i.test(host);
}

/** Whether the next start runs what the last one did, as far as the entry says: false for what a registry or a remote side may exchange. */
export function isPinned(server: Pick<ParsedServer, 'command' | 'args' | 'url'>): boolean {
  const { kind, version, fetched } = targetOf(server);
  if (kind === 'remote' || kind === 'unknown') return false;
  if (!fetched) return true;
  return kind === 'oci' ? /^sha256:/.test(version ?? '') : version !== null;
}
