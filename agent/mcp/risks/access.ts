/** Rules about what a server may reach: folders, accounts, logins, and what it may do without being asked. Pure. */
import { targetOf } from '../target.ts';
import type { Assessed, Rule } from './rule.ts';

export const accessRules: readonly Rule[] = [
  {
    id: 'broad-root',
    title: 'The server is given the whole disk or a whole home folder',
    severity: 'high',
    test: broadRoot,
    advice: 'Give it the one folder that it works on.',
    refs: ['MCP02', 'MCP10', 'ASI02', 'T0086'],
  },
  {
    id: 'broad-scopes',
    title: 'The server asks for more than a task needs',
    severity: 'high',
    test: (server) => scopesOf(server).find(isBroadScope) ?? null,
    advice: 'Ask for the narrowest scope that the task needs, reading before writing.',
    refs: ['MCP02', 'ASI03'],
  },
  {
    id: 'credential-handed',
    title: 'The server is handed a login that reaches far beyond it',
    severity: 'medium',
    test: (server) => {
      const passed = server.launch.values.filter(({ position, kind }) => position === 'env' && kind !== 'empty').map(({ name }) => name);
      const mounted = server.args.some((arg) => /\$\{?(?:env:)?SSH_AUTH_SOCK\b/.test(arg)) ? ['SSH_AUTH_SOCK'] : [];
      return [...passed, ...Object.keys(server.launch.env), ...mounted].find((name) => farReaching.has(name.toUpperCase())) ?? null;
    },
    advice: 'Give it a key of its own, limited to what it does, in place of the session of the person.',
    refs: ['MCP01', 'ASI03'],
  },
  {
    id: 'auto-approve-all',
    title: 'The agent asks nobody before it uses this server',
    severity: 'high',
    test: (server) => (approved(server) === 'all' ? '' : null),
    advice: 'Switch automatic approval off for this server, or list the tools that only read.',
    refs: ['MCP02', 'ASI02', 'ASI09', 'M0029'],
  },
  {
    id: 'auto-approve-some',
    title: 'The agent uses some tools of this server without asking',
    severity: 'medium',
    test: (server) => {
      const tools = approved(server);
      if (tools === 'all' || tools.length === 0) return null;
      const shown = [...new Set(tools)].sort();
      return shown.slice(0, 5).join(', ') + (shown.length > 5 ? ` and ${shown.length - 5} more` : '');
    },
    advice: 'Keep in the list only tools that read, and nothing that they could leak.',
    refs: ['MCP02', 'ASI02', 'ASI09'],
  },
];

/** Sessions and agents: names by the documentation of OpenSSH, AWS, Google Cloud and Azure. */
const farReaching = new Set([
  'SSH_AUTH_SOCK',
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'CLOUDSDK_AUTH_ACCESS_TOKEN',
  'GOOGLE_OAUTH_ACCESS_TOKEN',
  'AZURE_ACCESS_TOKEN',
  'KRB5CCNAME',
]);

function approved(server: Assessed): readonly string[] | 'all' {
  const tools = server.autoApproved;
  return tools === 'all' ? 'all' : tools.includes('*') ? 'all' : tools;
}

/** A whole disk, all homes or one whole home, however it is written. */
export function isWholeDiskOrHome(given: string): boolean {
  const path = given.replaceAll('\\', '/').replace(/(?<=.)\/+$/, '');
  return (
    path === '/' ||
    /^(?:~|\$HOME|\$\{(?:env:)?HOME\}|\$\{userHome\}|%USERPROFILE%|%HOMEPATH%|\$\{(?:env:)?USERPROFILE\}|\$env:USERPROFILE)$/i.test(path) ||
    /^\/(?:home|Users|root|mnt\/[a-z]|Volumes|System\/Volumes\/Data)$/.test(path) ||
    /^\/(?:home|Users|mnt\/[a-z]\/Users)\/[^/]+$/.test(path) ||
    /^[A-Za-z]:(?:\/Users(?:\/[^/]+)?)?\/?$/i.test(path)
  );
}

/** Flags whose `/` is the path of an address and not a folder. */
const addressFlag = /(?:endpoint|route|prefix|base|url|(?:http|sse|mcp|message|messages|context|mount)-?path)$/i;

function broadRoot(server: Assessed): string | null {
  const { kind, rest, fetched } = targetOf(server);
  // What an image is told is about the folders inside the container.
  if (server.command === null || kind === 'oci') return null;
  const args = fetched || kind === 'script' || kind === 'npm' || kind === 'pypi' || kind === 'go' ? rest : server.args;
  for (const [at, arg] of args.entries()) {
    const [, flag = args[at - 1] ?? '', value = arg] = /^(--?[\w.-]+)=([\s\S]*)$/.exec(arg) ?? [];
    if (flag.startsWith('-') && addressFlag.test(flag)) continue;
    const found = value.split(/[,;]/).find((one) => isWholeDiskOrHome(one.trim()));
    if (found !== undefined && found !== '') return found.trim();
  }
  return null;
}

/** Scopes named by arguments, by variables and by the entry's own `oauth`. */
function scopesOf(server: Assessed): string[] {
  const fromArgs = server.args.flatMap((arg, at) => {
    const [, flag = '', value = ''] = /^(--?[\w-]+)=([\s\S]*)$/.exec(arg) ?? [];
    if (flag !== '' && scopeName.test(flag)) return [value];
    return /^--?[\w-]+$/.test(arg) && scopeName.test(arg) ? [server.args[at + 1] ?? ''] : [];
  });
  const fromEnv = Object.entries(server.launch.env).flatMap(([name, value]) => (scopeName.test(name) ? [value] : []));
  return [...fromArgs, ...fromEnv, ...server.scopes].flatMap((text) => text.split(/[\s,;]+/)).filter((scope) => scope !== '');
}

const scopeName = /(?:^|[-_])scopes?$/i;

function isBroadScope(scope: string): boolean {
  return (
    /^(?:\*|.*\/\.default|\.default|repo|delete_repo|admin:.+|write:org|api|sudo|full_access|full|all|root|offline_access_all)$/i.test(
      scope,
    ) ||
    /(?:^|\/auth\/)(?:cloud-platform|drive|admin\.directory\.\w+|gmail\.modify)$/.test(scope) ||
    /^https:\/\/mail\.google\.com\/?$/.test(scope) ||
    /^(?:\w+:)?\*(?::\*)?$/.test(scope) ||
    /^(?:Directory|Mail|Files|Sites|User|Group)\.ReadWrite\.All$/i.test(scope)
  );
}
