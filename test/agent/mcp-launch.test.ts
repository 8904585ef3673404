/** The launch hash changes exactly when what would run changes; who published it, and whether it is pinned. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how clients write references to variables.
import fc from 'fast-check';
import { stringify as toToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { stringify as toYaml } from 'yaml';
import { identify, isPinned, publisherOf } from '../../agent/mcp/identity.ts';
import { decidesLaunch } from '../../agent/mcp/launch.ts';
import { type ParsedServer, parseServers, type ServersFile } from '../../agent/mcp/parse.ts';

type Entry = Readonly<Record<string, unknown>>;

function parsed(
  entry: Entry,
  file: ServersFile = { client: 'claude-code', format: 'json', at: ['mcpServers'] },
  text?: string,
): ParsedServer {
  const read = parseServers(file, Buffer.from(text ?? JSON.stringify({ mcpServers: { it: entry } })));
  if (!read.ok || !read.servers[0]) throw new Error(JSON.stringify(read));
  return read.servers[0];
}
const hash = (entry: Entry) => identify(parsed(entry)).launchHash;

const word = fc.stringMatching(/^[a-z][a-z-]{0,8}$/);
const name = fc.constantFrom('NODE_OPTIONS', 'OPENAI_BASE_URL', 'DB_HOST', 'LD_PRELOAD', 'UV_INDEX_URL', 'npm_config_registry');
const entry = fc.record({
  command: fc.constantFrom('npx', 'uvx', 'node', '/opt/tools/run', 'C:\\tools\\run.exe'),
  args: fc.array(
    fc.oneof(
      word,
      word.map((one) => `--${one}`),
      word.map((one) => `/srv/${one}`),
    ),
    { maxLength: 5 },
  ),
  env: fc.dictionary(
    name,
    word.map((one) => `/srv/${one}`),
    { maxKeys: 4 },
  ),
});

describe('law: the launch hash', () => {
  test('is the same for any order of keys, client and format', () => {
    fc.assert(
      fc.property(entry, fc.boolean(), ({ command, args, env }, turned) => {
        const pairs = Object.entries(env);
        const given = { command, args, env };
        const other = { env: Object.fromEntries(turned ? pairs.reverse() : pairs), args, command };
        const expected = hash(given);
        expect(hash(other)).toBe(expected);
        const written: [ServersFile, string][] = [
          [
            { client: 'cursor', format: 'jsonc', at: ['mcpServers'] },
            `// mine\r\n${JSON.stringify({ mcpServers: { other: other } }, null, 3)}`,
          ],
          [{ client: 'vscode', format: 'jsonc', at: ['servers'] }, JSON.stringify({ servers: { it: { type: 'stdio', ...given } } })],
          [{ client: 'codex', format: 'toml', at: ['mcp_servers'] }, toToml({ mcp_servers: { it: given } })],
          [{ client: 'x', format: 'yaml', at: ['mcpServers'] }, toYaml({ mcpServers: { it: given } })],
          [{ client: 'x', format: 'json5', at: ['mcpServers'] }, `{mcpServers: {it: ${JSON.stringify(given)},},}`],
        ];
        for (const [file, text] of written) expect(identify(parsed(given, file, text)).launchHash).toBe(expected);
        expect(hash({ command: [command, ...args], env })).toBe(expected);
      }),
    );
  });

  test('is the same for a line written as one command', () => {
    expect(hash({ command: 'npx -y @acme/files@1.0.0' })).toBe(hash({ command: 'npx', args: ['-y', '@acme/files@1.0.0'] }));
    expect(hash({ command: 'C:\\Program Files\\acme\\run.exe' })).not.toBe(
      hash({ command: 'C:\\Program', args: ['Files\\acme\\run.exe'] }),
    );
  });

  test('changes with the command, an argument, their order, the folder and each variable that decides', () => {
    fc.assert(
      fc.property(entry, name, fc.nat(), word, ({ command, args, env }, variable, at, other) => {
        const before = hash({ command, args, env });
        const differs = (changed: Entry) => expect(hash({ command, args, env, ...changed })).not.toBe(before);
        differs({ command: `${command}2` });
        differs({ args: [...args, other] });
        differs({ args: ['', ...args] });
        differs({ cwd: `/srv/${other}` });
        if (args.length > 0) differs({ args: args.toSpliced(at % args.length, 1) });
        if (new Set(args).size > 1) {
          const reversed = [...args].reverse();
          if (reversed.join(' ') !== args.join(' ')) differs({ args: reversed });
        }
        differs({ env: { ...env, [variable]: `/srv/${env[variable] ?? ''}${other}` } });
      }),
    );
  });

  test('does not change with what decides nothing: name, switch, approvals, a description, another variable', () => {
    fc.assert(
      fc.property(entry, word, (given, other) => {
        const more = { disabled: true, alwaysAllow: [other], timeout: 9, description: other, env: { ...given.env, LOG_LEVEL: other } };
        expect(hash({ ...given, ...more })).toBe(hash(given));
      }),
    );
  });

  const chars = (from: string, length: number) =>
    fc.array(fc.constantFrom(...from), { minLength: length, maxLength: length }).map((list) => list.join(''));
  const alnum = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  const generated = chars(alnum, 36).filter((text) => /\d.*\d.*\d/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text));
  const chosen = chars(alnum, 9).map((text) => `x${text}7`);

  test.each<[string, (secret: string) => Entry]>([
    ['a variable', (secret) => ({ command: 'x', env: { API_TOKEN: secret } })],
    ['a header', (secret) => ({ url: 'https://a.example/mcp', headers: { Authorization: `Bearer ${secret}` } })],
    ['a flag', (secret) => ({ command: 'x', args: ['--api-key', secret, '--port', '3'] })],
    ['a flag with =', (secret) => ({ command: 'x', args: [`--token=${secret}`] })],
    [
      'a header flag',
      (secret) => ({ command: 'npx', args: ['mcp-remote', 'https://a.example', '--header', `Authorization: Bearer ${secret}`] }),
    ],
    ['a variable of docker', (secret) => ({ command: 'docker', args: ['run', '-e', `API_KEY=${secret}`, 'mcp/x'] })],
    ['user info of an address', (secret) => ({ url: `https://ada:${secret}@a.example/mcp` })],
    ['a query', (secret) => ({ url: `https://a.example/mcp?api_key=${secret}` })],
    ['a connection string', (secret) => ({ command: 'x', args: [`postgresql://ada:${secret}@db.example/app`] })],
    ['a proxy', (secret) => ({ command: 'x', env: { HTTPS_PROXY: `http://ada:${secret}@proxy.example:3128` } })],
    ['a proxy without scheme', (secret) => ({ command: 'x', env: { HTTPS_PROXY: `ada:${secret}@proxy.example:3128` } })],
    ['an index', (secret) => ({ command: 'uvx', args: ['x'], env: { UV_INDEX_URL: `https://__token__:${secret}@pypi.example/simple` } })],
    [
      'two indexes',
      (secret) => ({ command: 'x', env: { PIP_EXTRA_INDEX_URL: `https://u:${secret}@a.example/s https://${secret}@b.example/s` } }),
    ],
    [
      'named indexes',
      (secret) => ({ command: 'x', env: { UV_INDEX: `a=https://u:${secret}@a.example/s?k=${secret} b=https://b.example/#${secret}` } }),
    ],
    [
      'a list of proxies',
      (secret) => ({ command: 'x', env: { GOPROXY: `https://u:${secret}@a.example,https://u:${secret}@b.example,direct` } }),
    ],
    ['the query of a base address', (secret) => ({ command: 'x', env: { OPENAI_BASE_URL: ` https://a.example/v1?key=${secret} ` } })],
    ['the registry without scheme', (secret) => ({ command: 'x', env: { NPM_CONFIG_REGISTRY: `//u:${secret}@r.example/` } })],
  ])('never depends on a secret: %s', (_, write) => {
    fc.assert(
      fc.property(fc.oneof(generated, chosen), fc.oneof(generated, chosen), (one, other) => {
        expect(hash(write(one))).toBe(hash(write(other)));
        const { launch, args, url } = parsed(write(one));
        expect(JSON.stringify([launch.env, args, url])).not.toContain(one);
      }),
      { numRuns: 60 },
    );
  });

  test('never depends on a segment of a path that looks generated', () => {
    fc.assert(
      fc.property(generated, generated, (one, other) => {
        const at = (secret: string) => ({ url: `https://mcp.example/s/${secret}/mcp` });
        expect(hash(at(one))).toBe(hash(at(other)));
      }),
    );
  });

  test('changes with the address behind a base address, a proxy and a registry', () => {
    for (const [variable, one, other] of [
      ['ANTHROPIC_BASE_URL', 'https://api.anthropic.com', 'https://gw.example'],
      ['HTTPS_PROXY', 'http://u:p@a:3128', 'http://u:p@b:3128'],
      ['npm_config_registry', 'https://registry.example', 'https://other.example'],
      ['HOST', '127.0.0.1', '0.0.0.0'],
    ] as const)
      expect(hash({ command: 'x', env: { [variable]: one } })).not.toBe(hash({ command: 'x', env: { [variable]: other } }));
  });
});

test('variables go on only by name', () => {
  const kept = ['HOST', 'Path', 'OPENAI_BASE_URL', 'NODE_OPTIONS', 'https_proxy', 'PIP_INDEX_URL', 'DB_HOST', 'LD_PRELOAD'];
  const dropped = ['DATABASE_URL', 'API_TOKEN', 'MODEL', 'HOSTNAME', 'GITHUB_URL', 'SLACK_TEAM_ID', 'BASE_URL_KEY', 'PASSWORD', 'HOST_KEY'];
  expect(kept.filter((variable) => !decidesLaunch(variable))).toEqual([]);
  expect(dropped.filter(decidesLaunch)).toEqual([]);
  const { launch } = parsed({ command: 'x', env: Object.fromEntries([...kept, ...dropped].map((variable) => [variable, 'hunter2'])) });
  expect(Object.keys(launch.env).sort()).toEqual([...kept].sort());
});

test.each<[Entry, string | null, boolean]>([
  [{ command: 'npx', args: ['-y', '@acme/files@1.2.3'] }, '@acme', true],
  [{ command: 'npx', args: ['-y', '@acme/files@latest'] }, '@acme', false],
  [{ command: 'npx', args: ['-y', 'files@1.2.3'] }, null, true],
  [{ command: 'npx', args: ['github:acme/files'] }, 'github.com/acme', false],
  [{ command: 'uvx', args: ['--from', 'git+https://github.com/oraios/serena', 'serena'] }, 'github.com/oraios', false],
  [{ command: 'uvx', args: ['mcp-server-git==1.0.0'] }, null, true],
  [{ command: 'uvx', args: ['mcp-server-git'] }, null, false],
  [{ command: 'docker', args: ['run', '-i', 'ghcr.io/github/github-mcp-server:v1'] }, 'ghcr.io/github', false],
  [{ command: 'docker', args: ['run', '-i', 'mcp/fetch'] }, 'docker.io/mcp', false],
  [{ command: 'docker', args: ['run', 'redis'] }, 'docker.io/library', false],
  [{ command: 'docker', args: ['run', 'localhost:5000/x'] }, null, false],
  [{ command: 'docker', args: ['run', `mcp/fetch@sha256:${'ab12'.repeat(16)}`] }, 'docker.io/mcp', true],
  [{ command: 'go', args: ['run', 'github.com/acme/tool@v1.2.3'] }, 'github.com/acme', true],
  [{ command: 'go', args: ['run', 'go.acme.example/tool@latest'] }, 'go.acme.example', false],
  [{ url: 'https://mcp.sentry.dev/mcp' }, 'mcp.sentry.dev', false],
  [{ url: 'http://localhost:3845/sse' }, null, false],
  [{ url: 'https://${HOST}/mcp' }, null, false],
  [{ command: 'node', args: ['/srv/server.js'] }, null, true],
  [{ command: '/opt/acme/server' }, null, true],
])('%j: published by %s, pinned %s', (given, publisher, pinned) => {
  const server = parsed(given);
  expect([publisherOf(identify(server)), isPinned(server)]).toEqual([publisher, pinned]);
});
