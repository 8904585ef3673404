/**
 * Feeds hostile config texts to the parser and prints what came of it, as JSON: `node hostile-parse.ts CASES SEED`. A program of its own, so that
 * a hang can be ended from outside; a line `{"at":n}` says now and then that it lives.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { identify } from '../../agent/mcp/identity.ts';
import { parseProjects, parseServers } from '../../agent/mcp/parse.ts';
import { assess } from '../../agent/mcp/risks.ts';
import { mutate, type Pick, random } from '../hostile-bytes.ts';

export type Hostile = {
  readonly cases: number;
  readonly refused: number;
  readonly crashes: readonly string[];
  /** Refused without a code and a detail. */
  readonly silent: number;
  readonly worstMs: number;
  readonly worst: string;
};

type Format = 'json' | 'jsonc' | 'toml';
const fixtures = path.join(import.meta.dirname, '..', 'fixtures', 'mcp');
const corpus: readonly (readonly [string, Format, readonly string[]])[] = [
  ['claude.json', 'json', ['mcpServers']],
  ['claude.json', 'json', ['projects', '*', 'mcpServers']],
  ['claude_desktop_config.json', 'json', ['mcpServers']],
  ['codex-config.toml', 'toml', ['mcp_servers']],
  ['gemini-settings.json', 'jsonc', ['mcpServers']],
  ['vscode-mcp.json', 'jsonc', ['servers']],
];

/** The largest files that are read at all, of the shapes that parsers are slow at. */
const megabytes = 8 * 1024 * 1024;
const fill = (unit: string, head = '', tail = '') =>
  head + unit.repeat(Math.floor((megabytes - head.length - tail.length) / unit.length)) + tail;
const huge: readonly (readonly [string, () => string])[] = [
  ['brackets', () => fill('[')],
  ['objects', () => fill('{"a":')],
  ['one string', () => fill('a', '{"mcpServers":{"x":{"command":"', '"}}}')],
  ['escapes', () => fill('\\u0041', '{"mcpServers":{"x":{"command":"', '"}}}')],
  ['servers', () => fill('"x":{"command":"npx","args":["-y","a"]},', '{"mcpServers":{', '"y":{}}}')],
  ['arguments', () => fill('"a",', '{"mcpServers":{"x":{"command":"npx","args":[', '"a"]}}}')],
  ['an argument without end', () => fill('a=b&', '{"mcpServers":{"x":{"command":"npx","args":["https://e.example/?', '"]}}}')],
  ['variables', () => fill('"A_TOKEN":"x",', '{"mcpServers":{"x":{"command":"npx","env":{', '"B":""}}}}')],
  ['comments', () => fill('/* */')],
  ['slashes', () => fill('/')],
  ['commas', () => fill(',', '[', ']')],
  ['blanks', () => fill(' ')],
  ['tables', () => fill('[a.b]\n')],
  ['dotted keys', () => fill('a.', '', '= 1')],
  ['quotes', () => fill('"')],
];

function feed(client: string, format: Format, at: readonly string[], bytes: Buffer): boolean | null {
  const read = parseServers({ client, format, at }, bytes);
  parseProjects({ format, at: ['projects'], take: 'keys' }, bytes);
  if (!read.ok) return read.trouble.code && read.trouble.detail ? false : null;
  for (const server of read.servers) assess({ ...server, identity: identify(server), scope: 'user', client });
  return read.troubles.every(({ code }) => code) ? true : null;
}

const [cases, seed] = [Number(process.argv[2]), Number(process.argv[3])];
const next = random(seed);
const pick: Pick = (limit) => Math.floor(next() * limit);
const texts = corpus.map(([file]) => readFileSync(path.join(fixtures, file)));
const clients = ['claude-code', 'claude-desktop', 'codex', 'cursor', 'gemini-cli', 'vscode', 'unknown'];
let [refused, silent, worstMs, worst] = [0, 0, 0, ''];
const crashes: string[] = [];

/** Processor time and not the clock's: a machine with other work is no hang of ours. */
function one(name: string, client: string, format: Format, at: readonly string[], bytes: Buffer): void {
  const before = process.cpuUsage();
  try {
    const said = feed(client, format, at, bytes);
    if (said === false) refused++;
    if (said === null) silent++;
  } catch (error) {
    crashes.push(`${name}: ${error instanceof Error ? error.name : 'thrown'}`);
  }
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  if (ms > worstMs) [worstMs, worst] = [ms, name];
}

let done = 0;
for (const [name, make] of huge) {
  for (const format of ['json', 'jsonc', 'toml'] as const)
    one(`8 MB of ${name} as ${format}`, 'claude-code', format, ['mcpServers'], Buffer.from(make()));
  done += 3;
  process.stdout.write(`${JSON.stringify({ at: done })}\n`);
}
for (let count = 0; count < cases; count++) {
  const which = pick(corpus.length);
  const [, format = 'json', at = []] = corpus[which] ?? [];
  let bytes: Buffer = texts[which] ?? Buffer.alloc(0);
  for (let times = 1 + pick(6); times > 0; times--) bytes = mutate(bytes, pick).subarray(0, 1024 * 1024);
  const read = pick(10) === 0 ? (['json', 'jsonc', 'toml'] as const)[pick(3)] : format;
  one(`case ${count} of seed ${seed}`, clients[pick(clients.length)] ?? '', read ?? 'json', at, bytes);
  if (count % 500 === 0) process.stdout.write(`${JSON.stringify({ at: done + count })}\n`);
}
done += cases;
process.stdout.write(`${JSON.stringify({ cases: done, refused, crashes, silent, worstMs, worst } satisfies Hostile)}\n`);
