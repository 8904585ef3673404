/**
 * Real coding CLIs in a temporary home: installed by npm, given MCP servers by their own commands, started in a pseudo-terminal, and found by the
 * real `muster`, once as `scan` and once as a running `watch`. None is signed in: what counts is that it is there and that it runs.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import type { AgentApi, AgentEvents, Inventory, Place, Snapshot, Tool } from '../../electron/contract.ts';
import { connect } from '../../electron/rpc.ts';
import { socketChannel } from '../../electron/socket.ts';
import { needs } from '../capability.ts';
import { endAll, openTerminal, type Terminal } from './pty.ts';
import { installTools, quiet, TOOLS } from './real-tools.ts';

const run = promisify(execFile);
const cli = fileURLToPath(new URL('../../agent/cli.ts', import.meta.url));
const POLL_MS = 500;
/** What a poll may take, with what wakes it and what carries the answer on a machine that does other things as well; the bench holds the bar. */
const BOUND_MS = POLL_MS + 3000;
/** No honest condition of these tests takes longer. */
const LIMIT_MS = 60_000;

/** Values of keys that the tools are told and that Muster must never repeat. */
const SECRETS = Array.from({ length: 8 }, (_, at) => `planted-${at}-5f1e9c7a2b8d4e60`);

needs('pseudo-terminal', 'real-tools').describe('real coding CLIs', () => {
  // Made in `beforeAll`: this body runs where the tests are skipped, too.
  const root = path.join(os.tmpdir(), `muster-real-tools-${process.pid}`);
  const home = path.join(root, 'home');
  const project = path.join(home, 'work');
  const data = path.join(root, 'data');
  const prefix = path.join(home, '.npm-global');
  const env = quiet(home, [path.join(prefix, 'bin')]);
  const terminals: Terminal[] = [];
  const children: ChildProcess[] = [];
  /** Every word that any Muster of this file has said. */
  const said: string[] = [];

  const muster = async (args: readonly string[], options: { home: string; data: string }) => {
    const all = [cli, ...args, '--home', options.home, '--data', options.data];
    // An environment without the tools' folder on PATH: what is in a usual place is found without help.
    const answered = run(process.execPath, all, { env: { ...process.env, HOME: options.home, PATH: '/usr/bin:/bin' }, maxBuffer: 1 << 26 });
    const { stdout, stderr } = await answered.catch((error) => {
      throw new Error(`muster ${args.join(' ')}: ${error.stdout}${error.stderr}`);
    });
    said.push(stdout, stderr);
    return stdout;
  };
  const scan = async (): Promise<Inventory> => JSON.parse(await muster(['scan', '--json'], { home, data })) as Inventory;
  const tool = (command: string, args: readonly string[]) => run(command, args, { cwd: project, env });
  const start = (command: string) => {
    const terminal = openTerminal(command, { cwd: project, env });
    terminals.push(terminal);
    return terminal;
  };

  beforeAll(async () => {
    mkdirSync(root, { mode: 0o700 });
    mkdirSync(project, { recursive: true });
    await installTools(prefix);
    const [a, b, c, d, e, f, g, h] = SECRETS;
    const server = ['npx', '-y', '@modelcontextprotocol/server-filesystem@2026.1.14', '/tmp'];
    // One after another for each tool, because each rewrites its own file; tools beside each other.
    const claude = async () => {
      await tool('claude', ['mcp', 'add', '--scope', 'user', 'files', '-e', `FILES_TOKEN=${a}`, '--', ...server]);
      await tool('claude', ['mcp', 'add', '--scope', 'local', 'notes', '-e', `NOTES_TOKEN=${b}`, '--', 'node', '/srv/notes.js']);
      await tool('claude', ['mcp', 'add', '--scope', 'project', 'git', '--', 'uvx', 'mcp-server-git']);
      const header = ['--header', `Authorization: Bearer ${c}`];
      await tool('claude', ['mcp', 'add', '--scope', 'user', '--transport', 'http', 'remote', 'https://mcp.example.com/mcp', ...header]);
      // What its first start would ask a person; without an answer it looks for its vendor, and ends where it can't reach it.
      const file = path.join(home, '.claude.json');
      const state = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      writeFileSync(file, JSON.stringify({ ...state, hasCompletedOnboarding: true, theme: 'dark' }));
    };
    const codex = async () => {
      await tool('codex', ['mcp', 'add', 'memory', '--env', `MEMORY_KEY=${d}`, '--', 'npx', '-y', '@modelcontextprotocol/server-memory']);
      await tool('codex', ['mcp', 'add', 'docs', '--url', `https://docs.example.org/mcp?key=${e}`]);
    };
    const gemini = async () => {
      await tool('gemini', [
        'mcp',
        'add',
        '-s',
        'user',
        '-e',
        `EVERY_SECRET=${f}`,
        'every',
        'npx',
        '-y',
        '@modelcontextprotocol/server-everything',
      ]);
      const header = ['-H', `X-Api-Key: ${g}`];
      await tool('gemini', [
        'mcp',
        'add',
        '-s',
        'project',
        '-t',
        'http',
        ...header,
        'search',
        `https://search.example.org/v1/mcp?token=${h}`,
      ]);
    };
    await Promise.all([claude(), codex(), gemini()]);
  });

  afterAll(async () => {
    await Promise.all(terminals.map((terminal) => terminal.end()));
    for (const child of children) child.kill('SIGKILL');
    // Codex leaves a service behind that would outlive the test, as it outlives its terminal.
    endAll(processesIn(root));
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });

  const it = needs('pseudo-terminal', 'real-tools').it;

  it('are found by package, by binary and by config, with their versions, as one place each', async () => {
    const inventory = await scan();
    expect(inventory.partial).toBe(false);
    for (const { id, package: name, version, command } of TOOLS) {
      const found = toolIn(inventory.tools, id);
      expect(found.confidence).toBe('certain');
      expect(found.present).toBe(true);
      expect(found.surfaces).toEqual(['cli']);
      const folder = `~/.npm-global/lib/node_modules/${name}`;
      expect(found.evidence).toContainEqual({ kind: 'package', path: folder, manager: 'npm', name, version });
      expect(found.evidence).toContainEqual({ kind: 'binary', path: `~/.npm-global/bin/${command}`, name: command });
      expect(own(found)).toEqual([
        expect.objectContaining({
          surface: 'cli',
          version,
          path: `~/.npm-global/bin/${command}`,
          home: '~',
          running: false,
          present: true,
        }),
      ]);
    }
    for (const [id, file] of [
      ['claude-code', '~/.claude.json'],
      ['codex', '~/.codex/config.toml'],
      ['gemini-cli', '~/.gemini/settings.json'],
    ] as const) {
      expect(toolIn(inventory.tools, id).evidence).toContainEqual({ kind: 'config', path: file });
    }
  });

  it('and the MCP servers that their own commands wrote are read as they were meant', async () => {
    const { mcpServers } = await scan();
    // A project's `.mcp.json` is read by more clients than the one that wrote it.
    const clients: readonly string[] = ['claude-code', 'codex', 'gemini-cli'];
    const written = mcpServers.filter(({ client }) => clients.includes(client));
    const rows = written.map(({ client, name, scope, project: at, configPath, transport, command, args, url, secretNames, identity }) => ({
      ...{ client, name, scope, project: at, configPath, transport, command, args, url, secretNames },
      identity: `${identity.kind}:${identity.name}`,
    }));
    const remote = { transport: 'http', command: null, args: [] };
    const stdio = { transport: 'stdio', url: null };
    const user = { scope: 'user', project: null };
    const claude = { client: 'claude-code', configPath: '~/.claude.json' };
    const codex = { client: 'codex', configPath: '~/.codex/config.toml', ...user };
    const server = (name: string) => ({ command: 'npx', args: ['-y', name], identity: `npm:${name}` });
    expect(rows).toEqual(
      expect.arrayContaining([
        {
          ...{ ...claude, ...user, ...stdio, name: 'files', command: 'npx', secretNames: ['FILES_TOKEN'] },
          args: ['-y', '@modelcontextprotocol/server-filesystem@2026.1.14', '/tmp'],
          identity: 'npm:@modelcontextprotocol/server-filesystem',
        },
        {
          ...{ ...claude, ...stdio, scope: 'local', project: '~/work', name: 'notes', secretNames: ['NOTES_TOKEN'] },
          ...{ command: 'node', args: ['/srv/notes.js'], identity: 'script:/srv/notes.js' },
        },
        {
          ...{ ...claude, ...stdio, scope: 'project', project: '~/work', configPath: '~/work/.mcp.json', name: 'git', secretNames: [] },
          ...{ command: 'uvx', args: ['mcp-server-git'], identity: 'pypi:mcp-server-git' },
        },
        {
          ...{ ...claude, ...user, ...remote, name: 'remote', secretNames: ['Authorization'] },
          ...{ url: 'https://mcp.example.com/mcp', identity: 'remote:mcp.example.com/mcp' },
        },
        { ...codex, ...stdio, ...server('@modelcontextprotocol/server-memory'), name: 'memory', secretNames: ['MEMORY_KEY'] },
        {
          ...{ ...codex, ...remote, name: 'docs', secretNames: [] },
          ...{ url: 'https://docs.example.org/mcp', identity: 'remote:docs.example.org/mcp' },
        },
        {
          ...{ ...user, ...stdio, client: 'gemini-cli', configPath: '~/.gemini/settings.json', name: 'every' },
          ...{ ...server('@modelcontextprotocol/server-everything'), secretNames: ['EVERY_SECRET'] },
        },
        {
          ...{ ...remote, client: 'gemini-cli', scope: 'project', project: '~/work', configPath: '~/work/.gemini/settings.json' },
          ...{ name: 'search', secretNames: ['X-Api-Key'] },
          ...{ url: 'https://search.example.org/v1/mcp', identity: 'remote:search.example.org/v1/mcp' },
        },
      ]),
    );
    expect(rows).toHaveLength(8);
  });

  it('are seen by a running agent as they start and as they end', async () => {
    const watcher = await watch(data);
    const took: { tool: string; appearedMs: number; goneMs: number }[] = [];
    for (const { id, command } of TOOLS) {
      const running = (snapshot: Snapshot) =>
        own(toolIn(snapshot.tools, id)).some((place) => place.running && place.path === `~/.npm-global/bin/${command}`);
      const begun = performance.now();
      const terminal = start(command);
      const appeared = await watcher.until(running, () => `${id} to run; its terminal says: ${terminal.output().slice(-400)}`);
      const found = toolIn(watcher.now().tools, id);
      const [first] = found.evidence.filter(({ path: at }) => at?.startsWith('~/'));
      expect(first).toEqual({ kind: 'process', path: expect.any(String), pid: expect.any(Number) });
      // One installation stays one place while it runs; what Codex unpacks for its service is another.
      expect(own(found).filter(({ path: at }) => !at?.startsWith('~/.codex/'))).toHaveLength(1);
      const ended = performance.now();
      await terminal.end();
      const gone = await watcher.until(
        (snapshot) => !running(snapshot),
        () => `${id} to have ended`,
      );
      took.push({ tool: id, appearedMs: Math.round(appeared - begun), goneMs: Math.round(gone - ended) });
    }
    console.table(took);
    expect(middle(took.map(({ appearedMs }) => appearedMs))).toBeLessThan(BOUND_MS);
    expect(middle(took.map(({ goneMs }) => goneMs))).toBeLessThan(BOUND_MS);

    await tool('claude', ['mcp', 'add', '--scope', 'user', 'late', '-e', `LATE_TOKEN=${SECRETS[0]}`, '--', 'node', '/srv/late.js']);
    const late = (snapshot: Snapshot) => snapshot.mcpServers.find(({ name }) => name === 'late');
    await watcher.until(
      (snapshot) => late(snapshot)?.present === true,
      () => 'the server that claude has just added',
    );
    expect(late(watcher.now())?.secretNames).toEqual(['LATE_TOKEN']);
    await tool('claude', ['mcp', 'remove', '--scope', 'user', 'late']);
    await watcher.until(
      (snapshot) => late(snapshot)?.present === false,
      () => 'the server to be gone that claude has just removed',
    );
    await watcher.end();
  }, 180_000);

  it('are found running by a look that comes late, under whatever name they run by then', async () => {
    const started = ['gemini', 'pi'].map(start);
    // What a person's process list shows: Gemini as a second Node with a flag of its own, Pi as a bare word without any path.
    const shown = [/--max-old-space-size=\d+\0.*\/bin\/gemini\0/, /^pi\0*$/];
    const areShown = () => {
      for (const [at, { pids }] of started.entries()) {
        expect(pids().map(commandLine)).toContainEqual(expect.stringMatching(shown[at] ?? /^/));
      }
    };
    await vi.waitFor(areShown, { timeout: LIMIT_MS });
    const { tools } = await scan();
    for (const [id, script] of [
      ['gemini-cli', '~/.npm-global/lib/node_modules/@google/gemini-cli/bundle/gemini.js'],
      ['pi', '~/.npm-global/lib/node_modules/@earendil-works/pi-coding-agent/dist/bundle/cli.js'],
    ] as const) {
      const found = toolIn(tools, id);
      expect(own(found).map(({ running, present }) => ({ running, present }))).toEqual([{ running: true, present: true }]);
      expect(found.evidence).toContainEqual({ kind: 'process', path: script, pid: expect.any(Number) });
    }
    await Promise.all(started.map((terminal) => terminal.end()));
  });

  it('are told apart from other programs of the same name, beside them or alone', async () => {
    const alone = path.join(root, 'alone');
    for (const folder of [home, alone]) {
      const bin = path.join(folder, 'bin');
      mkdirSync(bin, { recursive: true });
      copyFileSync('/bin/sleep', path.join(bin, 'pi'));
      const script = `#!${process.execPath}\nsetInterval(() => {}, 1000);\nconsole.log('up');\n`;
      for (const name of ['amp', 'goose', 'claude', 'gemini']) {
        writeFileSync(path.join(bin, name), script);
        chmodSync(path.join(bin, name), 0o755);
      }
      // The folder of settings of an agent that was removed: with a common name it makes a "possible", so it is not here for `alone`.
      const program = async (name: string, args: readonly string[]) => {
        const child = spawn(path.join(bin, name), args, { stdio: ['ignore', 'pipe', 'inherit'] });
        children.push(child);
        if (args.length === 0 && child.stdout) await once(child.stdout, 'data');
        else await once(child, 'spawn');
      };
      await program('pi', ['600']);
      for (const name of ['amp', 'goose', 'claude', 'gemini']) await program(name, []);
    }
    // Alone: nothing of the name is a tool.
    const other = JSON.parse(await muster(['scan', '--json'], { home: alone, data: path.join(root, 'data-alone') })) as Inventory;
    const wrong = other.tools.flatMap(({ id, evidence }) =>
      evidence.filter(({ path: at }) => at?.startsWith('~/')).map((each) => ({ id, ...each })),
    );
    expect(wrong).toEqual([]);
    // Beside the real ones: these are there, and neither run nor are at two places.
    const { tools } = await scan();
    for (const { id, command } of TOOLS) {
      const places = own(toolIn(tools, id)).filter(({ present }) => present);
      expect(
        places.map(({ path: at, running }) => ({ at, running })),
        id,
      ).toEqual([{ at: `~/.npm-global/bin/${command}`, running: false }]);
    }
    expect(tools.some(({ id }) => id === 'amp' || id === 'goose')).toBe(false);
  });

  it('and no value of a key is in any word, file or database of Muster', async () => {
    said.push(await muster(['scan'], { home, data }), await muster(['status', '--json'], { home, data }));
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.map(({ name }) => name)).toContain('muster.db');
    const written = files.map(({ parentPath, name }) => readFileSync(path.join(parentPath, name), 'latin1'));
    // The test itself must be able to see one: the tools have written them.
    expect(readFileSync(path.join(home, '.claude.json'), 'utf8')).toContain(SECRETS[0]);
    for (const secret of SECRETS) {
      expect(said.filter((text) => text.includes(secret))).toEqual([]);
      expect(written.filter((text) => text.includes(secret))).toEqual([]);
    }
  });

  /** A running agent over the home, and its state as its socket tells it. */
  async function watch(folder: string) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'settings.json'), JSON.stringify({ pollSeconds: POLL_MS / 1000 }));
    const child = spawn(process.execPath, [cli, 'watch', '--json', '--home', home, '--data', folder], {
      env: { ...process.env, HOME: home, PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    said.push(line);
    const { socket } = JSON.parse(line) as { socket: string };
    const { on, close } = connect<AgentApi, AgentEvents>(socketChannel(net.connect(socket)), []);
    let state = {} as Snapshot;
    let check = () => {};
    on('changed', (slices) => {
      said.push(JSON.stringify(slices));
      state = { ...state, ...slices };
      check();
    });
    /** The moment at which the state was so. */
    const until = (condition: (snapshot: Snapshot) => boolean, what: () => string) =>
      new Promise<number>((resolve, reject) => {
        const limit = setTimeout(() => reject(new Error(`Waited ${LIMIT_MS} ms for ${what()}`)), LIMIT_MS);
        check = () => {
          if (!state.tools || !condition(state)) return;
          clearTimeout(limit);
          check = () => {};
          resolve(performance.now());
        };
        check();
      });
    await until(
      ({ look }) => look.state === 'idle' && look.at !== null,
      () => 'the first look',
    );
    return {
      until,
      now: () => state,
      async end() {
        close();
        child.kill('SIGTERM');
        await once(child, 'exit');
      },
    };
  }
});

function toolIn(tools: readonly Tool[], id: string): Tool {
  const found = tools.find((one) => one.id === id);
  if (!found) throw new Error(`${id} is not among ${tools.map((one) => one.id).join(', ') || 'no tools'}.`);
  return found;
}

/** The places in the test's home: the machine itself may have the same tools. */
function own({ places }: Tool): Place[] {
  return places.filter(({ path: at }) => at?.startsWith('~/'));
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.POSITIVE_INFINITY;
}

/** As the kernel gives it; empty once the process has ended. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Processes whose program lies in a folder. */
function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readlinkSync(`/proc/${name}/exe`).startsWith(`${folder}/`);
      } catch {
        return false;
      }
    })
    .map(Number);
}
