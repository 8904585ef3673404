/** Turns an example of an entry, or an ordinary program, into the observation that an observer would report. */
import type {
  AppObservation,
  BinaryObservation,
  ExtensionHost,
  Observation,
  PackageManager,
  ProcessObservation,
} from '../agent/observe/observation.ts';
import type { Platform } from '../electron/contract.ts';
import type { Example, Innocents } from './schema.ts';

/** The observation of an example; what the example leaves out is null. */
export function observationOf(example: Example): Observation {
  const { process, window, package: installed, app, binary, extension, container, site } = example;
  const platform = example.platform ?? 'linux';
  if (process) {
    return processAt(process.exe, {
      args: process.args ?? [process.exe],
      script: process.script ?? null,
      module: process.module ?? null,
      bundleId: process.bundleId ?? null,
    });
  }
  if (window) {
    const { exe = null, bundleId = null, title = null } = window;
    return { kind: 'window', pid: 1, exe, bundleId, appName: null, title };
  }
  if (installed) return packageNamed(installed.manager, installed.name);
  if (app) return appNamed(platform, app.appId, app.name ?? app.appId, app.publisher ?? null);
  if (binary) return binaryAt(binary.path, binary.target);
  if (extension) return extensionIn(extension.host, extension.id, extension.folder);
  if (container) return containerOf(container.image);
  if (site) return siteAt(site.host);
  throw new Error('An example is exactly one of process, window, package, app, binary, extension, container and site; this one is none.');
}

/** Every ordinary program of a platform as observations, without the collisions. */
export function observationsOf(platform: Platform, innocents: Innocents): Observation[] {
  return [
    ...innocents.processes.map((exe) => processAt(exe, {})),
    ...(innocents.scripts ?? []).map(([exe, script]) => processAt(exe, { script })),
    ...(innocents.modules ?? []).map((module) => processAt('/usr/bin/python3.12', { module })),
    ...Object.entries(innocents.packages ?? {}).flatMap(([manager, names]) =>
      names.map((name) => packageNamed(manager as PackageManager, name)),
    ),
    ...(innocents.apps ?? []).map(([appId, name, publisher]) => appNamed(platform, appId, name, publisher)),
    ...(innocents.binaries ?? []).map((path) => binaryAt(path)),
    ...Object.entries(innocents.extensions ?? {}).flatMap(([host, ids]) => ids.map((id) => extensionIn(host as ExtensionHost, id, id))),
    ...(innocents.images ?? []).map(containerOf),
    ...(innocents.sites ?? []).map(siteAt),
  ];
}

function processAt(exe: string, given: Partial<Pick<ProcessObservation, 'args' | 'script' | 'module' | 'bundleId'>>): ProcessObservation {
  return {
    kind: 'process',
    pid: 1,
    parent: 0,
    startedAt: '1',
    exe,
    args: [exe],
    script: null,
    module: null,
    bundleId: null,
    home: null,
    owner: 'self',
    ...given,
  };
}

function packageNamed(manager: PackageManager, name: string): Observation {
  return { kind: 'package', manager, name, version: null, path: null, home: null };
}

function appNamed(platform: Platform, appId: string, name: string, publisher: string | null): AppObservation {
  return { kind: 'app', platform, appId, name, publisher, version: null, path: null, home: null };
}

function binaryAt(path: string, target = path): BinaryObservation {
  return { kind: 'binary', name: path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1), path, target, home: null };
}

function extensionIn(host: ExtensionHost, id: string, folder: string | null = null): Observation {
  const nothing = { version: null, profiles: [], enabled: null, permissions: [], path: null, home: null };
  return { kind: 'extension', host, program: host, id, folder, ...nothing };
}

function containerOf(image: string): Observation {
  return { kind: 'container', engine: 'docker', image, tag: null, name: null, running: true, home: null };
}

function siteAt(host: string): Observation {
  return { kind: 'site', host, program: 'Chrome', path: null, home: null };
}
