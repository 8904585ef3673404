/** What decides which program an entry starts beside its command line: the variables that go on, and the hash that changes when what would run changes. Pure. */
import { hash } from 'node:crypto';
import { blankArgs } from './args.ts';
import { BLANK, blankName, type NamedValue, sanitizeUrl } from './secrets.ts';
import { isPlainLine } from './unwrap.ts';

/** Beside the fields that are shown; holds no secret. */
export type Launch = {
  readonly cwd: string | null;
  /** Variables that change what a program does (`NODE_OPTIONS`, `*_BASE_URL`, …), their values blanked; sorted by name. */
  readonly env: Readonly<Record<string, string>>;
  /** Each value of the entry as a name and a kind. */
  readonly values: readonly NamedValue[];
};

/** Only values under these names go further than `parse.ts`: a rule or the launch depends on them. */
const names = new Set(
  [
    // Where it listens and which program is found first.
    'HOST BIND LISTEN PATH SHELL',
    // What is loaded into a program before its own code.
    'NODE_OPTIONS NODE_PATH NODE_TLS_REJECT_UNAUTHORIZED NODE_EXTRA_CA_CERTS LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES',
    'DYLD_LIBRARY_PATH DYLD_FRAMEWORK_PATH PYTHONPATH PYTHONSTARTUP PYTHONHOME BASH_ENV ENV ZDOTDIR PERL5OPT PERL5LIB RUBYOPT RUBYLIB',
    'JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS CLASSPATH DOTNET_STARTUP_HOOKS GIT_SSH_COMMAND',
    // Where packages come from.
    'NPM_CONFIG_REGISTRY NPM_CONFIG_USERCONFIG YARN_NPM_REGISTRY_SERVER YARN_REGISTRY BUN_CONFIG_REGISTRY UV_INDEX_URL UV_DEFAULT_INDEX',
    'UV_EXTRA_INDEX_URL UV_INDEX UV_CONFIG_FILE PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE GOPROXY GOSUMDB JSR_URL NPM_CONFIG_YES',
    // Whom it speaks through, and whom it trusts.
    'AZURE_OPENAI_ENDPOINT ANTHROPIC_API_URL SCOPE SCOPES',
    'HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY DOCKER_HOST SSH_AUTH_SOCK SSL_CERT_FILE REQUESTS_CA_BUNDLE',
  ].flatMap((line) => line.split(' ')),
);

/** Whether a variable's value may go on, once it is blanked. Names of variables mean the same in any case on Windows, and to npm. */
export function decidesLaunch(name: string): boolean {
  const upper = name.toUpperCase();
  return names.has(upper) || /^\w{1,60}_(?:BASE_URL|API_BASE|HOST|SCOPES?)$/.test(upper);
}

/** The variables that decide what runs, without user info, query and secrets; sorted by name. */
export function launchEnv(env: readonly (readonly [string, string])[]): Record<string, string> {
  const kept = env
    .filter(([name]) => decidesLaunch(name))
    .map(([name, value]): [string, string] => [
      blankName(name),
      isOneAddress(value.trim()) ? (sanitizeUrl(value) ?? '') : blankWords(value),
    ]);
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function isOneAddress(value: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/\S*$/i.test(value) && !value.includes(',');
}

function blankWords(value: string): string {
  return blankArgs([value]).args[0] ?? BLANK;
}

/**
 * SHA-256 over what would run, secrets blanked. The same for any order of keys, for a line written as one command or as words, and for any client;
 * never computed from a secret, so that a renewed key changes nothing.
 */
export function launchHash({
  command,
  args,
  url,
  launch,
}: {
  readonly command: string | null;
  readonly args: readonly string[];
  readonly url: string | null;
  readonly launch: Pick<Launch, 'cwd' | 'env'>;
}): string {
  const env = Object.entries(launch.env).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const canonical = JSON.stringify(['muster.launch/1', words(command, args), url, launch.cwd, env]);
  return `sha256:${hash('sha256', canonical, 'hex')}`;
}

/** `npx -y x` as one command is what `npx` with its arguments is; a path with a space in it is one word. */
function words(command: string | null, args: readonly string[]): readonly string[] | null {
  if (command === null) return null;
  const isLine = args.length === 0 && /\s/.test(command) && isPlainLine(command) && !/[\\/][^\\/]*\s[^\\/]*[\\/]/.test(command);
  return isLine ? command.trim().split(/\s+/) : [command, ...args];
}
