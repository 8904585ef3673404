/**
 * Hostile config files of every client's sort and format, made from honest ones, and what must hold of each: nothing throws, nothing takes a second of
 * processor time, and no piece of a planted secret comes out.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how clients write references to variables.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import json5 from 'json5';
import { stringify as toToml } from 'smol-toml';
import { expect } from 'vitest';
import { stringify as toYaml } from 'yaml';
import { readCatalog } from '../../agent/assets.ts';
import { identify, isPinned, publisherOf } from '../../agent/mcp/identity.ts';
import { parseProjects, parseServers, type ServersFile } from '../../agent/mcp/parse.ts';
import { reachOf } from '../../agent/mcp/reach.ts';
import { assess } from '../../agent/mcp/risks.ts';
import type { Format } from '../../agent/mcp/text.ts';
import { type ClientPlace, parseCatalog } from '../../native-catalog/catalog.ts';
import { mutate, type Pick, random } from '../hostile-bytes.ts';

/** More by hand: `FUZZ=1000000 SEED=1`. */
export const CASES = Number(process.env['FUZZ'] ?? 100_000);
export const SEED = Number(process.env['SEED'] ?? 20_261_122);

export const catalog = parseCatalog(readCatalog());

/** Made up, and whole: no shorter piece of them than this is looked for, because a mutation may leave half of one where it is no secret any more. */
const TELLING = 24;
const secrets = [
  `gh${'p'}_x7Kq2Vf9Lm4Rt8Zb3Wn6Yc1Hd5Sj0Pg`,
  `sk-${'ant'}-api03-Q4w8E2r6T1y9U3i7O5p0A8s4D6f2G1h9J3k7`,
  'Zk8Qw3Vr7Tn2Bx9Lm4Hc6Yd1Fs5Gj0Pu8Re3',
] as const;
const pieces = secrets.flatMap((secret) => Array.from({ length: secret.length - TELLING + 1 }, (_, at) => secret.slice(at, at + TELLING)));

export const entries = {
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
export function honest(): Sort[] {
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
export function everything(place: Sort['place'], bytes: Uint8Array): { out: string; servers: number; refused: boolean } {
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

export const leaked = (out: string) => pieces.find((piece) => out.includes(piece));
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** One to three characters are others. */
function mistyped(bytes: Buffer, pick: Pick): Buffer {
  const changed = Buffer.from(bytes);
  for (let times = 1 + pick(3); times > 0; times--) changed[pick(changed.length)] = 32 + pick(95);
  return changed;
}

/** Tries `cases` files that are sound and say strange things, or that are broken as text; prints how many and how long. */
export function tryHostile(kind: 'strange values' | 'broken text', cases: number): void {
  const next = random(SEED);
  const pick: Pick = (limit) => Math.floor(next() * limit);
  const sorts = honest();
  const corpus = [...sorts, ...fixtures(sorts)];
  const began = cpuMs();
  let before = began;
  let [refused, servers, worstMs] = [0, 0, 0];
  for (let count = 0; count < cases; count++) {
    const sort = corpus[pick(corpus.length)] as Sort;
    const { place } = sort;
    let { bytes } = sort;
    if (kind === 'strange values') {
      let { value } = sort;
      for (let times = 1 + pick(4); times > 0; times--) value = disturb(value, pick);
      bytes = rewritten({ ...sort, value });
    } else {
      // A slip of the finger leaves most files readable; what mutate does, few.
      if (count % 2 === 0) bytes = mistyped(bytes, pick);
      else {
        const other = pick(8) === 0 ? (corpus[pick(corpus.length)] as Sort).bytes : null;
        if (other) bytes = Buffer.concat([bytes.subarray(0, pick(bytes.length)), other.subarray(pick(other.length))]);
        for (let times = 1 + pick(3); times > 0; times--) bytes = mutate(bytes, pick).subarray(0, count % 50 === 1 ? 64 * 1024 : 4096);
      }
    }
    const name = `case ${count} of seed ${SEED}: ${place.client} ${place.format}`;
    try {
      const said = everything(place, bytes);
      if (count % 10 === 0) parseProjects({ format: place.format, at: place.at, take: 'keys' }, bytes);
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
    `${cases} files with ${kind}, of ${sorts.length} sorts: ${refused} refused, ${servers} servers in the others; slowest ${Math.round(worstMs)} ms, ${seconds} s of processor time.`,
  );
  // Neither all sound nor all refused: then only one half of the reading would have been tried.
  expect(Math.min(refused, servers)).toBeGreaterThan(cases / 100);
  expect(worstMs).toBeLessThan(1000);
}
