/**
 * How things are called outside of this computer. The law: only what everybody knows is told as it is; any other part of a path or word of a
 * command line leaves as a salted hash, or not at all. It holds for a project that nobody has heard of yet as for one that is gone: what is known of projects only
 * makes more secret, namely what people have named after them.
 */
import type { McpIdentity } from '../../electron/contract.ts';
import { publisherOf } from '../mcp/identity.ts';
import { BLANK } from '../mcp/secrets.ts';
import { tilde } from '../observe/paths.ts';
import type { StoredServer } from '../store/store.ts';
import { isHead, type KnownWords } from './known-words.ts';

export type Names = {
  /** A project's folder, as it is shown; null: not even its hash. */
  project(folder: string): string | null;
  path(text: string): string;
  /** The program of a server, or the whole line where somebody wrote that. */
  command(text: string, identity: Pick<McpIdentity, 'kind' | 'name'>): string;
  argument(text: string, identity: Pick<McpIdentity, 'kind' | 'name'>): string;
  /** What somebody called something: as it is, unless after a project, the account or the computer. */
  name(text: string): string;
  /** What nobody can say anything of: never as it is. */
  unknown(text: string): string;
  /** The account, by its salted hash. */
  account(user: string): string;
  /** The name of a computer: as it is, unless the account's stands in it. */
  host(name: string): string;
  /**
   * What a server is. `grantable` is what a grant would name: null where that could be two servers at once. `hashed` is what it is called where it has to
   * be hashed, whether it has to now or not: a grant keeps to the form in which somebody asked.
   */
  identity(server: Pick<StoredServer, 'identity' | 'pinned'>): Pick<McpIdentity, 'kind' | 'name'> & {
    readonly grantable: string | null;
    readonly hashed: string;
  };
  /** A hash of something as long as a path, or the launch: salted where it was made of what stays here. */
  server(server: Named): { readonly id: string; readonly launch: (hash: string) => string };
};
type Named = Pick<StoredServer, 'id' | 'identity' | 'pinned' | 'project' | 'configPath' | 'command' | 'args' | 'name'>;

export type NamesParts = {
  readonly known: KnownWords;
  /** Whether a project may be told by its salted hash. */
  readonly mayTell: boolean;
  /** Absolute. */
  readonly homes: readonly string[];
  /** Paths, as they are shown, of which what isn't known to everybody is found in no name either: folders of projects, arguments of servers. */
  readonly folders: readonly string[];
  /** The account and the computer; absent where they may be told. */
  readonly user?: string;
  readonly hostname?: string;
  readonly salted: (text: string) => string;
};

/** So long a name is not found by chance within another word. */
const LONG = 8;
const SHORTEST = 3;
const REGISTRIES: ReadonlySet<McpIdentity['kind']> = new Set(['npm', 'pypi', 'oci', 'go']);
const NO_FILES: ReadonlySet<string> = new Set(['inline code', 'python -c']);
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\])(?::\d{1,5})?$/;

export function createNames(parts: NamesParts): Names {
  const { known, mayTell, salted, user } = parts;
  const homes = parts.homes.filter((home) => home.length > 1);
  const secret = secretWords(parts, known);

  const project = (folder: string) => (mayTell ? `project:${salted(folder)}` : null);
  const hidden = (text: string) => (mayTell ? `hidden:${salted(text)}` : 'hidden');
  const name = (text: string) => (secret.isIn(text) ? hidden(text) : text);

  function path(given: string, tell = project): string {
    const text = tilde(given, homes);
    const { root, steps, lead, separator } = pathOf(text);
    if (steps.length === 0) return text;
    let head = 0;
    const first = steps[0] ?? '';
    if (root !== null && isHead(root, first) && known.isPart(first)) {
      head = 1;
      while (head < steps.length && known.isPart(steps[head] ?? '')) head++;
    }
    // What was blanked may have been anything.
    const isOpen = (step: string) => step === BLANK || !(known.isFile(step) || (head > 0 && known.isPart(step)));
    let last = steps.findLastIndex((step, at) => at >= head && isOpen(step));
    // In a folder of somebody's own even a usual name is theirs.
    if (head === 0 && root !== null) last = Math.max(last, 0);
    if (last < head || head === steps.length) return text;
    const before = steps.slice(0, head).join(separator);
    const told = tell(lead + steps.slice(0, last + 1).join(separator)) ?? 'project';
    return [...(head > 0 ? [lead + before] : []), told, ...steps.slice(last + 1)].join(separator);
  }

  function word(text: string, { kind, name: what }: Pick<McpIdentity, 'kind' | 'name'>): string {
    if (text === '' || text === '~' || text === BLANK || /^\d{1,5}$/.test(text) || LOOPBACK.test(text)) return text;
    if (
      REGISTRIES.has(kind) &&
      isPackage(kind, what) &&
      text.startsWith(what) &&
      /^(?:(?:@|[=:~<>]{1,3})[\w.+~^-]{1,60})?$/.test(text.slice(what.length))
    )
      return name(text);
    if (/^--?[A-Za-z][\w-]{0,60}$/.test(text) || /^\$\{?[A-Za-z_]\w{0,60}\}?$/.test(text)) return name(text);
    const [, left, right] = /^(--?[A-Za-z][\w.-]{0,60}|[A-Z_][A-Z0-9_]{0,60})=(.*)$/s.exec(text) ?? [];
    if (left !== undefined && right !== undefined) return `${name(left)}=${word(right, { kind, name: what })}`;
    if (/^(?:https?|wss?):\/\/[^\s\\]+$/.test(text)) return name(text);
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return hidden(text);
    if (/[\\/]/.test(text)) return path(text);
    return known.isCommon(text) ? text : hidden(tilde(text, homes));
  }

  const names: Names = {
    project,
    path: (text) => path(text),
    name,
    unknown: hidden,
    argument: word,
    command: (text, identity) =>
      /\s/.test(text) && !/^(?:[~.]{0,2}|[A-Za-z]:)[\\/]/.test(text)
        ? text
            .split(/\s+/)
            .map((one) => word(one, identity))
            .join(' ')
        : word(text, identity),
    account: (text) => `user:${salted(text)}`,
    host: (text) => {
      const isTelling = user !== undefined && user !== '' && !known.isCommon(user) && text.toLowerCase().includes(user.toLowerCase());
      return isTelling ? `host:${salted(text)}` : text;
    },
    identity({ identity, pinned }) {
      const { kind, name: what, version } = identity;
      const as = kind === 'script' || kind === 'binary' ? kind : 'unknown';
      const hashed = `${as}:${kind === 'script' ? path(what, (folder) => `project:${salted(folder)}`) : `hidden:${salted(what)}`}`;
      const plain = { kind, name: what, grantable: `${kind}:${what}`, hashed };
      if (kind === 'remote' || (kind === 'script' && NO_FILES.has(what))) return plain;
      if (REGISTRIES.has(kind) && isPackage(kind, what)) {
        // A package with an owner is that owner's; one without, or that nobody fetches, may be what somebody makes here.
        const isFetched = !(pinned && version === null);
        if ((isFetched && publisherOf(identity) !== null && what.includes('/')) || !secret.isIn(what)) return plain;
      }
      const told = kind === 'script' ? path(what) : kind === 'binary' && known.isPart(what) && !secret.isIn(what) ? what : hidden(what);
      if (told === what) return plain;
      return { kind: as, name: told, grantable: mayTell ? hashed : null, hashed };
    },
    server(server) {
      const { id, identity, command, args, configPath } = server;
      const isOurs = (text: string, told: string) => told !== text || /[~]/.test(text);
      const isHere =
        server.project !== null ||
        isOurs(command ?? '', command === null ? '' : names.command(command, identity)) ||
        args.some((text) => isOurs(text, names.argument(text, identity))) ||
        names.identity(server).name !== identity.name;
      const isNamed = server.project !== null || path(configPath) !== configPath || secret.isIn(server.name);
      return { id: isNamed ? salted(`server\0${id}`) : id, launch: (hash) => (isHere ? `salted:${salted(`launch\0${hash}`)}` : hash) };
    },
  };
  return names;
}

/** A path as its steps. `root` null: relative; `lead` is what stands before the first step. */
function pathOf(text: string): { root: string | null; lead: string; steps: string[]; separator: string } {
  const [, lead = '', home, drive] = /^((~)[\\/]+|([A-Za-z]:)[\\/]+|[\\/]+)/.exec(text) ?? [];
  const rest = text.slice(lead.length);
  const separator = lead.includes('\\') || (!text.includes('/') && text.includes('\\')) ? '\\' : '/';
  const root = home ?? drive ?? (lead === '' ? null : '');
  return { root, lead, steps: rest.split(/[\\/]+/).filter((step) => step !== ''), separator };
}

/** Whether it is the name of a package, an image or a module, and no folder that somebody gave instead. */
function isPackage(kind: McpIdentity['kind'], name: string): boolean {
  if (kind === 'npm')
    return (
      /^(?:@[\w~-][\w.~-]*\/)?[\w~-][\w.~-]*$/.test(name) || /^(?:(?:git\+)?https:\/\/|github:|gitlab:|bitbucket:)[\w./@:-]+$/.test(name)
    );
  if (kind === 'pypi') return /^[a-z\d][\w.-]*$/i.test(name) || /^(?:git\+)?https:\/\/[\w./@:-]+$/.test(name);
  if (kind === 'oci') return /^[a-z\d][\w.:-]*(?:\/[\w.-]+)*$/i.test(name);
  return /^[\w-]+(?:\.[\w-]+)+(?:\/[\w.~-]+)*$/.test(name);
}

const words = (text: string) =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((one) => one !== '');

/** Finds in a name what is known to be somebody's own: parts of folders, the account, the computer. */
function secretWords({ folders, homes, user, hostname }: NamesParts, known: KnownWords) {
  const whole = new Map<string, string[]>();
  /** By their first letters: a name is gone through once, however many there are. */
  const long = new Map<string, string[]>();
  const add = (term: string) => {
    if (term.length < SHORTEST || known.isCommon(term)) return;
    const [first, ...others] = words(term);
    if (first === undefined) return;
    const there = whole.get(first);
    const line = [first, ...others].join(' ');
    if (there?.includes(line)) return;
    if (there) there.push(line);
    else whole.set(first, [line]);
    const run = line.replaceAll(' ', '');
    if (run.length < LONG) return;
    const alike = long.get(run.slice(0, LONG));
    if (alike) alike.push(run);
    else long.set(run.slice(0, LONG), [run]);
  };
  for (const folder of [...folders, ...homes]) {
    const { steps } = pathOf(folder);
    for (const step of steps) {
      add(step);
      const bare = step.replace(/\.[A-Za-z]{1,5}$/, '');
      if (bare !== step) add(bare);
    }
  }
  if (user !== undefined) add(user);
  for (const label of [hostname, hostname?.split('.')[0]]) if (label !== undefined) add(label);
  return {
    isIn(text: string): boolean {
      // `dealDesk` and `deal_desk` are the same two words.
      const apart = words(text.replace(/([a-z\d])([A-Z])/g, '$1 $2'));
      for (const split of [apart, words(text)]) {
        const line = `${split.join(' ')} `;
        let at = 0;
        for (const first of split) {
          if (whole.get(first)?.some((term) => line.startsWith(`${term} `, at))) return true;
          at += first.length + 1;
        }
      }
      const run = words(text).join('');
      for (let at = 0; long.size > 0 && at + LONG <= run.length; at++)
        if (long.get(run.slice(at, at + LONG))?.some((term) => run.startsWith(term, at))) return true;
      return false;
    },
  };
}
