/** Dev containers of known projects: what their `devcontainer.json` is called and which editor extensions it asks for. Nothing else of it is kept. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { decode, isMap } from '../../mcp/text.ts';
import type { Guest } from '../guests.ts';
import { plainName } from '../installed/look.ts';
import { asksOnMac } from '../mac-privacy.ts';
import type { ExtensionObservation } from '../observation.ts';
import type { Os } from '../os.ts';
import { readSmall } from '../read.ts';

export type DevContainer = { readonly guest: Guest; readonly extensions: readonly ExtensionObservation[] };

const mostProjects = 1000;
/** A repository may describe several, one a folder. */
const mostOfOneProject = 20;
const mostOfFile = 1024 * 1024;
const mostExtensions = 500;
/** `publisher.name` of Visual Studio Code, with or without a version; JetBrains' plugins are called by words with dots too. */
const vscodeId = /^([\w-]{1,100}\.[\w.-]{1,150})(?:@([\w.+-]{1,64}))?$/;
const jetbrainsId = /^[\w][\w. -]{0,150}$/;

/** In the order of the projects. A project on a network path of Windows or where macOS would ask is left alone. */
export function devContainers(os: Os, homes: readonly string[], projects: readonly string[]): DevContainer[] {
  const folders = [...new Set(projects)].filter((folder) => path.isAbsolute(folder) && !isLeftAlone(os, folder, homes));
  return folders.slice(0, mostProjects).flatMap((project) => filesOf(project).flatMap((file) => described(file, project, homes) ?? []));
}

function isLeftAlone(os: Os, folder: string, homes: readonly string[]): boolean {
  return (os.platform === 'win32' && /^[\\/]{2}/.test(folder)) || asksOnMac(os, folder, homes);
}

/** The three places of the specification. */
function filesOf(project: string): string[] {
  const folder = path.join(project, '.devcontainer');
  return [
    path.join(project, '.devcontainer.json'),
    path.join(folder, 'devcontainer.json'),
    ...foldersIn(folder).map((name) => path.join(folder, name, 'devcontainer.json')),
  ];
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort()
      .slice(0, mostOfOneProject);
  } catch {
    return [];
  }
}

/** Null where there is no such file, or it is none. */
function described(file: string, project: string, homes: readonly string[]): DevContainer | null {
  const read = readSmall(file, mostOfFile);
  if (!read.ok) return null;
  const decoded = decode('jsonc', read.bytes);
  const root = decoded.ok ? field(decoded.value) : null;
  if (root === null) return null;
  const own = path.basename(project);
  const folder = path.dirname(file);
  const name = ['.devcontainer', own].includes(path.basename(folder)) ? own : `${own} (${path.basename(folder)})`;
  const program = `Dev container ${plainName(name) ?? 'without a name'}`;
  const home = homes.find((one) => file.startsWith(one + path.sep)) ?? null;
  const customizations = field(root['customizations']);
  const make = (host: ExtensionObservation['host'], id: string, version: string | null): ExtensionObservation => ({
    ...{ kind: 'extension', host, program, id, folder: null, version, profiles: [] },
    ...{ enabled: null, permissions: [], path: file, home },
  });
  // Before 2022 the list stood at the top. An id behind a minus is one that is taken out of what an image brings.
  const vscode = [...texts(field(customizations?.['vscode'])?.['extensions']), ...texts(root['extensions'])].flatMap((text) => {
    const [, id, version] = vscodeId.exec(text) ?? [];
    return id === undefined || text.startsWith('-') ? [] : [make('vscode', id.toLowerCase(), version ?? null)];
  });
  const jetbrains = texts(field(customizations?.['jetbrains'])?.['plugins']).flatMap((id) =>
    jetbrainsId.test(id) ? [make('jetbrains', id, null)] : [],
  );
  const unique = new Map([...vscode, ...jetbrains].map((each) => [`${each.host} ${each.id}`, each]));
  return { guest: { kind: 'dev-container', name: plainName(name) ?? own, path: file }, extensions: [...unique.values()] };
}

function field(value: unknown): Readonly<Record<string, unknown>> | null {
  return isMap(value) ? value : null;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.slice(0, mostExtensions).filter((one) => typeof one === 'string') : [];
}
