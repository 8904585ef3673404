/**
 * Real tools from npm beyond those that real-tools.test.ts starts: more coding CLIs, MCP servers that run, and one extension for VS Code and one for
 * JetBrains' IDEs, both of which Claude Code 1.0.60 carried in its package. Each is found with its version and surface, and nothing else is.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';
import { readMember } from '../../agent/observe/extensions/archive.ts';
import type { Inventory, Place } from '../../electron/contract.ts';
import { needs } from '../capability.ts';
import { installTools, MORE_TOOLS, quiet, type RealTool } from './real-tools.ts';

const run = promisify(execFile);
const cli = fileURLToPath(new URL('../../agent/cli.ts', import.meta.url));
type Found = Omit<RealTool, 'id'> & { readonly id?: string };
const here = JSON.parse(readFileSync(new URL('found-tools.json', import.meta.url), 'utf8')) as readonly Found[];
/** Without an id it is a server, which is no tool by itself. */
const found: readonly Found[] = [...MORE_TOOLS, ...here];
const SECRET = 'planted-71c0de5a9b3f2e84';

needs('real-tools').describe('real tools from npm', () => {
  const root = path.join(os.tmpdir(), `muster-found-tools-${process.pid}`);
  const home = path.join(root, 'home');
  const prefix = path.join(home, '.npm-global');
  const modules = path.join(prefix, 'lib/node_modules');
  const children: ChildProcess[] = [];
  let inventory: Inventory;
  let said = '';

  beforeAll(async () => {
    mkdirSync(root, { mode: 0o700 });
    await installTools(prefix, found);
    const vendor = path.join(modules, '@anthropic-ai/claude-code/vendor');
    unpackForVsCode(path.join(vendor, 'claude-code.vsix'), path.join(home, '.vscode/extensions'));
    const plugins = path.join(home, '.local/share/JetBrains/IntelliJIdea2026.2');
    mkdirSync(path.join(home, '.config/JetBrains/IntelliJIdea2026.2'), { recursive: true });
    cpSync(path.join(vendor, 'claude-code-jetbrains-plugin'), path.join(plugins, 'claude-code-jetbrains-plugin'), { recursive: true });
    const servers = {
      files: { command: path.join(prefix, 'bin/mcp-server-filesystem'), args: [home], env: { FILES_TOKEN: SECRET } },
      docs: { command: 'node', args: [path.join(modules, '@upstash/context7-mcp/dist/index.js'), '--api-key', SECRET] },
      browser: { command: 'npx', args: ['-y', '@playwright/mcp@0.0.83', '--headless'] },
    };
    mkdirSync(path.join(home, '.cursor'));
    writeFileSync(path.join(home, '.cursor/mcp.json'), JSON.stringify({ mcpServers: servers }));
    // Two of them run, as their client starts them; each has answered before Muster looks.
    for (const { command, args } of [servers.files, servers.docs]) {
      const child = spawn(command, args, { env: quiet(home, []), stdio: ['pipe', 'pipe', 'ignore'] });
      children.push(child);
      const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
      child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`);
      await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), failsWith(child, command)]);
    }
    const { stdout, stderr } = await run(process.execPath, [cli, 'scan', '--json', '--home', home, '--data', path.join(root, 'data')], {
      env: { ...process.env, HOME: home, PATH: '/usr/bin:/bin' },
      maxBuffer: 1 << 26,
    });
    said = stdout + stderr;
    inventory = JSON.parse(stdout) as Inventory;
  });

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });

  const it = needs('real-tools').it;
  const own = ({ home: at }: Place) => at === '~';

  it('a coding CLI is one place, with its version', () => {
    for (const { id, package: name, version, command } of found) {
      if (id === undefined) continue;
      const tool = inventory.tools.find((one) => one.id === id);
      expect(tool, id).toMatchObject({ confidence: 'certain', present: true, surfaces: ['cli'] });
      const at = `~/.npm-global/lib/node_modules/${name}`;
      expect(tool?.evidence).toContainEqual({ kind: 'package', path: at, manager: 'npm', name, version });
      const place = { surface: 'cli', version, path: `~/.npm-global/bin/${command}`, running: false };
      expect(tool?.places.filter(own), id).toMatchObject([place]);
    }
  });

  it('an extension is one place in each editor that has it, with its version', () => {
    const tool = inventory.tools.find(({ id }) => id === 'claude-code-ide');
    expect(tool).toMatchObject({ confidence: 'certain', present: true, surfaces: ['ide-extension'] });
    expect(tool?.places.filter(own).map(({ program, version, path: at }) => [program, version, at])).toEqual([
      ['IntelliJ IDEA 2026.2', '0.1.11-beta', '~/.local/share/JetBrains/IntelliJIdea2026.2/claude-code-jetbrains-plugin'],
      ['VS Code', '1.0.60', '~/.vscode/extensions/anthropic.claude-code-1.0.60'],
    ]);
  });

  it('an MCP server is known by its package, and runs or doesn’t', () => {
    const rows = inventory.mcpServers.filter(({ client }) => client === 'cursor');
    expect(
      rows.map(({ name, transport, identity, running }) => [name, transport, identity.kind, identity.name, identity.version, running]),
    ).toEqual([
      ['browser', 'stdio', 'npm', '@playwright/mcp', '0.0.83', false],
      ['docs', 'stdio', 'npm', '@upstash/context7-mcp', null, true],
      ['files', 'stdio', 'binary', 'mcp-server-filesystem', null, true],
    ]);
    expect(rows.map(({ secretNames }) => secretNames)).toEqual([[], [], ['FILES_TOKEN']]);
  });

  it('and nothing else in that home is taken for a tool, and no secret is said', () => {
    const ids = inventory.tools.filter(({ places }) => places.some(own)).map(({ id }) => id);
    expect(ids.sort()).toEqual(['claude-code-ide', ...found.flatMap(({ id }) => id ?? [])].sort());
    expect(said).not.toContain(SECRET);
  });
});

/** As VS Code lays an extension out that it has from a file: a folder named after it, and a line in its own record. */
function unpackForVsCode(vsix: string, extensions: string): void {
  const member = (name: string) => {
    const read = readMember(vsix, name, 8 * 1024 * 1024);
    if (read.state !== 'read') throw new Error(`${vsix} has no ${name}.`);
    return read.bytes;
  };
  const manifest = JSON.parse(member('extension/package.json').toString()) as { name: string; publisher: string; version: string };
  const id = `${manifest.publisher}.${manifest.name}`.toLowerCase();
  const relativeLocation = `${id}-${manifest.version}`;
  const folder = path.join(extensions, relativeLocation);
  mkdirSync(folder, { recursive: true });
  for (const name of ['package.json', 'extension.js', 'README.md']) writeFileSync(path.join(folder, name), member(`extension/${name}`));
  writeFileSync(path.join(folder, '.vsixmanifest'), member('extension.vsixmanifest'));
  const location = { $mid: 1, path: folder, scheme: 'file' };
  const metadata = { installedTimestamp: 1_795_000_000_000, pinned: true, source: 'vsix' };
  const record = [{ identifier: { id }, version: manifest.version, location, relativeLocation, metadata }];
  writeFileSync(path.join(extensions, 'extensions.json'), JSON.stringify(record));
}

async function failsWith(child: ChildProcess, command: string): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`${command} ended with ${code} before it answered.`);
}
