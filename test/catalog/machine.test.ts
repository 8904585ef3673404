/** The catalog against the computer that runs the tests: what Debian installed and what the system runs is no AI tool. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../agent/observe/observation.ts';
import { parseCatalog } from '../../native-catalog/catalog.ts';
import { rawCatalog, readCatalogFiles } from '../../native-catalog/files.ts';
import { needs } from '../capability.ts';

const [raw, names] = rawCatalog(readCatalogFiles(path.resolve(import.meta.dirname, '../../native-catalog')));
const catalog = parseCatalog(raw, names);
const DPKG = '/var/lib/dpkg/info';

function program(seen: { exe: string; script?: string; module?: string }): Observation {
  return {
    kind: 'process',
    pid: 1,
    parent: 0,
    startedAt: '1',
    exe: seen.exe,
    args: [seen.exe],
    script: seen.script ?? null,
    module: seen.module ?? null,
    bundleId: null,
    home: null,
    owner: 'self',
  };
}

/** Debian's packages on this computer, each with its files. */
function debianPackages(): { name: string; files: string[] }[] {
  return readdirSync(DPKG)
    .filter((file) => file.endsWith('.list'))
    .map((file) => ({ name: file.slice(0, -'.list'.length), files: readFileSync(path.join(DPKG, file), 'utf8').split('\n') }));
}

const debian = needs('debian');
debian.describe('on this Debian', () => {
  const installed = debian.missing.length === 0 ? debianPackages() : [];

  it('no package is a tool', () => {
    expect(installed.length).toBeGreaterThan(50);
    const seen = installed.map(
      ({ name }): Observation => ({ kind: 'package', manager: 'dpkg', name, version: null, path: null, home: null }),
    );
    expect(seen.filter((one) => catalog.identify(one))).toEqual([]);
  });

  it('no program of a package is a tool, as a process or as a binary', () => {
    const programs = installed.flatMap(({ files }) => files).filter((file) => /^\/(usr\/)?(s?bin|libexec)\/./.test(file));
    expect(programs.length).toBeGreaterThan(200);
    const strong = programs.filter((file) => {
      const binary = catalog.identify({ kind: 'binary', name: path.basename(file), path: file, target: file, home: null });
      const process = catalog.identify(program({ exe: file }));
      return [binary, process].some((match) => match && match.strength !== 'weak');
    });
    expect(strong).toEqual([]);
  });
});

const MODULES = path.resolve(import.meta.dirname, '../../node_modules');

it('no package that this repository is built with is a tool', () => {
  const folders = readdirSync(MODULES).filter((name) => !name.startsWith('.'));
  const names = folders.flatMap((name) =>
    name.startsWith('@') ? readdirSync(path.join(MODULES, name)).map((inner) => `${name}/${inner}`) : [name],
  );
  expect(names.length).toBeGreaterThan(200);
  const seen = names.map((name): Observation => ({ kind: 'package', manager: 'npm', name, version: null, path: null, home: null }));
  expect(seen.filter((one) => catalog.identify(one))).toEqual([]);
});

const PYTHON = '/usr/lib/python3/dist-packages';
const APPLICATIONS = '/usr/share/applications';

needs('python-packages').it('no Python distribution or module of the system is a tool', () => {
  const names = readdirSync(PYTHON);
  expect(names.length).toBeGreaterThan(5);
  const seen = names.flatMap((name): Observation[] => [
    { kind: 'package', manager: 'pypi', name: name.replace(/-\d.*$/, ''), version: null, path: null, home: null },
    program({ exe: '/usr/bin/python3.12', script: `${PYTHON}/${name}/__main__.py` }),
    program({ exe: '/usr/bin/python3.12', module: name.replace(/\.py$/, '') }),
  ]);
  expect(seen.filter((one) => catalog.identify(one))).toEqual([]);
});

// A panel is an application itself, so that there is one.
needs('panel').it('no application of the system is a tool', () => {
  const names = readdirSync(APPLICATIONS).filter((name) => name.endsWith('.desktop'));
  expect(names.length).toBeGreaterThan(0);
  const seen = names.map((name): Observation => {
    const appId = name.slice(0, -'.desktop'.length);
    return { kind: 'app', platform: 'linux', appId, name: appId, publisher: null, version: null, path: null, home: null };
  });
  expect(seen.filter((one) => catalog.identify(one))).toEqual([]);
});

// Only Linux tells of processes by files.
describe.runIf(process.platform === 'linux')('of this computer’s processes', () => {
  it('none that the system’s folders hold is a tool, and this test is none', () => {
    const exes = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          return [readlinkSync(`/proc/${pid}/exe`)];
        } catch {
          // Gone, a thread of the kernel, or another user's.
          return [];
        }
      });
    expect(exes).toContain(readlinkSync('/proc/self/exe'));
    const system = exes.filter((exe) => /^\/(usr\/)?(bin|sbin|lib|libexec)\//.test(exe) || exe === readlinkSync('/proc/self/exe'));
    const tools = system.filter((exe) => catalog.identify(program({ exe })));
    expect(tools).toEqual([]);
  });
});
