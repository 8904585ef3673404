/** Config files as the clients write them → servers, what they run, how risky they are and which process is one of them. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how clients write references to variables.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identify } from '../../agent/mcp/identity.ts';
import { type ParsedServer, parseProjects, parseServers, type ServersFile } from '../../agent/mcp/parse.ts';
import { assess } from '../../agent/mcp/risks.ts';
import { launches, runningAmong } from '../../agent/mcp/running.ts';
import type { ProcessObservation } from '../../agent/observe/observation.ts';

const fixture = (name: string) => readFileSync(path.join(import.meta.dirname, '../fixtures/mcp', name));
const claude: ServersFile = { client: 'claude-code', format: 'json', at: ['mcpServers'] };

function servers(file: ServersFile, text: Uint8Array | string): ParsedServer[] {
  const read = parseServers(file, typeof text === 'string' ? Buffer.from(text) : text);
  expect(read).toMatchObject({ ok: true, troubles: [] });
  return read.ok ? read.servers : [];
}

/** One server from its command line. */
function line(command: string, ...args: string[]): ParsedServer {
  const [server] = servers(claude, JSON.stringify({ mcpServers: { it: { command, args } } }));
  if (!server) throw new Error('no server');
  return server;
}

/** Name, transport, what runs, names of secrets; `off` where disabled. */
const brief = (server: ParsedServer) => {
  const { kind, name, version } = identify(server);
  const { enabled, transport, secretNames } = server;
  return `${server.name}${enabled ? '' : ' (off)'}: ${transport} ${kind} ${name}${version ? `@${version}` : ''} [${secretNames}]`;
};

describe('the clients', () => {
  test('Claude Code: user scope', () => {
    expect(servers(claude, fixture('claude.json')).map(brief)).toEqual([
      'files: stdio npm @modelcontextprotocol/server-filesystem []',
      'github: http remote api.githubcopilot.com/mcp [Authorization]',
      'linear: sse remote mcp.linear.app/sse []',
    ]);
  });

  test('Claude Code: local scope, with the project of each and what is switched off there', () => {
    const local = servers({ ...claude, at: ['projects', '*', 'mcpServers'] }, fixture('claude.json'));
    expect(local.map(brief)).toEqual(['db: stdio pypi postgres-mcp@0.3.0 [DATABASE_URI]', 'off (off): stdio binary off-server []']);
    expect(local.map(({ project }) => project)).toEqual(['/home/ada/src/shop', '/home/ada/src/shop']);
  });

  test('Claude Code: its projects', () => {
    const place = { format: 'json', at: ['projects'], take: 'keys' } as const;
    expect(parseProjects(place, fixture('claude.json'))).toEqual(['/home/ada/src/shop', '/home/ada/src/empty']);
  });

  test('Claude Desktop on Windows', () => {
    expect(servers({ ...claude, client: 'claude-desktop' }, fixture('claude_desktop_config.json')).map(brief)).toEqual([
      'everything: stdio npm @modelcontextprotocol/server-everything []',
      'python: stdio script C:\\tools\\server.py []',
    ]);
  });

  test('VS Code: comments, trailing commas, inputs', () => {
    expect(servers({ client: 'vscode', format: 'jsonc', at: ['servers'] }, fixture('vscode-mcp.json')).map(brief)).toEqual([
      'playwright: stdio npm @playwright/mcp@0.0.41 []',
      'search: stdio oci mcp/brave-search@1.2 [BRAVE_API_KEY]',
      'remote: http remote mcp.example.com/v1/mcp []',
    ]);
  });

  test('Codex: TOML, variables that hold tokens, a server that is off', () => {
    const codex: ServersFile = { client: 'codex', format: 'toml', at: ['mcp_servers'] };
    expect(servers(codex, fixture('codex-config.toml')).map(brief)).toEqual([
      'context7: stdio npm @upstash/context7-mcp@1.0.31 [CONTEXT7_API_KEY]',
      'figma: http remote mcp.figma.com/mcp [FIGMA_OAUTH_TOKEN,X-Api-Key]',
      'old (off): stdio pypi old-server [OLD_TOKEN]',
    ]);
    expect(parseProjects({ format: 'toml', at: ['projects'], take: 'keys' }, fixture('codex-config.toml'))).toEqual(['/home/ada/src/shop']);
  });

  test('Gemini CLI: httpUrl, url as server-sent events, what is excluded', () => {
    expect(servers({ client: 'gemini-cli', format: 'jsonc', at: ['mcpServers'] }, fixture('gemini-settings.json')).map(brief)).toEqual([
      'events: sse remote localhost:9000/sse []',
      'api: http remote mcp.example.com/mcp [X-Api-Key]',
      'quiet (off): stdio script ./server/index.js []',
    ]);
  });

  test('other shapes: a list, a command as an array, a remote with a command, disabled', () => {
    const text = JSON.stringify({
      mcpServers: [
        { name: 'a', command: ['npx', '-y', 'pkg@1.0.0'], disabled: true },
        { type: 'streamable-http', url: 'https://x.example/mcp', enabled: false },
        { name: 'c', url: 'wss://x.example/mcp' },
      ],
    });
    expect(servers(claude, text).map(brief)).toEqual([
      'a (off): stdio npm pkg@1.0.0 []',
      '2 (off): http remote x.example/mcp []',
      'c: ws remote x.example/mcp []',
    ]);
  });
});

test('a variable that docker passes on is named', () => {
  expect(line('docker', 'run', '-i', '-e', 'GITHUB_TOKEN', '-e', 'MODE', 'image').secretNames).toEqual(['GITHUB_TOKEN']);
});

describe('files as they really are', () => {
  const one = '{"mcpServers":{"a":{"command":"x"}}}';
  test.each([
    ['a byte order mark', `\ufeff${one}`],
    ['Windows line ends', one.replaceAll('{', '{\r\n')],
    ['comments and a trailing comma in JSON', `// mine\n${one.slice(0, -1)},}/* end */`],
    ['a key twice: the last counts', `{"mcpServers":{"b":{"command":"y"}},${one.slice(1)}`],
    ['unknown fields', `{"x":[[[1]]],${one.slice(1)}`],
  ])('%s', (_, text) => {
    expect(servers(claude, text).map(({ name }) => name)).toEqual(['a']);
  });

  test.each([
    ['nothing', ''],
    ['white space', ' \r\n\t'],
    ['only a comment', '// nothing yet'],
    ['no such key', '{}'],
    ['null there', '{"mcpServers":null}'],
    ['an empty map', '{"mcpServers":{}}'],
    ['a prototype that is no key', '{"__proto__":{"mcpServers":{"a":{"command":"x"}}},}'],
  ])('%s: no servers, no trouble', (_, text) => {
    expect(servers(claude, text)).toEqual([]);
  });

  test.each<[string, string | Uint8Array, string]>([
    ['truncated', one.slice(0, 20), "line 1 isn't JSON"],
    ['broken in line 3', '{\n"a": 1,\n"b" 2}', "line 3 isn't JSON"],
    ['binary', new Uint8Array([0xff, 0xfe, 0x00, 0x80]), "it isn't text in UTF-8"],
    ['nested without end', '['.repeat(100_000), 'it is nested deeper than 200 levels'],
    ['a list', '[]', "it isn't an object with keys"],
    ['text where the map belongs', '{"mcpServers":"x"}', '"mcpServers" in it isn\'t a map of servers'],
  ])('%s: a trouble', (_, text, detail) => {
    const read = parseServers(claude, typeof text === 'string' ? Buffer.from(text) : text);
    expect(read).toEqual({ ok: false, trouble: { code: 'config-unreadable', path: null, detail } });
  });

  test('what is broken in TOML is named by its line and never quoted', () => {
    const read = parseServers({ client: 'codex', format: 'toml', at: ['mcp_servers'] }, Buffer.from('a = 1\nkey = "hunter2 \n'));
    expect(read).toEqual({ ok: false, trouble: { code: 'config-unreadable', path: null, detail: "line 2 isn't TOML" } });
  });

  test('one bad entry leaves the others', () => {
    const read = parseServers(
      claude,
      Buffer.from('{"mcpServers":{"a":{"command":"x"},"b":7,"c":{},"d":null,"e":{"url":"https://e.example"}}}'),
    );
    expect(read.ok && read.servers.map(({ name }) => name)).toEqual(['a', 'e']);
    expect(read.ok && read.troubles.map(({ code }) => code)).toEqual(Array(3).fill('server-unreadable'));
  });

  test('law: no input throws or takes a second, in any format', () => {
    const seeds = ['claude.json', 'vscode-mcp.json', 'codex-config.toml', 'gemini-settings.json'].map(fixture);
    const mutated = fc
      .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), fc.nat())
      .map(([seed, changes, cut]) => {
        const bytes = Buffer.from(seed);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        return cut % 3 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
      });
    const formats = [
      claude,
      { client: 'codex', format: 'toml', at: ['mcp_servers'] },
      { client: 'vscode', format: 'jsonc', at: ['projects', '*', 'mcpServers'] },
    ] as const;
    const anything = fc.oneof(
      mutated,
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ maxLength: 300 }).map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .object({ maxDepth: 3 })
        .map((value) =>
          Buffer.from(JSON.stringify({ mcpServers: { a: value, b: { command: value, args: value, env: value, url: value } } })),
        ),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        for (const file of formats) {
          const began = process.cpuUsage();
          const read = parseServers(file, bytes);
          if (read.ok) for (const server of read.servers) assess({ ...server, identity: identify(server), scope: 'user', client: 'x' });
          parseProjects({ ...file, take: 'keys' }, bytes);
          expect(process.cpuUsage(began).user / 1000).toBeLessThan(1000);
        }
      }),
      { numRuns: Number(process.env['FUZZ'] ?? 500) },
    );
  });

  test.each<[string, string, ServersFile['format']]>([
    ['a long history in .claude.json', JSON.stringify({ history: Array(200_000).fill('what was typed'), mcpServers: {} }), 'json'],
    ['comments', `${'// comment\n'.repeat(150_000)}{}`, 'jsonc'],
    ['an open comment', `{/*${'*'.repeat(2_000_000)}`, 'jsonc'],
    ['an open string', `{"${'\\"'.repeat(3_000_000)}`, 'json'],
    ['commas', `{${','.repeat(2_000_000)}`, 'jsonc'],
    ['brackets in turn', `[${'[],'.repeat(690_000)}`, 'jsonc'],
    [
      'many servers',
      JSON.stringify({
        mcpServers: Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`s${n}`, { command: 'npx', args: ['-y', `p${n}`] }])),
      }),
      'json',
    ],
    [
      'long arguments',
      JSON.stringify({ mcpServers: { a: { command: 'x', args: Array(5000).fill('--token=a b:c@d '.repeat(200)) } } }),
      'json',
    ],
    ['TOML tables', '[a.b.c]\nx=1\n'.repeat(1).concat(...Array.from({ length: 40_000 }, (_, n) => `[t${n}]\nx=1\n`)), 'toml'],
    ['TOML dots', `${'a.'.repeat(300_000)}a = 1`, 'toml'],
    ['TOML arrays', `a = [${'1,'.repeat(400_000)}`, 'toml'],
    ['TOML quotes', `a = """${'"'.repeat(900_000)}`, 'toml'],
  ])('%s, as large as a file may be: under a second', (_, text, format) => {
    const bytes = Buffer.from(text);
    // The processor's time and not the clock's, which counts what else a busy machine does.
    const began = process.cpuUsage();
    parseServers({ client: 'x', format, at: ['mcpServers'] }, bytes);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(1000);
  });

  test('projects: absolute folders only, of keys, values and lists', () => {
    const text = Buffer.from(JSON.stringify({ p: { '/a': 1, b: 2, 'C:\\x': 3, '/a\0': 4 }, q: { x: '/c', y: 7 }, r: ['/d', '/d', 'e'] }));
    const at = (key: string, take: 'keys' | 'values') => parseProjects({ format: 'json', at: [key], take }, text);
    expect([at('p', 'keys'), at('q', 'values'), at('r', 'values'), at('none', 'keys')]).toEqual([['/a', 'C:\\x'], ['/c'], ['/d'], []]);
  });
});

describe('identity', () => {
  test.each<[string[], string]>([
    [['npx', '-y', '@scope/pkg@1.2.3', '/tmp'], 'npm @scope/pkg@1.2.3'],
    [['npx', '-y', '@scope/pkg@latest'], 'npm @scope/pkg'],
    [['npx', 'pkg@^1.0.0'], 'npm pkg'],
    [['npx', '--yes', '--package=@scope/pkg@2.0.0', 'program'], 'npm @scope/pkg@2.0.0'],
    [['npx', '-p', 'pkg', '-y', 'program', 'x'], 'npm pkg'],
    [['npx', '--', 'pkg@1.0.0-rc.1'], 'npm pkg@1.0.0-rc.1'],
    [['npx', 'github:owner/repo'], 'npm github:owner/repo'],
    [['npm', 'exec', '--', 'pkg@1.0.0'], 'npm pkg@1.0.0'],
    [['pnpm', 'dlx', 'pkg'], 'npm pkg'],
    [['yarn', 'dlx', 'pkg@3.0.0'], 'npm pkg@3.0.0'],
    [['bunx', 'pkg'], 'npm pkg'],
    [['bun', 'x', 'pkg'], 'npm pkg'],
    [['bun', 'run', 'src/server.ts'], 'script src/server.ts'],
    [['cmd', '/c', 'npx', '-y', 'pkg'], 'npm pkg'],
    [['cmd.exe', '/d', '/s', '/c', 'npx.cmd', '-y', 'pkg@1.0.0'], 'npm pkg@1.0.0'],
    [['C:\\Program Files\\nodejs\\npx.cmd', '-y', 'pkg'], 'npm pkg'],
    [['sh', '-c', 'npx -y pkg'], 'npm pkg'],
    [['env', 'A=b', 'npx', 'pkg'], 'npm pkg'],
    [['npx -y pkg@1.0.0'], 'npm pkg@1.0.0'],
    [['sudo', '-u', 'bob', 'uvx', 'pkg'], 'pypi pkg'],
    [['uvx', 'mcp-server-git'], 'pypi mcp-server-git'],
    [['uvx', 'Some_Pkg[extra]==1.2.3'], 'pypi some-pkg@1.2.3'],
    [['uvx', 'pkg@1.2.3'], 'pypi pkg@1.2.3'],
    [['uvx', 'pkg>=1.2'], 'pypi pkg'],
    [['uvx', 'pkg==1.*'], 'pypi pkg'],
    [['uvx', '--python', '3.12', '--from', 'pkg==2.0', 'program'], 'pypi pkg@2.0'],
    [['uvx', '--from', 'git+https://github.com/o/r', 'serena'], 'pypi git+https://github.com/o/r'],
    [['uv', 'tool', 'run', 'pkg'], 'pypi pkg'],
    [['uv', 'run', '--with', 'fastmcp==2.1', 'fastmcp', 'run', 'x.py'], 'pypi fastmcp@2.1'],
    [['uv', '--directory', '/srv/x', 'run', 'server.py'], 'script server.py'],
    [['uv', 'run', '--directory', '/srv/x', 'server.py'], 'script server.py'],
    [['pipx', 'run', '--spec', 'pkg==1.0', 'prog'], 'pypi pkg@1.0'],
    [['python3', '-m', 'mcp_server_time', '--local-timezone=UTC'], 'pypi mcp-server-time'],
    [['python', '-u', '/srv/x/server.py'], 'script /srv/x/server.py'],
    [['python3.12', 'server.py'], 'script server.py'],
    [['node', '--enable-source-maps', '/srv/x/dist/index.js', '-v'], 'script /srv/x/dist/index.js'],
    [['node', '/usr/lib/node_modules/@scope/pkg/dist/index.js'], 'npm @scope/pkg'],
    [['node', '-e', 'code'], 'script inline code'],
    [['deno', 'run', '--allow-net', 'npm:pkg@1.0.0'], 'npm pkg@1.0.0'],
    [['deno', 'run', '-A', 'main.ts'], 'script main.ts'],
    [['docker', 'run', '-i', '--rm', '-e', 'TOKEN', '--name', 'x', '-v', '/a:/b', 'ghcr.io/o/i'], 'oci ghcr.io/o/i'],
    [['docker', 'run', '-i', '--rm', '--network=host', 'mcp/fetch:1.0', 'arg'], 'oci mcp/fetch@1.0'],
    [['docker', 'run', '-it', 'localhost:5000/i:latest'], 'oci localhost:5000/i'],
    [['podman', 'run', '--rm', '-i', `i@sha256:${'a'.repeat(64)}`], `oci i@sha256:${'a'.repeat(64)}`],
    [['docker', 'mcp', 'gateway', 'run'], 'binary docker'],
    [['go', 'run', 'github.com/o/r/cmd/x@v1.2.3', '--stdio'], 'go github.com/o/r/cmd/x@v1.2.3'],
    [['go', 'run', 'github.com/o/r@latest'], 'go github.com/o/r'],
    [['go', 'run', './cmd/x'], 'script ./cmd/x'],
    [['java', '-Xmx1g', '-jar', '/srv/x.jar'], 'script /srv/x.jar'],
    [['/opt/x/server', '--stdio'], 'binary server'],
    [['/opt/x/run.sh'], 'script /opt/x/run.sh'],
    [['C:\\tools\\Server.EXE'], 'binary server'],
  ])('%j', (words, expected) => {
    const { kind, name, version } = identify(line(...(words as [string])));
    expect(`${kind} ${name}${version === null ? '' : `@${version}`}`).toBe(expected);
  });

  test('the hash changes with what would run, and with nothing else', () => {
    const hash = (entry: object) => identify(servers(claude, JSON.stringify({ mcpServers: { it: entry } }))[0] as ParsedServer).launchHash;
    const base = { command: 'npx', args: ['-y', 'pkg@1.0.0'], env: { A: '1', NODE_OPTIONS: '--inspect', API_KEY: 'secret-one' } };
    const same = [
      { env: { API_KEY: 'secret-two', NODE_OPTIONS: '--inspect' }, args: base.args, command: 'npx', disabled: true },
      { ...base, description: 'x', env: { NODE_OPTIONS: '--inspect', A: '2' } },
    ];
    const other = [
      { ...base, command: 'bunx' },
      { ...base, args: ['-y', 'pkg@1.0.1'] },
      { ...base, args: ['pkg@1.0.0', '-y'] },
      { ...base, env: {} },
      { ...base, env: { ...base.env, OPENAI_BASE_URL: 'https://evil.example/v1' } },
      { ...base, env: { ...base.env, LD_PRELOAD: '/tmp/x.so' } },
      { ...base, cwd: '/tmp' },
    ];
    expect(hash(base)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(same.map(hash)).toEqual([hash(base), hash(base)]);
    expect(new Set([base, ...other].map(hash)).size).toBe(other.length + 1);
  });
});

describe('running', () => {
  const seen = (exe: string, args: string[], more: Partial<ProcessObservation> = {}): ProcessObservation => ({
    ...{
      kind: 'process',
      pid: 1,
      parent: 0,
      startedAt: '1',
      exe,
      args,
      script: null,
      module: null,
      bundleId: null,
      home: null,
      owner: 'self',
    },
    ...more,
  });
  const files = line('npx', '-y', '@modelcontextprotocol/server-filesystem', '/tmp');
  const script = '/home/ada/.npm/_npx/a1b2/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js';
  const node = (...args: string[]) =>
    seen('/usr/bin/node', ['node', '/home/ada/.npm/_npx/a1b2/node_modules/.bin/mcp-server-filesystem', ...args], { script });

  test.each<[string, ParsedServer, ProcessObservation, boolean]>([
    ['what npx started', files, node('/tmp'), true],
    ['the same package on another folder', files, node('/home'), false],
    ['the same package with more', files, node('/home', '/tmp'), true],
    [
      'npx itself',
      files,
      seen('/usr/bin/node', ['node', '/usr/bin/npx', '-y', '@modelcontextprotocol/server-filesystem', '/tmp'], {
        script: '/usr/lib/node_modules/npm/bin/npx-cli.js',
      }),
      true,
    ],
    ['npx as its own title', files, seen('/usr/bin/node', ['npm exec @modelcontextprotocol/server-filesystem /tmp']), false],
    ['another package', line('npx', 'other'), node('/tmp'), false],
    [
      'a package without arguments',
      line('npx', '-y', 'srv'),
      seen('/usr/bin/node', ['node', '/x/node_modules/.bin/srv'], { script: '/x/node_modules/srv/i.js' }),
      true,
    ],
    [
      'and the same with arguments',
      line('npx', '-y', 'srv'),
      seen('/usr/bin/node', ['node', '/x/.bin/srv', '--port', '1'], { script: '/x/node_modules/srv/i.js' }),
      false,
    ],
    [
      'what uvx started',
      line('uvx', 'mcp-server-fetch', '--ignore-robots-txt'),
      seen('/usr/bin/python3.12', ['/c/bin/python', '/c/bin/mcp-server-fetch', '--ignore-robots-txt'], {
        script: '/c/bin/mcp-server-fetch',
      }),
      true,
    ],
    [
      'a program named by --from',
      line('uvx', '--from', 'git+https://github.com/o/r', 'serena', 'start'),
      seen('/usr/bin/python3.12', ['/c/bin/python', '/c/bin/serena', 'start'], { script: '/c/bin/serena' }),
      true,
    ],
    [
      'a module',
      line('python', '-m', 'mcp_server_time'),
      seen('/usr/bin/python3', ['python3', '-m', 'mcp_server_time'], { module: 'mcp_server_time' }),
      true,
    ],
    ['a script', line('node', '/srv/x.js', '--a'), seen('/usr/bin/node', ['node', '/srv/x.js', '--a'], { script: '/srv/x.js' }), true],
    ['a script in another place', line('node', '/srv/x.js'), seen('/usr/bin/node', ['node', '/opt/x.js'], { script: '/opt/x.js' }), false],
    ['a relative script', line('node', './dist/x.js'), seen('/usr/bin/node', ['node', './dist/x.js'], { script: '/p/dist/x.js' }), true],
    ['a REPL of the same interpreter', line('node', './dist/x.js'), seen('/usr/bin/node', ['node']), false],
    ['a program', line('/opt/srv', 'stdio'), seen('/opt/srv', ['/opt/srv', 'stdio']), true],
    ['a program with another argument', line('/opt/srv', 'stdio'), seen('/opt/srv', ['/opt/srv', 'http']), false],
    ['a program behind cmd', line('cmd', '/c', 'srv.exe', 'stdio'), seen('C:\\x\\srv.exe', ['srv.exe', 'stdio']), true],
    ['secrets blanked on both sides', line('/opt/srv', '--api-key', 'abc'), seen('/opt/srv', ['/opt/srv', '--api-key', 'abc']), true],
    [
      'references filled in',
      line('/opt/srv', '--root=${HOME}/x', '$DIR'),
      seen('/opt/srv', ['/opt/srv', '--root=/home/ada/x', '/d']),
      true,
    ],
    ['docker', line('docker', 'run', '-i', '-e', 'T', 'mcp/x'), seen('/usr/bin/docker', ['docker', 'run', '-i', '-e', 'T', 'mcp/x']), true],
    ['another image', line('docker', 'run', '-i', 'mcp/x'), seen('/usr/bin/docker', ['docker', 'run', '-i', 'mcp/y']), false],
    [
      'go run',
      line('go', 'run', 'github.com/o/srv@latest', 'stdio'),
      seen('/tmp/go-build1/b001/exe/srv', ['/tmp/go-build1/b001/exe/srv', 'stdio']),
      true,
    ],
    ['a remote server', servers(claude, '{"mcpServers":{"a":{"url":"https://a.example"}}}')[0] as ParsedServer, node('/tmp'), false],
  ])('%s', (_, server, process, expected) => {
    expect(launches(server, process)).toBe(expected);
    expect(runningAmong([process])(server)).toBe(expected);
  });

  test('finds among many processes what it finds one by one', () => {
    const word = fc.constantFrom(
      ...[
        'node',
        'npx',
        'npx-cli',
        'python',
        'python3',
        'python3.12',
        'uvx',
        'go',
        'run',
        'docker',
        'srv',
        'SRV.exe',
        '@a/srv',
        '@a',
        'a.srv',
      ],
      ...['-y', '-m', '', '/opt/srv', './dist/x.js', '/p/dist/x.js', './', '/x/node_modules/@a/srv/i.js', '/x/node_modules/srv/x.js'],
      ...[
        '/node_modules/node_modules/srv/i.js',
        'C:\\x\\node_modules\\srv\\x.js',
        '/c/bin/srv',
        'github.com/o/srv@latest',
        '~/x.js',
        'my_srv',
        'my-srv',
      ],
    );
    const path = fc.option(word, { nil: null });
    const process = fc
      .record({ exe: path, args: fc.array(word, { maxLength: 5 }), script: path, module: path })
      .map(({ exe, args, ...more }) => seen(exe ?? '', args, { ...more, exe }));
    const entry = fc.record({ command: word, args: fc.array(word, { maxLength: 4 }), url: fc.constant(null) });
    let found = 0;
    fc.assert(
      fc.property(entry, fc.array(process, { maxLength: 12 }), (server, processes) => {
        const expected = processes.some((each) => launches(server, each));
        if (expected) found++;
        expect(runningAmong(processes)(server)).toBe(expected);
      }),
      { numRuns: 3000 },
    );
    expect(found).toBeGreaterThan(50);
  });
});
