/** Reads a server entry's command line as its launcher (npx, uvx, docker, …) would, and says what would run. Pure; one row a launcher. */
import type { McpIdentity } from '../../electron/contract.ts';
import type { ParsedServer } from './parse.ts';
import { BLANK } from './secrets.ts';
import { launchLine, programName } from './unwrap.ts';

/** What would run, once wrappers (`cmd /c`, `env`, `sudo`) are taken off. */
export type Target = {
  readonly kind: McpIdentity['kind'];
  readonly name: string;
  readonly version: string | null;
  /** The name of the program that a package brings, where the entry names one (`uvx --from PACKAGE PROGRAM`). */
  readonly program: string | null;
  /** Whether starting it may bring a package or image from a registry; false for what is installed or lies on the disk. */
  readonly fetched: boolean;
  /** What follows the package, script or program on the line. */
  readonly rest: readonly string[];
};

type Runner = (args: readonly string[]) => Target | null;

/** Programs that start another one, by the name of the executable. */
const runners: Readonly<Record<string, Runner>> = {
  npx: (args) => npmPackage(args),
  bunx: (args) => npmPackage(args),
  pnpx: (args) => npmPackage(args),
  npm: (args) => afterWord(args, ['exec', 'x'], npmPackage, npmValued),
  pnpm: (args) => afterWord(args, ['dlx', 'exec'], npmPackage),
  yarn: (args) => afterWord(args, ['dlx', 'exec'], npmPackage),
  bun: (args) => afterWord(args, ['x'], npmPackage) ?? script(withoutWord(args, 'run'), nodeValued),
  deno: (args) => denoProgram(args),
  uvx: (args) => pythonPackage(args),
  uv: (args) =>
    afterWord(args, ['tool'], (rest) => afterWord(rest, ['run'], pythonPackage, uvValued), uvValued) ??
    afterWord(args, ['run'], uvRun, uvValued),
  pipx: (args) => afterWord(args, ['run'], pythonPackage),
  docker: (args) => dockerRun(args),
  podman: (args) => dockerRun(args),
  nerdctl: (args) => dockerRun(args),
  go: (args) => afterWord(args, ['run'], goModule),
  node: (args) => script(args, nodeValued),
  nodejs: (args) => script(args, nodeValued),
  tsx: (args) => script(args, nodeValued),
  'ts-node': (args) => script(args, nodeValued),
  python: (args) => python(args),
  python3: (args) => python(args),
  py: (args) => python(args),
  ruby: (args) => script(args, new Set(['-I', '-r'])),
  java: (args) => jar(args),
  dotnet: (args) => script(withoutWord(args, 'run'), new Set(['--project'])),
};

const nodeValued = new Set([
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '-C',
  '--conditions',
  '--env-file',
  '--tsconfig',
]);

type Launch = Pick<ParsedServer, 'command' | 'args' | 'url'>;

/** What an entry would run. Also used to recognise its process. Each list of arguments is read once: a dozen rules ask. */
export function targetOf({ command, args, url }: Launch): Target {
  const before = targets.get(args);
  if (before && before.command === command && before.url === url) return before.target;
  const target = readTarget({ command, args, url });
  targets.set(args, { command, url, target });
  return target;
}
const targets = new WeakMap<readonly string[], Pick<Launch, 'command' | 'url'> & { readonly target: Target }>();

function readTarget(server: Launch): Target {
  if (server.command === null) {
    const address = server.url === null ? '' : server.url.replace(/^[a-z][a-z0-9+.-]*:\/\//, '').replace(/\/$/, '');
    return { kind: address === '' ? 'unknown' : 'remote', name: address, version: null, program: null, fetched: false, rest: [] };
  }
  const [command = '', ...args] = launchLine(server);
  const name = programName(command);
  const known = Object.hasOwn(runners, name) ? runners[name] : /^python3?\.\d+$/.test(name) ? python : undefined;
  const target = known?.(args);
  if (target) return target;
  if (/\.(?:js|mjs|cjs|ts|py|sh|rb|ps1|jar)$/i.test(command)) {
    return { kind: 'script', name: command, version: null, program: null, fetched: false, rest: args };
  }
  return {
    kind: command === '' || command === BLANK ? 'unknown' : 'binary',
    name: name || command,
    version: null,
    program: name,
    fetched: false,
    rest: args,
  };
}

function afterWord(
  args: readonly string[],
  words: readonly string[],
  read: Runner,
  valued: ReadonlySet<string> = new Set(),
): Target | null {
  const at = firstPlain(args, valued)?.at ?? -1;
  return at >= 0 && words.includes(args[at] ?? '') ? read([...args.slice(0, at), ...args.slice(at + 1)]) : null;
}

function withoutWord(args: readonly string[], word: string): readonly string[] {
  return args[0] === word ? args.slice(1) : args;
}

/** The first argument that is no flag, and what follows it; values of the flags in `valued` are stepped over. */
function firstPlain(args: readonly string[], valued: ReadonlySet<string>): { at: number; word: string } | null {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') continue;
    if (!arg.startsWith('-') || arg === '-') return arg === '-' ? null : { at, word: arg };
    if (valued.has(arg)) at++;
  }
  return null;
}

function flagValue(args: readonly string[], names: readonly string[]): string | null {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (!arg.startsWith('-')) continue;
    if (names.includes(arg)) return args[at + 1] ?? null;
    const glued = names.find((name) => arg.startsWith(name) && arg[name.length] === '=');
    if (glued) return arg.slice(glued.length + 1);
  }
  return null;
}

const npmValued = new Set([
  '-p',
  '--package',
  '-c',
  '--call',
  '--registry',
  '--cache',
  '--userconfig',
  '--prefix',
  '-w',
  '--workspace',
  '--node-options',
]);

function npmPackage(args: readonly string[]): Target | null {
  const plain = firstPlain(args, npmValued);
  const given = flagValue(args.slice(0, plain?.at), ['-p', '--package']);
  const spec = given ?? plain?.word;
  if (!spec) return null;
  const rest = plain ? args.slice(plain.at + 1) : [];
  return {
    kind: 'npm',
    ...npmSpec(spec),
    program: given && plain ? plain.word : null,
    fetched: true,
    rest: rest[0] === '--' ? rest.slice(1) : rest,
  };
}

/** `@scope/name@1.2.3` → name and version. A range or a tag (`latest`, `^1`) is no version: what it means may change. */
function npmSpec(spec: string): { name: string; version: string | null } {
  const alias = spec.replace(/^npm:/, '');
  const at = alias.indexOf('@', 1);
  const name = at < 0 ? alias : alias.slice(0, at);
  const version = at < 0 ? null : alias.slice(at + 1);
  if (/^(?:git\+|github:|https?:|file:|\.{0,2}\/)/.test(spec)) {
    const commit = /#([0-9a-f]{40})$/.exec(spec)?.[1] ?? null;
    return { name: spec.replace(/#.*$/, ''), version: commit };
  }
  return { name, version: version !== null && /^v?\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/.test(version) ? version.replace(/^v/, '') : null };
}

const uvValued = new Set(
  '--from --with --with-editable --with-requirements -p --python --index --default-index --index-url --extra-index-url -i --cache-dir --directory --project --env-file -c --constraints --spec --pip-args --refresh-package --upgrade-package -P --exclude-newer --link-mode'.split(
    ' ',
  ),
);

function pythonPackage(args: readonly string[]): Target | null {
  const plain = firstPlain(args, uvValued);
  const from = flagValue(args.slice(0, plain?.at), ['--from', '--spec']);
  const spec = from ?? plain?.word;
  if (!spec) return null;
  const rest = plain ? args.slice(plain.at + 1) : [];
  return { kind: 'pypi', ...pypiSpec(spec), program: from && plain ? plain.word : null, fetched: true, rest };
}

/** `name[extra]==1.2.3`, and uvx's own `name@1.2.3` → name as PyPI writes it, and a version where exactly one is named. */
function pypiSpec(spec: string): { name: string; version: string | null } {
  if (/^(?:git\+|https?:|file:|\.{0,2}\/)/.test(spec)) {
    return { name: spec.replace(/@[0-9a-f]{40}$/, ''), version: /@([0-9a-f]{40})$/.exec(spec)?.[1] ?? null };
  }
  const [, name = spec, operator, version] = /^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:(===?|@)\s*v?(\d[\w.+!-]*)$)?/.exec(spec) ?? [];
  const pinned = operator !== undefined && version !== undefined && !version.endsWith('.') ? version : null;
  return { name: name.toLowerCase().replace(/[-_.]+/g, '-'), version: pinned };
}

/** `uv run` starts a script or program of a project; with `--with PACKAGE` and a program, that package is what is fetched. */
function uvRun(args: readonly string[]): Target | null {
  const plain = firstPlain(args, new Set([...uvValued, '-m', '--module']));
  const flags = args.slice(0, plain?.at);
  const withPackage = flagValue(flags, ['--with']);
  const module = flagValue(flags, ['-m', '--module']);
  if (module) return { kind: 'pypi', ...pypiSpec(module), program: module, fetched: false, rest: plain ? args.slice(plain.at) : [] };
  if (!plain) return null;
  const rest = args.slice(plain.at + 1);
  if (/^python[\d.]*$/.test(plain.word)) return python(rest);
  if (/\.py$/i.test(plain.word)) return { kind: 'script', name: plain.word, version: null, program: null, fetched: false, rest };
  if (withPackage) return { kind: 'pypi', ...pypiSpec(withPackage), program: plain.word, fetched: true, rest };
  const project = flagValue(flags, ['--directory', '--project']);
  return {
    kind: 'script',
    name: project ? `${project}/${plain.word}` : plain.word,
    version: null,
    program: plain.word,
    fetched: false,
    rest,
  };
}

function python(args: readonly string[]): Target | null {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '-m') {
      const module = args[at + 1];
      if (module === undefined) return null;
      return {
        kind: 'pypi',
        name: pypiSpec(module.split('.')[0] ?? module).name,
        version: null,
        program: module,
        fetched: false,
        rest: args.slice(at + 2),
      };
    }
    if (arg === '-c') return { kind: 'script', name: 'python -c', version: null, program: null, fetched: false, rest: args.slice(at) };
    if (arg === '-W' || arg === '-X') at++;
    else if (!arg.startsWith('-'))
      return { kind: 'script', name: arg, version: null, program: null, fetched: false, rest: args.slice(at + 1) };
  }
  return null;
}

function script(args: readonly string[], valued: ReadonlySet<string>): Target | null {
  const inline = args.findIndex((arg) => /^(?:-e|-p|-pe|--eval|--print)$/.test(arg));
  const plain = firstPlain(args, valued);
  if (inline >= 0 && (!plain || inline < plain.at)) {
    return { kind: 'script', name: 'inline code', version: null, program: null, fetched: false, rest: args.slice(inline) };
  }
  if (!plain) return null;
  const inPackage = /(?:^|[/\\])node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)[/\\]/.exec(plain.word)?.[1];
  const rest = args.slice(plain.at + 1);
  if (inPackage && inPackage !== '.bin') {
    return { kind: 'npm', name: inPackage.replace('\\', '/'), version: null, program: null, fetched: false, rest };
  }
  return { kind: 'script', name: plain.word, version: null, program: null, fetched: false, rest };
}

function denoProgram(args: readonly string[]): Target | null {
  const plain = firstPlain(withoutWord(args, 'run'), new Set(['--config', '-c', '--import-map', '--lock', '--env-file', '--cert']));
  if (!plain) return null;
  const rest = withoutWord(args, 'run').slice(plain.at + 1);
  const registry = /^(?:npm|jsr):\/?(.+)$/.exec(plain.word)?.[1];
  return registry
    ? { kind: 'npm', ...npmSpec(registry), program: null, fetched: true, rest }
    : { kind: 'script', name: plain.word, version: null, program: null, fetched: false, rest };
}

function jar(args: readonly string[]): Target | null {
  const file = flagValue(args, ['-jar']) ?? args[args.indexOf('-jar') + 1];
  return file && args.includes('-jar')
    ? { kind: 'script', name: file, version: null, program: null, fetched: false, rest: args.slice(args.indexOf('-jar') + 2) }
    : null;
}

function goModule(args: readonly string[]): Target | null {
  const plain = firstPlain(args, new Set(['-C', '-exec', '-mod', '-modfile', '-tags', '-ldflags', '-gcflags']));
  if (!plain) return null;
  const [module = '', version = null] = plain.word.split('@');
  const rest = args.slice(plain.at + 1);
  if (version === null && /^\.|^\/|\.go$/.test(module))
    return { kind: 'script', name: module, version: null, program: null, fetched: false, rest };
  return {
    kind: 'go',
    name: module,
    version: version !== null && /^v\d+\.\d+\.\d+/.test(version) ? version : null,
    program: null,
    fetched: true,
    rest,
  };
}

const dockerFlags = new Set(
  '-i -t -d -it -ti -id --interactive --tty --detach --rm --init --privileged --read-only --no-healthcheck -P --publish-all --oom-kill-disable -q --quiet --sig-proxy --disable-content-trust --use-api-socket --replace --tls-verify'.split(
    ' ',
  ),
);

/** The image of `docker run`: every flag takes a value but those known not to. */
function dockerRun(args: readonly string[]): Target | null {
  const run = args.indexOf('run');
  if (run < 0) return null;
  for (let at = run + 1; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg.startsWith('-')) {
      if (!dockerFlags.has(arg) && !arg.includes('=') && !/^-[itdP]+$/.test(arg) && !/^-[evpwuhl].+/.test(arg)) at++;
      continue;
    }
    const digest = /@(sha256:[0-9a-f]{64})$/.exec(arg)?.[1] ?? null;
    const bare = arg.replace(/@sha256:[0-9a-f]*$/, '');
    const tag = /:([\w][\w.-]*)$/.exec(bare)?.[1] ?? null;
    return {
      kind: 'oci',
      name: tag === null ? bare : bare.slice(0, -tag.length - 1),
      version: digest ?? (tag === 'latest' ? null : tag),
      program: null,
      fetched: true,
      rest: args.slice(at + 1),
    };
  }
  return null;
}
