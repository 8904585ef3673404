/**
 * One server for each place where a client keeps its servers, written into real files; and what a whole look finds of them.
 *
 * The places come from `fixtures/mcp-places.tsv`, which is older than the catalog and names them as their sources do, so that the catalog is held to something.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import json5 from 'json5';
import { stringify as toToml } from 'smol-toml';
import { stringify as toYaml } from 'yaml';
import { parseProjects, parseServers } from '../../agent/mcp/parse.ts';
import { type ConfigRead, createConfigObserver } from '../../agent/observe/configs.ts';
import type { Os } from '../../agent/observe/os.ts';
import type { Platform } from '../../electron/contract.ts';
import type { Catalog } from '../../native-catalog/catalog.ts';

export type Row = { client: string; os: Platform; path: string; format: string; keys: string };
export type Json = Record<string, unknown>;
/** Where things are on the computer that is planted. `system` is where a path of the whole computer really is. */
export type Computer = { readonly home: string; readonly project: string; readonly moved: string; system(place: string): string };

export function readRows(text: string): Row[] {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [client = '', os = '', place = '', format = '', keys = ''] = line.split('\t');
      return { client, os: os as Platform, path: place, format, keys };
    });
}

/** Plants `planted-0` and so on, one a row, and makes the project known by Claude Code's own record. */
export function plant(rows: readonly Row[], computer: Computer): { planted: { row: Row; name: string; file: string }[]; files: number } {
  const files = new Map<string, { format: string; value: Json }>();
  const planted: { row: Row; name: string; file: string }[] = [];
  rows.forEach((row, index) => {
    const name = `planted-${index}`;
    const file = fileOf(row, computer);
    const { format, value } = files.get(file) ?? { format: row.format, value: {} };
    files.set(file, { format, value });
    const keys = keysOf(row, computer);
    const { entry, list } = entryOf(row, name);
    let at = value;
    for (const key of keys.slice(0, -1)) {
      at[key] ??= {};
      at = at[key] as Json;
    }
    const last = keys.at(-1) ?? '';
    at[last] ??= list ? [] : {};
    const place = at[last];
    if (Array.isArray(place)) place.push(entry);
    else (place as Json)[name] = entry;
    planted.push({ row, name, file });
  });
  // The project is known from the client's own record.
  const record = files.get(path.join(computer.home, '.claude.json'));
  if (record) record.value['projects'] = { [computer.project]: {}, ...(record.value['projects'] as Json) };
  let turn = 0;
  for (const [file, { format, value }] of files) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, written(format, value, turn++));
  }
  return { planted, files: files.size };
}

/** What a whole look finds: `name` of each server by the file it stands in. */
export function found(
  os: Os,
  home: string,
  catalog: Catalog,
): { name: string; file: string; client: string; enabled: boolean; uncertain: boolean }[] {
  const observer = createConfigObserver(os, { homes: [home], catalog });
  const servers: ReturnType<typeof found> = [];
  const take = (read: ConfigRead): void => {
    const { file } = read;
    if (read.state === 'refused') throw new Error(`${file.path}: ${read.trouble.code} ${read.trouble.detail ?? ''}`);
    if (read.state !== 'read' || file.role === 'settings') return;
    if (file.role === 'projects') {
      observer.setProjects(file.home, parseProjects(file.place, read.text) ?? []).forEach(take);
      return;
    }
    const parsed = parseServers({ ...file.place, off: read.off }, read.text);
    if (!parsed.ok || parsed.troubles.length > 0) throw new Error(`${file.path}: ${JSON.stringify(parsed)}`);
    const { client, uncertain = false } = file.place;
    for (const { name, enabled } of parsed.servers) servers.push({ name, file: file.path, client, enabled, uncertain });
    observer.follow(file, parsed.elsewhere).forEach(take);
  };
  observer.look().forEach(take);
  return servers;
}

/** Where a row's file is, and what its `*`s stand for. */
function fileOf(row: Row, { home, project, moved, system }: Computer): string {
  const place = row.path
    .replaceAll('\\', '/')
    .replace('**/.claude-plugin', 'marketplaces/acme/plugins/tool/.claude-plugin')
    .replace('**', 'acme/tool/1.0.0')
    .replace(/^<(project|solution|LibreChat)>/, '<project>')
    .replace(/<(?!project>)[^>]+>/g, 'one')
    .replace('*', 'one');
  const starts: readonly (readonly [start: string, folder: string])[] = [
    ['~/', home],
    ['<project>/', project],
    ['$CLAUDE_CONFIG_DIR/', moved],
    ['$XDG_CONFIG_HOME/', path.join(home, '.config')],
    ['$XDG_DATA_HOME/', path.join(home, '.local/share')],
    ['%APPDATA%/', path.join(home, 'AppData/Roaming')],
    ['%LOCALAPPDATA%/', path.join(home, 'AppData/Local')],
  ];
  const [start, folder] = starts.find(([one]) => place.startsWith(one)) ?? [];
  return start === undefined || folder === undefined
    ? system(place.replace('%ProgramData%', 'C:/ProgramData'))
    : path.join(folder, place.slice(start.length));
}

/** The server as that client writes one. */
function entryOf(row: Row, name: string): { entry: Json; list: boolean } {
  const plain = { command: 'npx', args: ['-y', `@acme/${name}@1.0.0`], env: { MODE: 'x' } };
  const list = /\[\]|\[\[/.test(row.keys);
  if (/command is an array/.test(row.keys) || row.client.startsWith('OpenCode') || row.client.startsWith('Kilo Code (current)'))
    return { entry: { type: 'local', command: ['npx', '-y', name], environment: { MODE: 'x' }, enabled: true }, list };
  if (row.keys.startsWith('extensions'))
    return { entry: { type: 'stdio', cmd: 'npx', args: ['-y', name], envs: { MODE: 'x' }, enabled: true }, list };
  if (row.keys.includes('httpUrl')) return { entry: { httpUrl: `https://${name}.example/mcp` }, list };
  if (row.keys.includes('serverUrl')) return { entry: { serverUrl: `https://${name}.example/mcp` }, list };
  if (row.keys.includes('transport key')) return { entry: { ...plain, transport: 'stdio' }, list };
  if (row.keys.includes('active flag')) return { entry: { ...plain, active: true }, list };
  if (row.keys.startsWith('experimental')) return { entry: { name, transport: { type: 'stdio', ...plain } }, list: true };
  if (row.keys === 'context_servers') return { entry: { source: 'custom', ...plain }, list };
  return { entry: list ? { name, ...plain } : plain, list };
}

/** The key path that the row's words mean. */
function keysOf({ keys }: Row, { project }: Computer): string[] {
  if (keys.startsWith('projects.<abs path>')) return ['projects', project, 'mcpServers'];
  if (keys.startsWith('experimental')) return ['experimental', 'modelContextProtocolServers'];
  if (keys.startsWith('settings.mcp.servers')) return ['settings', 'mcp', 'servers'];
  if (keys.startsWith('customizations')) return ['customizations', 'vscode', 'mcp', 'servers'];
  if (keys.startsWith('mcp.servers (flat')) return ['mcp.servers'];
  if (keys.startsWith('mcp.servers')) return ['mcp', 'servers'];
  if (keys.startsWith('amp.mcpServers')) return ['amp.mcpServers'];
  return [/^\W*(\w+)/.exec(keys)?.[1] ?? ''];
}

/** The file's text, with what people and clients put into such files. */
function written(format: string, value: Json, turn: number): string {
  if (format === 'toml') return `# mine\n${toToml(value)}`;
  if (format === 'yaml') return `# mine\n${toYaml(value)}`;
  if (format === 'json5') return `// mine\n${json5.stringify(value, null, 2)}`;
  const text = JSON.stringify(value, null, 2);
  if (format === 'jsonc') return `// mine\n${text.replace(/\n}$/, ',\n}')}`;
  return turn % 3 === 0 ? `\ufeff${text}` : turn % 3 === 1 ? text.replaceAll('\n', '\r\n') : text;
}
