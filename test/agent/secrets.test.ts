/** Planted secrets: wherever a secret may stand on a computer, none of its bytes reaches an output, a file of ours or the stream. */
import { spawn } from 'node:child_process';
import { copyFileSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { Inventory } from '../../electron/contract.ts';
import { asked, client, endLater, muster, type Ran, temporary, until, watching, write } from './muster.ts';
import { createPlanting, filesUnder } from './planting.ts';

const { secret, found, all: secrets } = createPlanting();
const key = (random: string) => `sk-ant-api03-${random}`;
const github = (random: string) => `ghp_${random}`;

it('none of them is anywhere after scan, watch, request and every failure', async () => {
  const home = temporary('secrets');
  const data = path.join(home, '.local/share/muster');
  write(path.join(data, 'settings.json'), { pollSeconds: 0.3 });
  const project = path.join(home, 'work/shop');
  const servers = (at: string) => ({
    env: {
      command: 'npx',
      args: ['-y', 'server-a'],
      env: { API_KEY: secret(`${at} env`, key), PLAIN: secret(`${at} env without a shape`) },
    },
    args: {
      command: 'node',
      args: [
        'server.js',
        '--token',
        secret(`${at} argument after its name`),
        `--api-key=${secret(`${at} argument with its name`)}`,
        secret(`${at} argument alone`, github),
      ],
    },
    header: {
      type: 'http',
      url: 'https://mcp.acme.example/mcp',
      headers: { Authorization: `Bearer ${secret(`${at} header`)}`, 'X-Key': secret(`${at} other header`) },
    },
    url: {
      url: `https://ada:${secret(`${at} password in a URL`)}@mcp.acme.example/s/${secret(`${at} path of a URL`)}/mcp?api_key=${secret(`${at} query of a URL`)}#${secret(`${at} fragment of a URL`)}`,
    },
    database: { command: 'npx', args: ['server-pg', `postgresql://shop:${secret(`${at} connection string`)}@db.acme.example/shop`] },
    broken: secret(`${at} in the place of a server`, key),
  });
  write(path.join(home, '.cursor/mcp.json'), { mcpServers: servers('cursor') });
  write(path.join(home, '.config/Code/User/mcp.json'), {
    servers: servers('vscode'),
    inputs: [{ id: 'x', default: secret('vscode input') }],
  });
  write(path.join(home, '.claude.json'), {
    oauthAccount: { accessToken: secret('claude account') },
    mcpServers: servers('claude'),
    projects: { [project]: { history: [secret('claude history')], mcpServers: servers('claude project') } },
  });
  const toml = `model = "x"\nkey = "${secret('codex top', key)}"\n[mcp_servers.a]\ncommand = "x"\nenv = { TOKEN = "${secret('codex env')}" }\nbearer_token = "${secret('codex bearer')}"\n`;
  write(path.join(home, '.codex/config.toml'), toml);
  write(path.join(home, '.codex/auth.json'), { OPENAI_API_KEY: secret('codex auth') });
  // A file that can't be understood is the one whose text an error would quote.
  write(path.join(home, '.gemini/settings.json'), `{"mcpServers": {"a": {"env": {"KEY": ${secret('not JSON')} "x" }}}}`);
  const prefix = path.join(home, '.npm-global');
  write(path.join(home, '.npmrc'), `prefix=${prefix}\n//packages.acme.example/:_authToken=${secret('npmrc')}\n`);
  write(path.join(prefix, 'lib/node_modules/opencommit/package.json'), {
    name: 'opencommit',
    version: '1.0.0',
    publishConfig: { token: secret('package.json') },
    scripts: { start: `KEY=${secret('package.json script')} node .` },
  });
  write(
    path.join(home, '.local/share/applications/cursor.desktop'),
    `[Desktop Entry]\nType=Application\nName=Cursor\nExec=cursor --token=${secret('desktop entry')}\n`,
  );
  write(path.join(data, 'policy.json'), {
    schema: 'muster.policy/1',
    rev: 1,
    token: secret('policy, unknown field'),
    organization: { name: 'Acme', key: secret('policy, unknown field inside') },
    tools: [{ id: 'r', tool: 'opencommit', status: 'approved', note: secret('policy, note for its owner') }],
  });
  const binary = path.join(home, 'tools/auggie');
  // A script under a tool's name that only waits, so that its arguments may be anything.
  copyFileSync(process.execPath, write(binary, '', 0o755));
  const tool = spawn(
    binary,
    [
      '-e',
      'setTimeout(() => {}, 1e6)',
      '--',
      '--api-key',
      secret('process argument'),
      `--url=https://x.example/?k=${secret('process URL')}`,
    ],
    {
      env: { PRIVATE_TOKEN: secret('process environment') },
      stdio: 'ignore',
    },
  );
  endLater(tool);
  const env = { OPENAI_API_KEY: secret('our own environment', key), MUSTER_TOKEN: secret('our own environment, our name') };

  const outputs: Ran[] = [];
  const run = async (...args: string[]) => void outputs.push(await muster(home, args, { env }));
  await run('scan');
  await run('scan', '--json');
  const agent = await watching(home, [], { env });
  const window = await client(agent.socket);
  await until(() => window.state().tools.some(({ id, running }) => id === 'auggie' && running), 'the tool was seen running');
  await run('scan', '--json');
  await run('request', 'opencommit', '--reason', 'Commit messages');
  // Changes while it watches: a broken file, then a good one, and one that is another policy.
  write(path.join(home, '.cursor/mcp.json'), `{"mcpServers": {"a": ${secret('not JSON, while watching', key)}`);
  await until(() => window.state().problems.some(({ path: at }) => at === '~/.cursor/mcp.json'), 'the broken file was told');
  write(path.join(home, '.cursor/mcp.json'), { mcpServers: { ...servers('cursor again'), last: { command: 'x' } } });
  await until(() => window.state().mcpServers.some(({ name }) => name === 'last'), 'the mended file was read');
  write(
    path.join(data, 'policy.json'),
    `{"schema": "muster.policy/1", "rev": 2, "tools": [{"id": "r", "tool": "opencommit", "status": "approved", "token": "${secret('policy rule')}"}]}`,
  );
  await until(() => window.state().problems.some(({ code }) => code === 'policy-invalid'), 'the broken policy was told');
  for (const args of [
    ['status'],
    ['status', '--json'],
    ['requests', '--json'],
    ['doctor'],
    ['doctor', '--json'],
    ['scan', '--policy', path.join(data, 'policy.json')],
  ])
    await run(...args);
  await run('scan', '--policy', path.join(home, '.gemini/settings.json'), '--json');
  // The write-ahead log is there only while the agent runs.
  const whileRunning = filesUnder(data);
  const early = whileRunning.map((file) => readFileSync(file));
  agent.kill('SIGKILL');
  const ended = await agent.done;
  write(path.join(data, 'settings.json'), `{"pollSeconds": "${secret('settings')}"}`);
  await run('scan', '--json');
  await run('doctor');
  write(path.join(data, 'muster.db'), `garbage ${'x'.repeat(5000)}`);
  await run('status', '--json');
  await run('scan');

  // The search itself is tried first: what was planted is found where it was planted.
  const planted = filesUnder(home).filter((file) => !file.startsWith(data) && statSync(file).size < 1e6);
  expect(planted.flatMap((file) => found(readFileSync(file))).length).toBeGreaterThan(40);
  for (const [where, value] of secrets) {
    const written = [
      value.slice(-20),
      Buffer.from(`xy${value}`).toString('base64'),
      Buffer.from(value).toString('hex'),
      Buffer.from(value, 'utf16le'),
    ];
    for (const form of written) expect(found(Buffer.from(form as string))).toEqual([where]);
  }
  const inventory = await asked<Inventory>(home, ['status']);
  expect(inventory.mcpServers.length).toBeGreaterThan(20);
  expect(inventory.mcpServers.flatMap(({ secretNames }) => secretNames)).toContain('API_KEY');

  const ours = filesUnder(data).filter((file) => !/(policy|settings)\.json$/.test(file));
  expect(ours.map((file) => path.basename(file))).toEqual(expect.arrayContaining(['muster.db', 'agent.log', 'agent.lock', 'device.json']));
  expect(whileRunning.map((file) => path.basename(file))).toContain('muster.db-wal');
  const places: [string, Buffer][] = [
    ...outputs.map(({ out, err }, at): [string, Buffer] => [`output ${at}`, Buffer.from(out + err)]),
    ['the agent’s output', Buffer.from(ended.out + ended.err)],
    ['the stream', Buffer.from(window.raw())],
    ...ours.map((file): [string, Buffer] => [path.basename(file), readFileSync(file)]),
    ...whileRunning.flatMap((file, at): [string, Buffer][] =>
      ours.includes(file) ? [[`${path.basename(file)} while it ran`, early[at] as Buffer]] : [],
    ),
  ];
  const leaks = places.flatMap(([place, content]) => found(content).map((where) => `${where} → ${place}`));
  expect(leaks).toEqual([]);
}, 90_000);
