/** Rules about the network: how a server is reached, on what it listens, and where its packages, keys and prompts go. Pure. */
import { launchLine, programName } from '../unwrap.ts';
import type { Assessed, Rule } from './rule.ts';

export const networkRules: readonly Rule[] = [
  {
    id: 'cleartext-remote',
    title: 'The connection to the server is not encrypted',
    severity: 'high',
    test: (server) => {
      const addresses = server.url === null ? server.args : [server.url];
      const host = addresses.map(cleartextHost).find((found) => found !== null);
      return host ?? null;
    },
    advice: 'Use https:// or wss://.',
    refs: ['MCP07'],
  },
  {
    id: 'all-interfaces',
    title: 'The server listens on every network interface',
    severity: 'high',
    test: (server) => {
      const texts = [...server.args, ...Object.values(server.launch.env)];
      return texts.some((text) => /(?:^|[\s=/@:])(?:0\.0\.0\.0|\[::\])(?::\d+|[/\s:]|$)/.test(text)) ? '' : null;
    },
    advice: 'Bind it to 127.0.0.1.',
    refs: ['MCP07'],
  },
  {
    id: 'tls-off',
    title: 'Certificates are not checked',
    severity: 'high',
    test: (server) => {
      const variable = Object.entries(server.launch.env).find(
        ([name, value]) => name.toUpperCase() === 'NODE_TLS_REJECT_UNAUTHORIZED' && value.trim() === '0',
      );
      if (variable) return variable[0];
      return (
        server.args.find((arg) =>
          /^--(?:insecure(?:-skip-(?:tls-)?verify)?|skip-(?:tls|ssl)-verify|tls-skip-verify|no-(?:check-certificate|verify-ssl)|(?:verify-)?ssl(?:-verify)?=(?:false|0)|trusted-host(?:=.*)?|allow-insecure-host(?:=.*)?)$/.test(
            arg,
          ),
        ) ?? null
      );
    },
    advice: "Check certificates; give the organization's own authority by NODE_EXTRA_CA_CERTS or its like.",
    refs: ['MCP07', 'MCP01'],
  },
  {
    id: 'package-index',
    title: 'Packages come from an index that is not the public one',
    severity: 'medium',
    test: (server, known) => {
      const named = Object.entries(server.launch.env).filter(([name]) => indexVariable.test(name));
      const flagged = flagValues(server, indexFlag);
      const hosts = [...named.flatMap(([, value]) => value.split(/[\s,]+/)), ...flagged].map(hostOf);
      return hosts.find((host) => host !== null && !isOwnNetwork(host) && !isUnder(host, known.indexes)) ?? null;
    },
    advice: "Use the public index, or the organization's own inside its network.",
    refs: ['MCP04', 'ASI04'],
  },
  {
    id: 'base-url-redirect',
    title: "Prompts and keys for a model go to a host that is not the vendor's",
    severity: 'high',
    test: (server, known) => redirected(server.launch.env, known.apis),
    advice: 'Take the variable out, or ask IT whether this gateway is the organization’s.',
    refs: ['MCP01', 'ASI03'],
  },
];

/** The variable and the host to which a model's address was moved, as `ANTHROPIC_BASE_URL → host`; null where it is the vendor's, this computer or a reference. */
export function redirected(
  env: Readonly<Record<string, string>>,
  apis: readonly { readonly variables: readonly string[]; readonly hosts: readonly string[] }[],
): string | null {
  for (const [name, value] of Object.entries(env)) {
    const api = apis.find(({ variables }) => variables.includes(name.toUpperCase()));
    const host = api === undefined ? null : hostOf(value);
    if (api === undefined || host === null || isLoopback(host) || isUnder(host, api.hosts)) continue;
    return `${name} → ${host}`;
  }
  return null;
}

/** The host of an address, in lower case and without port; null for a reference, a blank or what is no address. */
export function hostOf(address: string): string | null {
  const host = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/:?#\s]*)/.exec(address.trim())?.[1]?.toLowerCase();
  return host === undefined || host === '' || /[$%{…]/.test(host) ? null : host;
}

/** Whether a host is one of these or below one of them. */
export function isUnder(host: string, domains: readonly string[]): boolean {
  return domains.some((domain) => host === domain || host.endsWith(`.${domain}`));
}

/** This computer. */
function isLoopback(host: string): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[(?:::1|::ffff:127.*)\]|0\.0\.0\.0|\[::\]|host\.docker\.internal)$/i.test(host);
}

/** This computer, a private address, or a name that means something only inside one network. */
export function isOwnNetwork(host: string): boolean {
  return (
    isLoopback(host) ||
    /^(?:10(?:\.\d+){3}|192\.168(?:\.\d+){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d+){2}|169\.254(?:\.\d+){2}|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])(?:\.\d+){2})$/.test(
      host,
    ) ||
    /^\[f[cde]/i.test(host) ||
    /\.(?:internal|local|lan|corp|intranet|private|home\.arpa|home|svc)$/.test(host) ||
    !/[.:]/.test(host)
  );
}

function cleartextHost(text: string): string | null {
  const host = /(?:^|[\s=])(?:http|ws):\/\/(\[[^\]]*\]|[^/:\s]*)/i.exec(text)?.[1];
  if (host === undefined || host === '') return null;
  return isLoopback(host) || /^(?:\$|%|\{|…)/.test(host) ? null : host;
}

const indexVariable = /^(?:NPM_CONFIG_REGISTRY|UV_(?:DEFAULT_|EXTRA_)?INDEX(?:_URL)?|PIP_(?:EXTRA_)?INDEX_URL|GOPROXY)$/i;
const indexFlag = /^(?:--registry|--(?:default-|extra-)?index(?:-url)?|-i)$/;

/** The values of flags of what starts the server (`npx --registry`, `uvx --index-url`). */
function flagValues(server: Assessed, wanted: RegExp): string[] {
  if (server.command === null) return [];
  const [command = '', ...args] = launchLine(server);
  if (!/^(?:npx|npm|pnpm|yarn|bunx|bun|uvx|uv|pipx|pip)$/.test(programName(command))) return [];
  return args.flatMap((arg, at) => {
    const [, flag = '', value = ''] = /^(--?[\w-]+)=([\s\S]*)$/.exec(arg) ?? [];
    if (flag !== '') return wanted.test(flag) ? [value] : [];
    return wanted.test(arg) && /:\/\//.test(args[at + 1] ?? '') ? [args[at + 1] ?? ''] : [];
  });
}
