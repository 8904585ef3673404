/** A secret planted anywhere in an entry is nowhere in what leaves the parser, the identity or the risks. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how clients write references to variables.
import fc from 'fast-check';
import { stringify as toToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { blankArgs } from '../../agent/mcp/args.ts';
import { identify } from '../../agent/mcp/identity.ts';
import { type ParsedServer, parseServers, type ServersFile } from '../../agent/mcp/parse.ts';
import { assess } from '../../agent/mcp/risks.ts';
import { blankText, holdsSecret, isTellingName, kindOfValue, sanitizeUrl } from '../../agent/mcp/secrets.ts';

/** Each of about 200 positions gets this many; more by hand: `FUZZ=1000 npm test mcp-secrets`. */
const runs = Number(process.env['FUZZ'] ?? 25);

const alnum = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'];
const chars = (from: readonly string[], length: number) =>
  fc.array(fc.constantFrom(...from), { minLength: length, maxLength: length }).map((list) => list.join(''));
/** Random text as generators of keys make it: at least three digits and both cases, as good as always at these lengths. */
const mixed = (length: number) =>
  chars(alnum, length).filter((text) => /\d.*\d.*\d/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text));
const hex = (length: number) => chars([...'0123456789abcdef'], length).filter((text) => /\d.*\d.*\d/.test(text) && /[a-f]/.test(text));

/** Keys that are known by their shape or look generated: these are found wherever they stand. */
const shaped: Record<string, fc.Arbitrary<string>> = {
  'sk-ant': mixed(40).map((text) => `sk-ant-api03-${text}-AA`),
  'sk-proj': mixed(40).map((text) => `sk-proj-${text}`),
  ghp: mixed(36).map((text) => `ghp_${text}`),
  github_pat: mixed(50).map((text) => `github_pat_11${text}`),
  glpat: mixed(20).map((text) => `glpat-${text}`),
  xoxb: fc.tuple(chars([...'0123456789'], 11), mixed(24)).map(([id, text]) => `xoxb-${id}-${text}`),
  AKIA: chars([...'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'], 16).map((text) => `AKIA${text}`),
  AIza: mixed(35).map((text) => `AIza${text}`),
  jwt: fc.tuple(mixed(40), mixed(60), mixed(43)).map(([a, b, c]) => `eyJ${a}.eyJ${b}.${c}`),
  npm: mixed(36).map((text) => `npm_${text}`),
  hf: mixed(34).map((text) => `hf_${text}`),
  pplx: mixed(48).map((text) => `pplx-${text}`),
  pem: mixed(64).map((text) => `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----`),
  mixed: mixed(32),
  hex: hex(40),
  uuid: fc.uuid(),
  base64: mixed(44).map((text) => `${text.slice(0, 20)}/${text.slice(20, 30)}+${text.slice(30)}=`),
};
/** What people choose themselves: known only by where it stands. */
const chosen = fc.oneof(
  fc.stringMatching(/^[a-z]{6,12}[!#%&*]?[0-9]{1,3}$/).filter((text) => text.length >= 8),
  fc
    .stringMatching(/^[A-Za-z0-9!#$%&*+,./:;<=>?@^_~ -]{10,30}$/)
    .filter((text) => /^[A-Za-z0-9].*[A-Za-z0-9]$/.test(text) && !/\$\w|%\w+%/.test(text)),
  chars([...'abcdefghijklmnopqrstuvwxyz'], 14),
);

type Plant = (secret: string) => Record<string, unknown>;
const inArgs =
  (args: (secret: string) => string[], command = 'npx'): Plant =>
  (secret) => ({ command, args: args(secret) });
/** Where the place itself says that it is secret. */
const telling: Record<string, Plant> = {
  'env by name': (secret) => ({ command: 'npx', args: ['x'], env: { GITHUB_TOKEN: secret, HOME_DIR: '/x' } }),
  'env by any name': (secret) => ({ command: 'npx', args: ['x'], env: { SOMETHING: secret } }),
  'env as a list': (secret) => ({ command: 'npx', args: ['x'], env: [`API_KEY=${secret}`, { name: 'X', value: secret }] }),
  'header Authorization': (secret) => ({ type: 'http', url: 'https://a.example/mcp', headers: { Authorization: `Bearer ${secret}` } }),
  'header of any name': (secret) => ({ url: 'https://a.example/mcp', headers: { 'X-Custom': secret }, http_headers: { 'X-Key': secret } }),
  'flag and value': inArgs((secret) => ['-y', 'x', '--api-key', secret, '--verbose']),
  'flag=value': inArgs((secret) => ['x', `--token=${secret}`]),
  'camel-case flag': inArgs((secret) => ['x', '--clientSecret', secret]),
  'flag with one dash': inArgs((secret) => ['x', '-password', secret]),
  'header argument': inArgs((secret) => ['mcp-remote', 'https://a.example', '--header', `Authorization: Bearer ${secret}`]),
  'header argument, short': inArgs((secret) => ['x', '-H', `X-Anything: ${secret}`]),
  'header argument, glued': inArgs((secret) => ['x', `--header=X-Api-Key: ${secret}`, `-HX-Api-Key: ${secret}`]),
  'header without a flag': inArgs((secret) => ['x', `Authorization:${secret}`]),
  'docker -e': inArgs((secret) => ['run', '-e', `ANY=${secret}`, '--env', `B=${secret}`, `--env=C=${secret}`, 'image'], 'docker'),
  'env NAME=value': inArgs((secret) => [`MY_SECRET=${secret}`, 'npx', 'x'], 'env'),
  'a variable of PowerShell': inArgs((secret) => ['-Command', `$env:GITHUB_TOKEN="${secret}"; npx x`], 'powershell'),
  'curl -u': inArgs((secret) => ['-u', `ada:${secret}`, 'https://a.example'], 'curl'),
  'json argument': inArgs((secret) => ['@smithery/cli', 'run', '--config', JSON.stringify({ a: { apiKey: secret } })]),
  'json after =': inArgs((secret) => ['x', `--config=${JSON.stringify({ apiKey: secret })}`]),
  'allow-listed variable in a query': (secret) => ({
    command: 'x',
    env: { OPENAI_BASE_URL: `https://u:${encodeURIComponent(secret)}@a.example/v1?key=${encodeURIComponent(secret)}` },
  }),
  'user info': (secret) => ({ url: `https://ada:${encodeURIComponent(secret)}@a.example/mcp` }),
  query: (secret) => ({ url: `https://a.example/mcp?x=1&api_key=${encodeURIComponent(secret)}` }),
  'raw query': (secret) => ({ url: `https://a.example/mcp?${secret}` }),
  fragment: (secret) => ({ url: `https://a.example/mcp#${secret}` }),
  'connection string': inArgs((secret) => ['x', `postgres://ada:${encodeURIComponent(secret)}@db.example:5432/app?sslmode=off`]),
  'connection string after =': inArgs((secret) => ['x', `--dsn=mysql://ada:${encodeURIComponent(secret)}@db.example/app`]),
  'address in an argument': inArgs((secret) => ['mcp-remote', `https://a.example/sse?token=${encodeURIComponent(secret)}`]),
  'default of a reference': (secret) => ({
    command: 'x',
    args: [`\${API_KEY:-${secret.replaceAll('}', '')}}`],
    env: { KEY: `\${K:-${secret}}` },
  }),
};
/** Where only the secret's own shape can tell. */
const neutral: Record<string, Plant> = {
  'plain argument': inArgs((secret) => ['x', secret]),
  'after an unknown flag': inArgs((secret) => ['x', '--workspace', secret]),
  'unknown flag=value': inArgs((secret) => ['x', `--workspace=${secret}`]),
  'NAME=value': inArgs((secret) => ['x', `WORKSPACE=${secret}`]),
  'in the command': (secret) => ({ command: `npx x ${secret}` }),
  'in the program': (secret) => ({ command: secret, args: [] }),
  'inside a shell line': inArgs((secret) => ['-c', `X=1 exec thing --flag "${secret}" | cat`], 'bash'),
  'inside code': inArgs((secret) => ['-e', `fetch('https://a.example', { key: '${secret.replaceAll('\n', '\\n')}' })`], 'node'),
  'path segment': (secret) => ({ url: `https://a.example/api/${encodeURIComponent(secret)}/mcp` }),
  'path segment of an argument': inArgs((secret) => ['mcp-remote', `https://a.example/s/${encodeURIComponent(secret)}/sse`]),
  'name of a variable': (secret) => ({ command: 'x', env: { [secret]: '' } }),
  'name of a header': (secret) => ({ url: 'https://a.example', headers: { [secret]: 'x' } }),
  'allow-listed variable': (secret) => ({ command: 'x', env: { NODE_OPTIONS: `--require ${secret}`, HOST: secret } }),
  cwd: (secret) => ({ command: 'x', cwd: `/srv/${secret}` }),
  'a reference that holds it': inArgs((secret) => ['x', `Bearer \${${secret}}`]),
};

const dialects: Record<string, { file: ServersFile; write(entry: Record<string, unknown>): string }> = {
  'claude-code': {
    file: { client: 'claude-code', format: 'json', at: ['mcpServers'] },
    write: (entry) => JSON.stringify({ mcpServers: { it: entry } }),
  },
  local: {
    file: { client: 'claude-code', format: 'json', at: ['projects', '*', 'mcpServers'] },
    write: (entry) => JSON.stringify({ projects: { '/src/x': { mcpServers: { it: entry } } } }),
  },
  vscode: {
    file: { client: 'vscode', format: 'jsonc', at: ['servers'] },
    write: (entry) => `// mine\n${JSON.stringify({ inputs: [], servers: { it: entry } }, null, 2).replace(/\n}$/, ',\n}')}`,
  },
  codex: { file: { client: 'codex', format: 'toml', at: ['mcp_servers'] }, write: (entry) => toToml({ mcp_servers: { it: entry } }) },
  'gemini-cli': {
    file: { client: 'gemini-cli', format: 'json', at: ['mcpServers'] },
    write: ({ url, ...entry }) => JSON.stringify({ mcpServers: { it: url ? { ...entry, httpUrl: url } : entry } }),
  },
};

function everything(file: ServersFile, text: string): { out: string; servers: ParsedServer[] } {
  const read = parseServers(file, Buffer.from(text));
  if (!read.ok) throw new Error(JSON.stringify(read.trouble));
  const all = read.servers.map((server) => {
    const identity = identify(server);
    return { ...server, identity, risk: assess({ ...server, identity, scope: 'user', client: file.client }) };
  });
  return { out: JSON.stringify({ all, troubles: read.troubles }), servers: read.servers };
}

/** The first run of at least six characters of the secret's own part that is in the output. */
function leaked(secret: string, out: string): string | null {
  const known = /^(?:sk-ant-api03-|sk-proj-|github_pat_11|-----BEGIN PRIVATE KEY-----\n|-----END)/;
  const own = secret.replace(known, '').replace(/-----END PRIVATE KEY-----$/, '');
  const forms = new Set([own, encodeURIComponent(own), JSON.stringify(own).slice(1, -1), own.toLowerCase()]);
  for (const form of forms) {
    for (let at = 0; at + 6 <= form.length; at++) {
      const piece = form.slice(at, at + 6);
      if (out.includes(piece)) return piece;
    }
  }
  return null;
}

describe.each(Object.entries(dialects))('%s', (_, { file, write }) => {
  /** Runs of a chosen secret may stand in the answer without it (`server`, a hash): only what is new with it counts. */
  function check(plant: Plant, secret: string): void {
    const { out, servers } = everything(file, write(plant(secret)));
    expect(servers.length).toBe(1);
    const withoutHash = out.replace(/sha256:[0-9a-f]{64}/g, '');
    const without = everything(file, write(plant('Zq9'))).out;
    const piece = leaked(secret, withoutHash);
    if (piece !== null && !without.includes(piece)) expect.fail(`${JSON.stringify(piece)} of ${JSON.stringify(secret)} is in ${out}`);
  }

  test.each(Object.entries(telling))('%s', (_position, plant) => {
    fc.assert(
      fc.property(fc.oneof(chosen, ...Object.values(shaped)), (secret) => check(plant, secret)),
      { numRuns: runs },
    );
  });

  test.each(Object.entries(neutral))('%s, by shape', (_position, plant) => {
    fc.assert(
      fc.property(fc.oneof(...Object.values(shaped)), (secret) => check(plant, secret)),
      { numRuns: runs },
    );
  });
});

test.each([
  'GITHUB_TOKEN',
  'X-Api-Key',
  'apiKey',
  'clientSecret',
  'DB_PASSWORD',
  'Authorization',
  'AWS_SECRET_ACCESS_KEY',
  'OPENAI_APIKEY',
  'dbpass'.replace('db', 'db_'),
  '--token',
  'Cookie',
  'PGPASSWORD',
])('%s is a telling name', (name) => {
  expect(isTellingName(name)).toBe(true);
});

test.each([
  'HOME',
  'PATH',
  'KEYBOARD_LAYOUT',
  'MAX_TOKENS',
  'TOKENIZERS_PARALLELISM',
  'TOKEN_LIMIT',
  'API_KEY_FILE',
  'OPENAI_BASE_URL',
  'AUTHOR',
  '--monkey',
  'Content-Type',
  'SECRET_NAME',
  '--no-auth',
  'ENABLE_AUTH',
  '--seed',
  'LICENSE',
])('%s is not', (name) => {
  expect(isTellingName(name)).toBe(false);
});

test.each([
  ['KEY', '${API_KEY}', 'reference'],
  ['KEY', 'Bearer ${API_KEY}', 'reference'],
  ['KEY', '${input:key}', 'reference'],
  ['KEY', '${env:KEY}', 'reference'],
  ['KEY', '$KEY', 'reference'],
  ['KEY', '%KEY%', 'reference'],
  ['KEY', 'op://vault/item/field', 'reference'],
  ['KEY', '${KEY:-}', 'reference'],
  ['KEY', '${KEY:-hunter22}', 'telling-name'],
  ['PASSWORD', '$ecret99', 'telling-name'],
  ['PASSWORD', 'pass:hunter22', 'telling-name'],
  ['KEY', '<your-api-key>', 'placeholder'],
  ['KEY', 'YOUR_API_KEY', 'placeholder'],
  ['KEY', 'hunter22', 'telling-name'],
  ['KEY', '', 'empty'],
  ['MODE', 'ghp_0123456789abcdefghij', 'known-shape'],
  ['MODE', 'production', 'plain'],
  ['MODE', 'aK3jf83kDk29dkDJ38dk2kd9', 'random'],
  ['AUTH', 'true', 'plain'],
  ['OPENAPI_MCP_HEADERS', '{"Authorization":"Bearer ntn_abc"}', 'telling-name'],
] as const)('%s=%s is %s', (name, value, kind) => {
  expect(kindOfValue(name, value)).toBe(kind);
});

/** What people must still be able to read. */
test.each([
  '-y',
  '@modelcontextprotocol/server-filesystem@2025.8.21',
  '@playwright/mcp@0.0.41',
  'mcp-server-kubernetes',
  'ghcr.io/github/github-mcp-server:v0.20.1',
  'mcp/fetch@sha256:302f2a0a7b1f4b2f1b0c5f0d6c9f0b0f6f4b0b7c0d7e0b9c5b0a2f3e4d5c6b7a',
  'git+https://github.com/oraios/serena@v0.1.4',
  '/Users/ada/Library/Application Support/Code/User',
  'C:\\Users\\ada\\AppData\\Roaming\\npm\\node_modules\\thing\\dist\\index.js',
  '/usr/lib/x86_64-linux-gnu/libstdc++.so.6',
  '--experimental-vm-modules',
  '--allow-read=/home/ada/projects',
  'http://localhost:3845/sse',
  'https://mcp.linear.app/sse',
  'claude-sonnet-4-5-20250929',
  'start-mcp-server --context ide-assistant --project .',
  '${workspaceFolder}/server.py',
  '127.0.0.1:8080:8080',
  'type=bind,src=/home/ada,dst=/projects',
])('%s stays as it is', (text) => {
  expect(blankText(text)).toBe(text);
  expect(blankArgs([text]).args).toEqual([text]);
});

test.each([
  ['https://ada:pw@A.Example:8443/mcp/?x=1#y', 'https://a.example:8443/mcp/'],
  ['https://mcp.zapier.com/api/mcp/s/ZTg3NjU0MzIxMC1hYmNkLTQ1/mcp', 'https://mcp.zapier.com/api/mcp/s/…/mcp'],
  ['postgres://u:p/w@db/app', 'postgres://db/app'],
  ['http://u:p/w@host/x', 'http://host/x'],
  ['https://esm.sh/@scope/pkg@1.2.3/mod', 'https://esm.sh/@scope/pkg@1.2.3/mod'],
  ['${input:url}', '${input:url}'],
  ['https://${HOST}/mcp', 'https://${host}/mcp'],
  ['http://[::1]:3000/mcp', 'http://[::1]:3000/mcp'],
  ['', null],
])('%s → %s', (url, expected) => {
  expect(sanitizeUrl(url)).toBe(expected);
});

test.each([
  [
    ['--password', '$ecret99'],
    ['--password', '…'],
  ],
  [
    ['--password', '$DB_PASSWORD'],
    ['--password', '$DB_PASSWORD'],
  ],
  [['--passphrase=pass:hunter22'], ['--passphrase=…']],
  [['-endpoint=https://a.example/x'], ['-endpoint=https://a.example/x']],
  [['-eTOKEN=hunter22'], ['-eTOKEN=…']],
  [
    ['--no-auth', '/tmp'],
    ['--no-auth', '/tmp'],
  ],
  [
    ['--token', '--verbose'],
    ['--token', '--verbose'],
  ],
  [
    ['-e', 'process.exit()'],
    ['-e', 'process.exit()'],
  ],
  ...['-p', '-k', '-t', '-a', '--pass', '--pw'].map((flag) => [
    [flag, 'Hunter22', 'x'],
    [flag, '…', 'x'],
  ]),
  [['-pHunter22'], ['-p…']],
  [
    ['-p', '$Hunter22', '-p', '${DB_PASSWORD}'],
    ['-p', '…', '-p', '${DB_PASSWORD}'],
  ],
  [
    ['-p8080:80', '-p', '8080'],
    ['-p8080:80', '-p', '8080'],
  ],
  [
    ['-print', '-port', '-p', 'typescript'],
    ['-print', '-port', '-p', 'typescript'],
  ],
  [
    ['-p', '@scope/pkg@1.2.3', '-p', './dir', '-t', 'https://a.example/x', '-p', '127.0.0.1:80:80/tcp', '-k', '--verbose'],
    ['-p', '@scope/pkg@1.2.3', '-p', './dir', '-t', 'https://a.example/x', '-p', '127.0.0.1:80:80/tcp', '-k', '--verbose'],
  ],
  [['ada:Hunter22@db.example'], ['…@db.example']],
  [['Server=db;User Id=ada;Password=hunter 22;'], ['Server=db;User Id=ada;Password=…;']],
  [['ada:hunter22@tcp(db:3306)/app'], ['…@tcp(db:3306)/app']],
])('%j → %j', (args, expected) => {
  expect(blankArgs(args).args).toEqual(expected);
});

test('law: blanking what is blank changes nothing, and no text is slow', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.lorem()), (text) => {
      const once = blankText(text);
      expect(blankText(once)).toBe(once);
      expect(holdsSecret(once)).toBe(false);
    }),
  );
  for (const text of ['=', ':', '@', '${', 'a:', 'key=', "'", '"', '-', '/', 'eyJ', 'http://', 'a@', '%A', '{{', 'sk-', '\\"'].flatMap(
    (one) => [one.repeat(3990 / one.length), `x${one}`.repeat(3990 / (one.length + 1))],
  )) {
    const began = process.cpuUsage();
    blankText(text);
    blankArgs([text]);
    sanitizeUrl(`http://${text}`);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(500);
  }
});
