/** The catalog against the computer that runs the tests: what Debian installed and what the system runs is no AI tool. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../agent/observe/observation.ts';
import { parseCatalog } from '../../native-catalog/catalog.ts';
import { rawCatalog, readCatalogFiles } from '../../native-catalog/files.ts';

const [raw, names] = rawCatalog(readCatalogFiles(path.resolve(import.meta.dirname, '../../native-catalog')));
const catalog = parseCatalog(raw, names);
const DPKG = '/var/lib/dpkg/info';

/** Debian's packages on this computer, each with its files. */
function debianPackages(): { name: string; files: string[] }[] {
  return readdirSync(DPKG)
    .filter((file) => file.endsWith('.list'))
    .map((file) => ({ name: file.slice(0, -'.list'.length), files: readFileSync(path.join(DPKG, file), 'utf8').split('\n') }));
}

describe.skipIf(!existsSync(DPKG))('on this Debian', () => {
  const installed = existsSync(DPKG) ? debianPackages() : [];

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
      const process = catalog.identify({
        kind: 'process',
        pid: 1,
        parent: 0,
        startedAt: '1',
        exe: file,
        args: [file],
        script: null,
        module: null,
        bundleId: null,
        home: null,
        owner: 'self',
      });
      return [binary, process].some((match) => match && match.strength !== 'weak');
    });
    expect(strong).toEqual([]);
  });
});

describe.skipIf(!existsSync('/proc/self/exe'))('of this computer’s processes', () => {
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
    const tools = system.filter((exe) =>
      catalog.identify({
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
      }),
    );
    expect(tools).toEqual([]);
  });
});
