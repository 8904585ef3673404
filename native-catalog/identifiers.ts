/** Everything by which an entry says a tool can be recognised, as one list, and which kinds of it have no example. */
import type { PackageManager } from '../agent/observe/observation.ts';
import { packageKey } from './package-names.ts';
import { displayName, programName, splitPath } from './program-path.ts';
import type { Entry, Example } from './schema.ts';

/**
 * `kind` is the field (`packages.npm`, `binaries`), `label` how `unverified` calls it, `key` what it is looked up under; `strong` says whether it can make
 * a row by itself.
 */
type Identifier = {
  readonly kind: string;
  readonly label: string;
  readonly key: string;
  readonly strong: boolean;
};

/** Everything an entry claims, but for its ports, which tools share. */
export function identifiers({ detect }: Entry): Identifier[] {
  const lower = (name: string) => name.toLowerCase();
  // A word that is common as a program's name is as common as an application's; on Windows the publisher may stand beside it.
  const common = new Set(detect.commonBinaries?.map(lower));
  const uncommon = (name: string) => name.split('.').length > 2 || !common.has(lower(name));
  type Strong = boolean | ((name: string) => boolean);
  const of = (kind: string, names: readonly string[] | undefined, strong: Strong, key: (name: string) => string): Identifier[] =>
    (names ?? []).map((name) => ({
      kind,
      label: `${kind}:${name}`,
      key: key(name),
      strong: typeof strong === 'boolean' ? strong : strong(name),
    }));
  return [
    ...Object.entries(detect.packages ?? {}).flatMap(([manager, names]) =>
      of(`packages.${manager}`, names, true, (name) => packageKey(manager as PackageManager | 'npmPlatform', name)),
    ),
    ...of('binaries', detect.binaries, true, (name) => `name:${lower(name)}`),
    ...of('commonBinaries', detect.commonBinaries, false, (name) => `name:${lower(name)}`),
    ...of('paths', detect.paths, true, (name) => `path:${splitPath(name).lower.join('/')}`),
    ...of('apps.darwin', detect.apps?.darwin, true, (name) => `darwin:${lower(name)}`),
    ...of('apps.linux', detect.apps?.linux, uncommon, (name) => `linux:${lower(name)}`),
    ...of('apps.win32', detect.apps?.win32, true, (name) => `win32:${displayName(name)}`),
    ...of('modules', detect.modules, true, (name) => `module:${name}`),
    ...Object.entries(detect.extensions ?? {}).flatMap(([host, names]) =>
      of(`extensions.${host}`, names, true, (name) => `extension:${host}:${lower(name)}`),
    ),
    ...of('images', detect.images, true, (name) => `image:${name}`),
    ...of('domains', detect.domains, true, (name) => `domain:${name}`),
    ...of('titles', detect.titles, false, (name) => `title:${lower(name)}`),
  ];
}

/** The kinds of identifier of which an entry has a verified one and no example that shows it. */
export function missingExamples(entry: Entry): string[] {
  const unverified = new Set(entry.detect.unverified);
  const shown = new Set(entry.examples.flatMap((example) => shownBy(example, entry)));
  const wanted = identifiers(entry).filter(
    ({ kind, label, strong }) => strong && kind !== 'packages.npmPlatform' && !unverified.has(label),
  );
  return [...new Set(wanted.map(({ kind }) => kind))].filter((kind) => !shown.has(kind));
}

/** The kinds that an example can show: what an observer reports has its name in one, and its file in others. */
function shownBy(example: Example, { detect }: Entry): string[] {
  const { process, package: installed, app, binary, extension, container, site, window } = example;
  if (installed) return [`packages.${installed.manager}`];
  if (app) return [`apps.${example.platform ?? 'linux'}`];
  if (container) return ['images'];
  if (site) return ['domains'];
  if (extension) {
    const { host, folder } = extension;
    if (host === 'jetbrains') return [folder === undefined ? 'extensions.jetbrains' : 'extensions.jetbrainsFolders'];
    return [host === 'visual-studio' ? 'extensions.visualStudio' : `extensions.${host}`];
  }
  const files = [process?.exe, process?.script, binary?.path, binary?.target, window?.exe]
    .filter((file) => file !== undefined)
    .map(splitPath);
  const names = new Set(files.map((file) => programName(file).toLowerCase()));
  const folders = files.map(({ lower }) => `/${lower.join('/')}/`);
  return [
    ...(detect.binaries?.some((name) => names.has(name.toLowerCase())) ? ['binaries'] : []),
    ...(detect.paths?.some((path) => folders.some((folder) => folder.includes(`/${splitPath(path).lower.join('/')}/`))) ? ['paths'] : []),
    ...(process?.module || folders.some((folder) => /\/(site|dist)-packages\//.test(folder)) ? ['modules'] : []),
    ...(process?.bundleId || window?.bundleId ? ['apps.darwin'] : []),
  ];
}

/** Every list of names in `detect`, by its field. */
export function lists(detect: Record<string, unknown>): [string, readonly unknown[]][] {
  return Object.entries(detect).flatMap(([field, value]): [string, readonly unknown[]][] => {
    if (Array.isArray(value)) return [[field, value]];
    return Object.entries((value ?? {}) as Record<string, unknown>).flatMap(([inner, list]): [string, readonly unknown[]][] =>
      Array.isArray(list) ? [[`${field}.${inner}`, list]] : [],
    );
  });
}
