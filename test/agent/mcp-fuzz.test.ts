/**
 * Hostile config files of every client, shape and format, mutated from honest ones: nothing throws, nothing hangs, no planted secret comes out, and what
 * was known stays known. The count is printed.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how clients write references to variables.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import json5 from 'json5';
import { stringify as toToml } from 'smol-toml';
import { expect, onTestFinished, test } from 'vitest';
import { stringify as toYaml } from 'yaml';
import { startAgent } from '../../agent/agent.ts';
import { readCatalog, readMigrations } from '../../agent/assets.ts';
import { identify, isPinned, publisherOf } from '../../agent/mcp/identity.ts';
import { parseProjects, parseServers, type ServersFile } from '../../agent/mcp/parse.ts';
import { reachOf } from '../../agent/mcp/reach.ts';
import { assess } from '../../agent/mcp/risks.ts';
import type { Format } from '../../agent/mcp/text.ts';
import { createPolicyFile } from '../../agent/policy/policy-file.ts';
import { createProblems } from '../../agent/problems.ts';
import { openStore } from '../../agent/store/store.ts';
import { type ClientPlace, parseCatalog } from '../../native-catalog/catalog.ts';
import { fakeClock, fakeOs } from '../fakes.ts';
import { mutate, type Pick, random } from '../hostile-bytes.ts';

const CASES = Number(process.env['FUZZ'] ?? 100_000);
const SEED = Number(process.env['SEED'] ?? 20_261_122);

const catalog = parseCatalog(readCatalog());

/** Made up, and whole: no shorter piece of them than this is looked for, because a mutation may leave half of one where it is no secret any more. */
const TELLING = 24;
const secrets = [
  `gh${'p'}_x7Kq2Vf9Lm4Rt8Zb3Wn6Yc1Hd5Sj0Pg`,
  `sk-${'ant'}-api03-Q4w8E2r6T1y9U3i7O5p0A8s4D6f2G1h9J3k7`,
  'Zk8Qw3Vr7Tn2Bx9Lm4Hc6Yd1Fs5Gj0Pu8Re3',
] as const;
const pieces = secrets.flatMap((secret) => Array.from({ length: secret.length - TELLING + 1 }, (_, at) => secret.slice(at, at + TELLING)));

const entries = {
  local: {
    command: 'npx',
    args: ['-y', '@acme/files@1.2.3', '--api-key', secrets[0], '--root=/srv/data', `https://u:${secrets[1]}@db.example/x?t=${secrets[2]}`],
    env: { API_TOKEN: secrets[1], NODE_OPTIONS: '--require /srv/x.js', OPENAI_BASE_URL: `https://gw.example/v1?key=${secrets[0]}` },
    autoApprove: ['read', 'write'],
    disabled: false,
  },
  away: { url: `https://mcp.example/${secrets[2]}/mcp?token=${secrets[0]}`, headers: { Authorization: `Bearer ${secrets[1]}` } },
  array: { type: 'local', command: ['uvx', '--from', 'git+https://github.com/acme/x', 'x', `TOKEN=${secrets[0]}`], enabled: true },
};

type Sort = { readonly place: ServersFile & { readonly scope: ClientPlace['scope'] }; readonly value: unknown; readonly bytes: Buffer };

/** Each sort of file that the catalog names, and each format that can be read, with these servers in it where that client keeps them. */
function honest(): Sort[] {
  const sorts = new Map<string, Sort['place']>();
  const named = (['linux', 'darwin', 'win32'] as const).flatMap((platform) => catalog.places(platform).mcp);
  const formats = ['json', 'jsonc', 'json5', 'toml', 'yaml', 'plist'] as const;
  const plain = formats.map((format) => ({ client: 'nobody', scope: 'user' as const, format, at: ['mcpServers'] }));
  for (const place of [...plain, ...named]) {
    const { client, format, at, also, one, follow } = place as (typeof named)[0];
    const sort = JSON.stringify([client, format, at, also, one, follow]);
    if (!sorts.has(sort)) sorts.set(sort, place);
  }
  return [...sorts.values()].map((place) => {
    let value: unknown = place.one ? entries.local : entries;
    for (const key of [...place.at].reverse()) value = { [key === '*' ? '/home/ada/src/shop' : key]: value };
    return { place, value, bytes: Buffer.from(write(place.format, value)) };
  });
}

function write(format: Format, value: unknown): string {
  switch (format) {
    case 'toml':
      return toToml(value);
    case 'yaml':
      return toYaml(value);
    case 'json5':
      return json5.stringify(value, null, 2);
    case 'plist':
      return `<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0">${plist(value)}</plist>`;
    default:
      return `${format === 'jsonc' ? '// mine\n' : ''}${JSON.stringify(value, null, 2)}`;
  }
}

function plist(value: unknown): string {
  if (Array.isArray(value)) return `<array>${value.map(plist).join('')}</array>`;
  if (typeof value === 'boolean') return value ? '<true/>' : '<false/>';
  if (typeof value !== 'object' || value === null) return `<string>${String(value).replaceAll('&', '&amp;')}</string>`;
  return `<dict>${Object.entries(value)
    .map(([key, inner]) => `<key>${key}</key>${plist(inner)}`)
    .join('')}</dict>`;
}

/** The fixtures that were written as the clients write them, under each place of the same format. */
function fixtures(sorts: readonly Sort[]): Sort[] {
  const root = path.join(import.meta.dirname, '../fixtures/mcp');
  const formats: Record<string, Format> = {
    json: 'jsonc',
    jsonc: 'jsonc',
    toml: 'toml',
    yaml: 'yaml',
    yml: 'yaml',
    json5: 'json5',
    plist: 'plist',
  };
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).flatMap((file) => {
    const format = formats[path.extname(file).slice(1)];
    if (!format) return [];
    const bytes = readFileSync(path.join(root, file));
    return sorts.filter(({ place }) => place.format === format).map((sort) => ({ ...sort, bytes }));
  });
}

/** All that becomes of a file's bytes, as text. */
function everything(place: Sort['place'], bytes: Uint8Array): { out: string; servers: number; refused: boolean } {
  const read = parseServers(place, bytes);
  if (!read.ok) return { out: JSON.stringify(read.trouble), servers: 0, refused: true };
  const rows = read.servers.map((server) => {
    const identity = identify(server);
    const risk = assess({ ...server, identity, scope: place.scope, client: place.client });
    return { ...server, identity, risk, publisher: publisherOf(identity), pinned: isPinned(server), reach: reachOf(server) };
  });
  return { out: JSON.stringify([rows, read.troubles]), servers: rows.length, refused: false };
}

/** What a client, a person or an attacker might write where something else is expected. */
const odd: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1e308,
    '',
    ' ',
    '\0',
    '\u202e',
    '…',
    '$',
    '%',
    '~',
    '/',
    '-',
    '--',
    '=',
    '@',
    '://',
    'http://',
    '${',
    '${X:-y}',
    '{{x}}',
  ],
  ...[
    [],
    {},
    [[]],
    [{}],
    { command: [] },
    { url: {} },
    { headers: [1] },
    'constructor',
    '__proto__',
    'npx',
    'sudo',
    'sh',
    '-c',
    '-e',
    '-v',
    '--mount',
  ],
  ...[
    'a'.repeat(5000),
    '/'.repeat(300),
    'a b c d',
    '"\'`$(x)`',
    'docker',
    'run',
    'https://[::1]:99999/…',
    'C:\\x',
    'sse',
    '*',
    secrets[0],
    secrets[2],
  ],
];

/** A copy of the value with one thing in it replaced, removed, doubled, renamed, wrapped or moved in from elsewhere. */
function disturb(value: unknown, pick: Pick): unknown {
  // Several times faster than structuredClone, and all that files can hold.
  const copy: unknown = JSON.parse(JSON.stringify(value));
  const spots: { holder: Record<string, unknown>; key: string }[] = [];
  const walk = (at: unknown) => {
    if (typeof at !== 'object' || at === null) return;
    for (const [key, inner] of Object.entries(at)) {
      spots.push({ holder: at as Record<string, unknown>, key });
      walk(inner);
    }
  };
  walk(copy);
  const spot = spots[pick(spots.length)];
  if (!spot) return odd[pick(odd.length)];
  const { holder, key } = spot;
  const here = holder[key];
  const other = spots[pick(spots.length)];
  switch (pick(8)) {
    case 0:
      delete holder[key];
      break;
    case 1:
      holder[String(odd[pick(odd.length)])] = here;
      break;
    case 2:
      holder[key] = [here, here];
      break;
    case 3:
      holder[key] = { [String(odd[pick(odd.length)])]: here };
      break;
    case 4:
      if (typeof here === 'string')
        holder[key] = here.slice(0, pick(here.length + 1)) + String(odd[pick(odd.length)]) + here.slice(pick(here.length));
      break;
    case 5:
      if (other) holder[key] = structuredClone(other.holder[other.key]);
      break;
    default:
      holder[key] = structuredClone(odd[pick(odd.length)]);
  }
  return copy;
}

/** TOML knows no null, and not every key. */
function rewritten({ place, value, bytes }: Sort): Buffer {
  try {
    return Buffer.from(write(place.format, value));
  } catch {
    return bytes;
  }
}

const leaked = (out: string) => pieces.find((piece) => out.includes(piece));
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

test('the honest files say what they should, and keep their secrets', () => {
  const sorts = honest();
  expect(sorts.length).toBeGreaterThan(60);
  expect(new Set(sorts.map(({ place }) => place.format))).toEqual(new Set(['json', 'jsonc', 'json5', 'toml', 'yaml', 'plist']));
  const silent = sorts.filter(({ place, bytes }) => !place.follow && everything(place, bytes).servers === 0);
  expect(silent.map(({ place }) => `${place.client} ${place.format} ${place.at.join('.')}`)).toEqual([]);
  for (const { place, bytes } of sorts) expect(leaked(everything(place, bytes).out)).toBeUndefined();
});

test(`${CASES} hostile files`, () => {
  const next = random(SEED);
  const pick: Pick = (limit) => Math.floor(next() * limit);
  const sorts = honest();
  const corpus = [...sorts, ...fixtures(sorts)];
  const began = cpuMs();
  let before = began;
  let [refused, servers, worstMs] = [0, 0, 0];
  for (let count = 0; count < CASES; count++) {
    const sort = corpus[pick(corpus.length)] as Sort;
    const { place } = sort;
    let { bytes } = sort;
    // Half of them are sound files that say strange things, half are files that are broken as text.
    if (count % 2 === 0) {
      let { value } = sort;
      for (let times = 1 + pick(4); times > 0; times--) value = disturb(value, pick);
      bytes = rewritten({ ...sort, value });
    } else {
      const other = pick(8) === 0 ? (corpus[pick(corpus.length)] as Sort).bytes : null;
      if (other) bytes = Buffer.concat([bytes.subarray(0, pick(bytes.length)), other.subarray(pick(other.length))]);
      for (let times = 1 + pick(3); times > 0; times--) bytes = mutate(bytes, pick).subarray(0, count % 100 === 1 ? 64 * 1024 : 4096);
    }
    const name = `case ${count} of seed ${SEED}: ${place.client} ${place.format}`;
    try {
      const said = everything(place, bytes);
      if (count % 20 < 2) parseProjects({ format: place.format, at: place.at, take: 'keys' }, bytes);
      refused += said.refused ? 1 : 0;
      servers += said.servers;
      const piece = leaked(said.out);
      if (piece !== undefined)
        expect.fail(`${name}: ${piece} came out: ${said.out.slice(Math.max(0, said.out.indexOf(piece) - 120)).slice(0, 300)}`);
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    const after = cpuMs();
    worstMs = Math.max(worstMs, after - before);
    before = after;
  }
  const seconds = Math.round((cpuMs() - began) / 1000);
  console.log(
    `${CASES} hostile files of ${sorts.length} sorts: ${refused} refused, ${servers} servers in the others; slowest ${Math.round(worstMs)} ms, ${seconds} s of processor time.`,
  );
  expect(refused).toBeGreaterThan(CASES / 10);
  expect(servers).toBeGreaterThan(CASES / 10);
  expect(worstMs).toBeLessThan(1000);
}, 300_000);

test('no lost answer: a file that can no longer be read keeps its last good rows, through the store', async () => {
  const root = mkdtempSync(path.join(tmpdir(), 'muster-fuzz-'));
  const home = path.join(root, 'home/ada');
  const file = path.join(home, '.claude.json');
  mkdirSync(home, { recursive: true });
  const problems = createProblems();
  const store = openStore(path.join(root, 'muster.db'), { migrations: readMigrations() });
  onTestFinished(() => {
    store.close();
    rmSync(root, { recursive: true, force: true });
  });
  const agent = startAgent({
    ...{ clock: fakeClock(), catalog, store, problems, dataDir: root, version: '0', homes: [home], log: () => {} },
    os: fakeOs({ root, user: { name: 'ada', uid: process.getuid?.() ?? null, home } }),
    device: { id: 'd', platform: 'linux', hostname: 'test', user: 'ada' },
    policyFile: createPolicyFile(path.join(root, 'policy.json'), { tool: () => true, tiers: () => null }, problems),
    settings: { pollSeconds: 15, lookMinutes: 1000 },
  });
  const servers = async () =>
    (await agent.api.scan()).mcpServers.filter(({ present, scope }) => present && scope === 'user').map(({ name }) => name);
  const next = random(SEED);
  const pick: Pick = (limit) => Math.floor(next() * limit);
  const whole = Buffer.from(JSON.stringify({ mcpServers: entries }));
  const broken = Array.from({ length: 400 }, () => mutate(whole, pick)).filter((bytes) => {
    const read = parseServers({ client: 'claude-code', format: 'json', at: ['mcpServers'] }, bytes);
    return !read.ok;
  });
  expect(broken.length).toBeGreaterThan(50);
  writeFileSync(file, whole);
  const good = await servers();
  expect(good.sort()).toEqual(Object.keys(entries).sort());
  for (const bytes of broken.slice(0, 50)) {
    writeFileSync(file, bytes);
    expect((await servers()).sort()).toEqual(good);
    const said = agent.snapshot().problems;
    expect(said.some(({ code, path: at }) => code === 'config-unreadable' && at === '~/.claude.json')).toBe(true);
    expect(leaked(JSON.stringify(said))).toBeUndefined();
  }
  writeFileSync(file, JSON.stringify({ mcpServers: { one: entries.away } }));
  expect(await servers()).toEqual(['one']);
  expect(agent.snapshot().problems.filter(({ code }) => code === 'config-unreadable')).toEqual([]);
  const written = readdirSync(root)
    .filter((name) => name.startsWith('muster.db'))
    .map((name) => readFileSync(path.join(root, name), 'latin1'));
  expect(written.length).toBeGreaterThan(0);
  expect(written.map(leaked)).toEqual(written.map(() => undefined));
}, 60_000);
