/** Makes homes: one with as many config files of MCP clients as are asked for, written where and how the catalog says. */
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readCatalog } from '../../agent/assets.ts';
import type { Os } from '../../agent/observe/os.ts';
import { isSystemPlace, resolvePlace } from '../../agent/observe/paths.ts';
import { type Catalog, type ClientPlace, parseCatalog } from '../../native-catalog/catalog.ts';

export type ConfigPlace = { readonly file: string; readonly place: ClientPlace };
export type MadeServer = { readonly name: string; readonly command: string; readonly args: readonly string[] };

export function sourceCatalog(): Catalog {
  return parseCatalog(readCatalog(), [], { trusted: true });
}

/** The environment of somebody whose home this is: nothing of ours that could move a config file. */
export function environment(home: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { HOME: home, PATH: process.env['PATH'], LANG: 'C.UTF-8', ...more };
}

/**
 * `count` places of one home that Muster looks at: each user-scope file, then project by project until it is enough. The projects are named in
 * `~/.claude.json`, so they are found as the product finds them.
 */
export function configPlaces(home: string, count: number): { places: ConfigPlace[]; projects: string[] } {
  const os = { platform: 'linux', env: environment(home), user: { name: 'x', uid: null, home }, at: (at: string) => at } as unknown as Os;
  // Each file once: a client may keep several scopes in one.
  const places = new Map<string, ConfigPlace>();
  const add = (file: string | null, place: ClientPlace) => {
    if (file !== null && places.size < count && !places.has(file) && ['json', 'jsonc', 'toml'].includes(place.format))
      places.set(file, { file, place });
  };
  const all = sourceCatalog().places('linux').mcp;
  const written = (place: ClientPlace) => place.path.linux ?? '';
  const user = all.filter((place) => place.scope === 'user' && !isSystemPlace(written(place)));
  for (const place of user) add(resolvePlace(written(place), os, home), place);
  const projects: string[] = [];
  while (places.size < count) {
    const project = path.join(home, 'src', `project-${projects.length + 1}`);
    projects.push(project);
    for (const place of all.filter((each) => each.scope === 'project'))
      add(path.join(project, ...written(place).split('/').slice(1)), place);
  }
  return { places: [...places.values()], projects };
}

/** The text of a config file with these servers, in the client's own form. `projects` are named in it where the client keeps such a list there. */
export function configText({ place }: ConfigPlace, servers: readonly MadeServer[], projects: readonly string[] = []): string {
  const entries = servers.map(
    ({ name, command, args }) => [name, { command, args, env: { API_TOKEN: 'not-a-real-token-0123456789' } }] as const,
  );
  if (place.format === 'toml') {
    const at = place.at.join('.');
    return entries
      .map(([name, { command, args, env }]) => {
        const head = `[${at}.${JSON.stringify(name)}]\ncommand = ${JSON.stringify(command)}\nargs = ${JSON.stringify(args)}\n`;
        return `${head}[${at}.${JSON.stringify(name)}.env]\nAPI_TOKEN = ${JSON.stringify(env.API_TOKEN)}\n`;
      })
      .join('\n');
  }
  let value: unknown = Object.fromEntries(entries);
  for (const key of [...place.at].reverse()) value = { [key]: value };
  const known =
    place.client === 'claude-code' && place.scope === 'user'
      ? { projects: Object.fromEntries(projects.map((project) => [project, {}])) }
      : {};
  return JSON.stringify({ numStartups: 12, ...known, ...(value as object) }, null, 2);
}

export function servers(count: number, tag: string): MadeServer[] {
  return Array.from({ length: count }, (_, at) => ({
    name: `${tag}-${at}`,
    command: 'npx',
    args: ['-y', `@example/server-${tag}-${at}`, '--root', '/srv/data'],
  }));
}

/**
 * Saves three servers named `<tag>-0` to `<tag>-2`, which have findings, into a place; `replace` as editors do, by a new file that takes the name.
 * Returns `performance.now()` at the end of the save.
 */
export function saveConfig(each: ConfigPlace, projects: readonly string[], tag: string, replace: boolean): number {
  const content = configText(each, servers(3, tag), projects);
  const draft = `${each.file}.draft`;
  if (replace) writeFileSync(draft, content);
  if (replace) renameSync(draft, each.file);
  else writeFileSync(each.file, content);
  return performance.now();
}

/** Writes `count` configs with three servers each into `home`, and 20 programs with names of known tools into its ~/.local/bin. */
export function furnish(home: string, count: number): { places: ConfigPlace[]; servers: number; tools: number } {
  const { places, projects } = configPlaces(home, count);
  places.forEach((each, at) => {
    mkdirSync(path.dirname(each.file), { recursive: true });
    writeFileSync(each.file, configText(each, servers(3, `s${at}`), projects));
  });
  const names = toolNames().slice(0, 20);
  const bin = path.join(home, '.local', 'bin');
  mkdirSync(bin, { recursive: true });
  for (const name of names) copyFileSync('/bin/true', path.join(bin, name));
  return { places, servers: places.length * 3, tools: names.length };
}

/** Names of executables that say by themselves which tool they are, one a tool. */
export function toolNames(): string[] {
  return toolBinaries().map(({ name }) => name);
}

export function toolBinaries(): { tool: string; name: string }[] {
  const catalog = sourceCatalog();
  return [...catalog.entries.values()].flatMap((entry) => {
    const name = (entry.detect.binaries ?? []).find((each) => {
      const at = `/opt/somewhere/${each}`;
      const match = catalog.identify({ kind: 'binary', name: each, path: at, target: at, home: null });
      return /^[a-z][a-z0-9_-]+$/.test(each) && match?.entry.id === entry.id && match.strength === 'likely';
    });
    return name ? [{ tool: entry.id, name }] : [];
  });
}
