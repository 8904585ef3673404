/** How each MCP client writes a server: a table, so that a new client is a row and not a branch. `parse.ts` reads by it. */
import type { McpTransport } from '../../electron/contract.ts';

/** Field names are tried in their order; the first that is there counts. */
export type Dialect = {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Each with the transport that it means where the entry names none; null: decided by the address, else `http`. */
  readonly url: readonly (readonly [field: string, means: McpTransport | null])[];
  readonly headers: readonly string[];
  /** Fields that name the transport. */
  readonly type: readonly string[];
  readonly cwd: readonly string[];
  /** In a list of servers: the field with the name. */
  readonly name: readonly string[];
  /** Fields whose value is the name of a variable that holds a secret. */
  readonly secretVariable: readonly string[];
  /** Maps from a header to the name of the variable that holds its value. */
  readonly headersFromVariables: readonly string[];
  /** Lists of names of variables that are passed on. */
  readonly passedVariables: readonly string[];
  /** Fields that list tools which run without asking; `*` among them, or `true`, is all. */
  readonly autoApproved: readonly string[];
  /** Fields that say, by their value, that the entry is none of an MCP server that runs by a command or an address. */
  readonly noServer: Readonly<Record<string, readonly string[]>>;
  /** Lists of names beside the map of servers, or from the top of the file, that switch servers off or are the only ones on. */
  readonly switches: readonly { readonly from: 'beside' | 'top'; readonly at: readonly string[]; readonly means: 'off' | 'only' }[];
};

const common: Dialect = {
  // An array as command (OpenCode, Crush) is the command and its arguments.
  command: ['command', 'cmd'],
  args: ['args', 'arguments'],
  env: ['env', 'environment', 'envs'],
  url: [
    ['httpUrl', 'http'],
    ['url', null],
    ['serverUrl', null],
    ['uri', null],
    ['endpoint', null],
  ],
  headers: ['headers', 'http_headers', 'requestInit'],
  type: ['type', 'transport', 'transportType'],
  cwd: ['cwd'],
  name: ['name', 'id', 'key'],
  secretVariable: ['bearer_token_env_var'],
  headersFromVariables: ['env_http_headers'],
  passedVariables: ['env_vars'],
  autoApproved: ['autoApprove', 'alwaysAllow', 'autoApproved', 'auto_approve'],
  noServer: {},
  switches: [],
};

/** Gemini CLI and what was made from it. */
const gemini: Partial<Dialect> = {
  // `url` is server-sent events there; streamable HTTP has `httpUrl`.
  url: [
    ['httpUrl', 'http'],
    ['url', 'sse'],
  ],
  switches: [
    { from: 'top', at: ['mcp', 'excluded'], means: 'off' },
    { from: 'top', at: ['mcp', 'allowed'], means: 'only' },
  ],
};

const dialects: Readonly<Record<string, Partial<Dialect>>> = {
  'claude-code': { switches: [{ from: 'beside', at: ['disabledMcpServers'], means: 'off' }] },
  'gemini-cli': gemini,
  'qwen-code': gemini,
  mcporter: {
    url: [
      ['baseUrl', null],
      ['url', null],
    ],
  },
  mcpproxy: { type: ['protocol'] },
  // Extensions inside of Goose itself, and inline code, stand in the same map.
  goose: { noServer: { type: ['builtin', 'platform', 'frontend', 'inline_python'] } },
  // An extension of the editor brings that server; only its settings are here.
  zed: { noServer: { source: ['extension'] } },
};

export function dialectOf(client: string): Dialect {
  return { ...common, ...(Object.hasOwn(dialects, client) ? dialects[client] : undefined) };
}

const transports: Readonly<Record<string, McpTransport>> = {
  stdio: 'stdio',
  local: 'stdio',
  command: 'stdio',
  http: 'http',
  'streamable-http': 'http',
  'http-stream': 'http',
  streamable_http: 'http',
  streamablehttp: 'http',
  remote: 'http',
  sse: 'sse',
  ws: 'ws',
  websocket: 'ws',
};

/** The transport that a word in a config means; null for a word that none of the clients documents. */
export function transportNamed(word: string): McpTransport | null {
  const key = word.toLowerCase();
  return Object.hasOwn(transports, key) ? (transports[key] ?? null) : null;
}
