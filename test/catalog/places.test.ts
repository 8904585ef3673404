/** Every place of add-ons and models that the catalog names is one that the observers find, on each system it is on: planted in its form, and looked for. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAddonObserver } from '../../agent/observe/addons.ts';
import { createModelsObserver } from '../../agent/observe/models.ts';
import { resolvePlace } from '../../agent/observe/paths.ts';
import type { Platform } from '../../electron/contract.ts';
import { parseCatalog } from '../../native-catalog/catalog.ts';
import { rawCatalog, readCatalogFiles } from '../../native-catalog/files.ts';
import type { AddonPlace, Entry, ModelsPlace } from '../../native-catalog/schema.ts';
import { fakeOs } from '../fakes.ts';

const [raw] = rawCatalog(readCatalogFiles(path.resolve(import.meta.dirname, '../../native-catalog')));
const entries = [...parseCatalog(raw, [], { trusted: true }).entries.values()];
const of = <T>(field: (entry: Entry) => readonly T[] | undefined) =>
  entries.flatMap((entry) => (field(entry) ?? []).map((place) => ({ tool: entry.id, place })));
const addons = of<AddonPlace>(({ addons: list }) => list);
const models = of<ModelsPlace>(({ models: list }) => list);

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-places-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(files: Record<string, string>): void {
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

function computer(platform: Platform) {
  const home = path.join(root, { darwin: 'Users/ada', linux: 'home/ada', win32: 'C:/Users/ada' }[platform]);
  mkdirSync(home, { recursive: true });
  const uid = platform === 'win32' ? null : (process.getuid?.() ?? null);
  return { os: fakeOs({ root, platform, user: { name: 'ada', uid, home } }), home };
}

/** What such a layout looks like with one thing in it, called `planted`: files by their content. */
function addonAt(at: string, { layout }: AddonPlace): Record<string, string> {
  switch (layout.as) {
    case 'file':
      return { [at]: '' };
    case 'files':
      return { [path.join(at, `planted${layout.ending}`)]: '' };
    case 'folders':
      return { [path.join(at, 'planted', layout.holds)]: '{}' };
    case 'keys': {
      const map = layout.at.reduceRight<unknown>((inner, key) => ({ [key]: inner }), { planted: [] });
      return { [at]: layout.format === 'toml' ? `[${layout.at.join('.')}.planted]\nenabled = true\n` : JSON.stringify(map) };
    }
  }
}

function modelAt(at: string, { layout }: ModelsPlace): Record<string, string> {
  switch (layout.as) {
    case 'ollama':
      return { [path.join(at, 'manifests/registry.ollama.ai/library/planted/latest')]: JSON.stringify({ layers: [{ size: 7 }] }) };
    case 'hugging-face':
      return { [path.join(at, 'models--ada--planted/blobs/0')]: 'weights' };
    case 'files':
      return { [path.join(at, `ada/planted${layout.endings[0]}`)]: 'weights' };
  }
}

describe.each(['darwin', 'linux', 'win32'] as const)('on %s', (platform) => {
  const here = <T extends AddonPlace | ModelsPlace>(list: readonly { tool: string; place: T }[]) =>
    list.flatMap(({ tool, place }) => {
      const written = place.path[platform];
      return written === undefined ? [] : [{ tool, place, written }];
    });

  it('every place of add-ons is found', () => {
    const { os, home } = computer(platform);
    const project = path.join(home, 'src/app');
    const all = here(addons);
    expect(all.length).toBeGreaterThan(150);
    const missing = all.filter(({ tool, place, written }) => {
      rmSync(root, { recursive: true, force: true });
      mkdirSync(project, { recursive: true });
      const concrete = written.replaceAll('*', 'some');
      const at = concrete.startsWith('<project>/')
        ? path.join(project, concrete.slice('<project>/'.length))
        : resolvePlace(concrete, os, home);
      if (at === null) return true;
      put(addonAt(at, place));
      const { facts, troubles } = createAddonObserver(os, { homes: [home], places: [{ tool, place }], projects: () => [project] }).look();
      const name = place.layout.as === 'file' ? path.basename(at) : 'planted';
      return facts.length !== 1 || facts[0]?.name !== name || troubles.length > 0;
    });
    expect(missing).toEqual([]);
  });

  it('every place of models is found', () => {
    const { os, home } = computer(platform);
    const all = here(models);
    expect(all.length).toBeGreaterThan(4);
    const missing = all.filter(({ tool, place, written }) => {
      rmSync(root, { recursive: true, force: true });
      mkdirSync(home, { recursive: true });
      const at = resolvePlace(written, os, home);
      if (at === null) return true;
      put(modelAt(at, place));
      const { facts } = createModelsObserver(os, { homes: [home], places: [{ tool, place }] }).look();
      return facts.length !== 1 || !facts[0]?.name.includes('planted');
    });
    expect(missing).toEqual([]);
  });
});
