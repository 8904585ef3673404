/**
 * The files of real coding CLIs, written by their own commands, through Muster's hands: the entry is switched off, the client still reads its file
 * and says so itself, and after the undo the file is byte for byte what it was.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';
import { createCopies } from '../../agent/act/config-file.ts';
import { createDisabling, type Disabled } from '../../agent/act/disable-entry.ts';
import { targetOf } from '../../agent/act/entry.ts';
import type { McpFile } from '../../agent/config-rows.ts';
import { parseServers } from '../../agent/mcp/parse.ts';
import { createConfigObserver } from '../../agent/observe/configs.ts';
import { type Os, realOs } from '../../agent/observe/os.ts';
import { tilde } from '../../agent/observe/paths.ts';
import { loadCatalog } from '../../agent/session.ts';
import { needs } from '../capability.ts';
import { installTools, MORE_TOOLS, quiet, TOOLS } from './real-tools.ts';

const run = promisify(execFile);
const SECRET = 'planted-3b9d0c6e71fa4258';

/** A client, the commands by which it writes its own servers, and what it says of the one that is off. */
type Client = {
  readonly client: string;
  readonly server: string;
  readonly file: string;
  readonly write: readonly (readonly string[])[];
  readonly list: readonly string[];
  /** Before, and then: what its own list says. */
  readonly on: RegExp;
  readonly off: RegExp;
  readonly other: RegExp;
};

const BROKEN = ['node', '/srv/none.js'];
const CLIENTS: readonly Client[] = [
  {
    ...{ client: 'claude-code', server: 'files', file: '~/.claude.json', list: ['claude', 'mcp', 'list'] },
    write: [
      ['claude', 'mcp', 'add', '--scope', 'user', 'files', '-e', `FILES_TOKEN=${SECRET}`, '--', ...BROKEN],
      ['claude', 'mcp', 'add', '--scope', 'user', 'late', '--', ...BROKEN],
    ],
    ...{ on: /^files: .*Failed/m, off: /^(?!.*^files:)/ms, other: /^late: /m },
  },
  {
    ...{ client: 'claude-code', server: 'notes', file: '~/.claude.json', list: ['claude', 'mcp', 'list'] },
    write: [['claude', 'mcp', 'add', '--scope', 'local', 'notes', '-e', `NOTES_TOKEN=${SECRET}`, '--', ...BROKEN]],
    ...{ on: /^notes: .*Failed/m, off: /^notes: .*Disabled for this project/m, other: /^late: .*Failed/m },
  },
  {
    ...{ client: 'claude-code', server: 'git', file: '~/.claude.json', list: ['claude', 'mcp', 'list'] },
    write: [['claude', 'mcp', 'add', '--scope', 'project', 'git', '--', ...BROKEN]],
    ...{ on: /^git: .*Failed/m, off: /^git: .*Disabled for this project/m, other: /^late: .*Failed/m },
  },
  {
    ...{ client: 'codex', server: 'memory', file: '~/.codex/config.toml', list: ['codex', 'mcp', 'list'] },
    write: [
      ['codex', 'mcp', 'add', 'memory', '--env', `MEMORY_KEY=${SECRET}`, '--', ...BROKEN],
      ['codex', 'mcp', 'add', 'docs', '--url', 'https://docs.example.org/mcp'],
    ],
    ...{ on: /^memory .*enabled/m, off: /^memory .*disabled/m, other: /^docs .*enabled/m },
  },
  {
    ...{ client: 'gemini-cli', server: 'every', file: '~/.gemini/settings.json', list: ['gemini', 'mcp', 'list'] },
    write: [
      ['gemini', 'mcp', 'add', '-s', 'user', '-e', `EVERY_SECRET=${SECRET}`, 'every', ...BROKEN],
      ['gemini', 'mcp', 'add', '-s', 'user', 'other', ...BROKEN],
    ],
    ...{ on: /every: .*Disconnected/, off: /every: .*Blocked/, other: /other: .*Disconnected/ },
  },
  {
    ...{ client: 'qwen-code', server: 'every', file: '~/.qwen/settings.json', list: ['qwen', 'mcp', 'list'] },
    write: [
      ['qwen', 'mcp', 'add', '-s', 'user', '-e', `EVERY_SECRET=${SECRET}`, 'every', ...BROKEN],
      ['qwen', 'mcp', 'add', '-s', 'user', 'other', ...BROKEN],
    ],
    ...{ on: /every: .*Disconnected/, off: /^(?!.*every: .*Disconnected)/s, other: /other: .*Disconnected/ },
  },
  {
    ...{ client: 'copilot-cli', server: 'cop', file: '~/.copilot/mcp-config.json', list: ['copilot', 'mcp', 'list'] },
    write: [
      ['copilot', 'mcp', 'add', 'cop', '--env', `COP_KEY=${SECRET}`, '--', ...BROKEN],
      ['copilot', 'mcp', 'add', 'other', '--', ...BROKEN],
    ],
    ...{ on: /cop \(local\)/, off: /^(?!.*cop \(local\))/s, other: /other \(local\)/ },
  },
  {
    ...{ client: 'opencode', server: 'oc', file: '~/.config/opencode/opencode.jsonc', list: ['opencode', 'mcp', 'list'] },
    write: [
      ['opencode', 'mcp', 'add', 'oc', '--env', `OC_KEY=${SECRET}`, '--', ...BROKEN],
      ['opencode', 'mcp', 'add', 'other', '--', ...BROKEN],
    ],
    ...{ on: /oc .*failed/, off: /oc .*disabled/, other: /other .*failed/ },
  },
];

needs('real-tools').describe('a real client’s own file', () => {
  const root = path.join(os.tmpdir(), `muster-real-off-${process.pid}`);
  const home = path.join(root, 'home');
  const project = path.join(home, 'work');
  const prefix = path.join(home, '.npm-global');
  const env = quiet(home, [path.join(prefix, 'bin')]);
  const me: Os = { ...realOs(), env: {}, user: { ...realOs().user, home } };
  const copies = createCopies(path.join(root, 'data'));
  const show = (at: string) => tilde(at, [home]);
  const disabling = createDisabling(me, copies, show);
  const tool = async ([command = '', ...args]: readonly string[]) => {
    const { stdout, stderr } = await run(command, args, { cwd: project, env, timeout: 60_000 });
    return stripVTControlCharacters(stdout + stderr);
  };

  /** The file that Muster has read a server from, as the agent would have it. */
  function fileOf(client: string, server: string): { file: McpFile; project: string | null } {
    const observer = createConfigObserver(me, { homes: [home], catalog: loadCatalog() });
    observer.setProjects(home, [project]);
    for (const read of observer.look()) {
      const { file } = read;
      if (read.state !== 'read' || file.role !== 'mcp' || file.place.client !== client) continue;
      const parsed = parseServers({ ...file.place, off: read.off }, read.text);
      const found = parsed.ok ? parsed.servers.find(({ name }) => name === server) : undefined;
      if (found) return { file, project: found.project === null ? null : show(found.project) };
    }
    throw new Error(`${client} has no ${server}`);
  }

  beforeAll(async () => {
    fs.mkdirSync(project, { recursive: true });
    await installTools(prefix, [...TOOLS.filter(({ id }) => CLIENTS.some(({ client }) => client === id)), ...MORE_TOOLS]);
    // In a folder that nobody has trusted Gemini turns everything off by itself.
    fs.mkdirSync(path.join(home, '.gemini'));
    fs.writeFileSync(path.join(home, '.gemini/trustedFolders.json'), JSON.stringify({ [project]: 'TRUST_FOLDER' }));
    const byTool = Map.groupBy(CLIENTS, ({ client }) => client);
    await Promise.all(
      [...byTool.values()].map(async (of) => {
        for (const { write } of of) for (const line of write) await tool(line);
      }),
    );
    // A project's servers are on only where a person has said so.
    const state = path.join(home, '.claude.json');
    const { projects, ...rest } = JSON.parse(fs.readFileSync(state, 'utf8')) as { projects: Record<string, object> };
    fs.writeFileSync(
      state,
      JSON.stringify({ ...rest, projects: { [project]: { ...projects[project], hasTrustDialogAccepted: true } } }, null, 2),
    );
    fs.writeFileSync(path.join(home, '.claude/settings.json'), JSON.stringify({ enableAllProjectMcpServers: true }));
  });
  afterAll(() => fs.rmSync(root, { recursive: true, force: true, maxRetries: 5 }));

  for (const [index, { client, server, file, list, on, off, other }] of CLIENTS.entries()) {
    needs('real-tools').it(`${client}: “${server}” is off by its own word, and back byte for byte`, async () => {
      const id = `action-${index}`;
      const at = file.replace('~', home);
      const [before, mode] = [fs.readFileSync(at), fs.statSync(at).mode];
      const found = fileOf(client, server);
      const target = targetOf(me, found.file, { name: server, project: found.project }, show);
      if (!target.ok) throw new Error(target.why);
      expect(show(target.target.path)).toBe(file);
      let noted: Disabled | null = null;
      const done = disabling.disable(id, target.target, (disabled) => {
        noted = disabled;
      });
      if (!done.ok) throw new Error(done.why);
      expect(JSON.stringify(noted)).not.toContain(SECRET);
      expect(disabling.found(id, done.disabled)).toBe(true);
      const changed = fs.readFileSync(at);
      const said = await tool(list);
      expect(said).toMatch(off);
      expect(said).toMatch(other);
      // Some clients write into their file at every start: then it is theirs, and the undo puts only the entry back.
      const isTheirs = !fs.readFileSync(at).equals(changed);
      expect(disabling.enable(id, done.disabled)).toEqual({ ok: true, exact: !isTheirs });
      expect(disabling.found(id, done.disabled)).toBe(false);
      if (!isTheirs) expect(fs.readFileSync(at).equals(before)).toBe(true);
      expect(await tool(list)).toMatch(on);

      // And at once, before the client has written again: nothing but the bytes that were there.
      const again = [fs.readFileSync(at), fs.statSync(at).mode] as const;
      const twice = disabling.disable(id, target.target, () => {});
      if (!twice.ok) throw new Error(twice.why);
      expect(disabling.enable(id, twice.disabled)).toEqual({ ok: true, exact: true });
      expect(fs.readFileSync(at).equals(again[0])).toBe(true);
      expect([again[1], fs.statSync(at).mode]).toEqual([mode, mode]);
      copies.drop(id);
    });
  }
});
