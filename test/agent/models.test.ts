/** Models on disk: real folders as runtimes leave them, and everything that can be in the way. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createModelsObserver, type ModelsLook } from '../../agent/observe/models.ts';
import type { Os } from '../../agent/observe/os.ts';
import type { ModelsPlace } from '../../native-catalog/schema.ts';
import { needs } from '../capability.ts';
import { fakeOs } from '../fakes.ts';

const uid = process.getuid?.() ?? null;
let root: string;
let home: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-models-'));
  home = path.join(root, 'home/ada');
  mkdirSync(home, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const GB = 1024 ** 3;
const ollama: ModelsPlace = {
  path: { linux: '~/.ollama/models', win32: '%USERPROFILE%/.ollama/models' },
  layout: { as: 'ollama' },
  movedBy: { variable: 'OLLAMA_MODELS', path: '$OLLAMA_MODELS/' },
};
const hub: ModelsPlace = {
  path: { linux: '~/.cache/huggingface/hub' },
  layout: { as: 'hugging-face' },
  movedBy: { variable: 'HF_HOME', path: '$HF_HOME/hub' },
};
const files: ModelsPlace = { path: { linux: '~/.lmstudio/models' }, layout: { as: 'files', endings: ['.gguf', '.safetensors'] } };

/** A file of this size, without the bytes. */
function sized(at: string, bytes: number): void {
  mkdirSync(path.dirname(at), { recursive: true });
  writeFileSync(at, '');
  truncateSync(at, bytes);
}
function manifest(at: string, ...sizes: unknown[]): void {
  mkdirSync(path.dirname(at), { recursive: true });
  writeFileSync(
    at,
    JSON.stringify({ schemaVersion: 2, config: { size: 488 }, layers: sizes.map((size) => ({ digest: 'sha256:0', size })) }),
  );
}
function look(place: ModelsPlace, os: Partial<Pick<Os, 'env' | 'platform' | 'user'>> = {}, homes = [home]): ModelsLook {
  return createModelsObserver(fakeOs({ root, user: { name: 'ada', uid, home }, ...os }), {
    homes,
    places: [{ tool: 'tool', place }],
  }).look();
}
const named = ({ facts }: ModelsLook) => Object.fromEntries(facts.map(({ name, bytes }) => [name, bytes]));

test('nothing there is nothing found, and nothing wrong', () => {
  for (const place of [ollama, hub, files]) expect(look(place)).toEqual({ facts: [], troubles: [], incomplete: [] });
});

test('Ollama: names as Ollama writes them, and the sum of the layers', () => {
  const manifests = path.join(home, '.ollama/models/manifests');
  manifest(path.join(manifests, 'registry.ollama.ai/library/llama3.2/3b'), 2 * GB, 1429, 7711);
  manifest(path.join(manifests, 'registry.ollama.ai/library/llama3.2/latest'), 2 * GB);
  manifest(path.join(manifests, 'registry.ollama.ai/ada/notes/v1'), 10, -5, 'x', null, 1e300);
  manifest(path.join(manifests, 'hf.co/bartowski/Qwen-GGUF/Q4_K_M'), 5);
  writeFileSync(path.join(manifests, 'registry.ollama.ai/ada/notes/broken'), '{"layers": [');
  writeFileSync(path.join(manifests, 'registry.ollama.ai/ada/notes/none'), '{"layers": "sk-planted"}');
  sized(path.join(manifests, 'registry.ollama.ai/ada/notes/huge'), 2 * 1024 * 1024);
  mkdirSync(path.join(manifests, 'registry.ollama.ai/ada/notes/folder'));
  execFileSync('mkfifo', [path.join(manifests, 'registry.ollama.ai/ada/notes/pipe')]);
  const seen = look(ollama);
  expect(named(seen)).toEqual({
    'llama3.2:3b': 2 * GB + 9140,
    'llama3.2:latest': 2 * GB,
    'ada/notes:v1': 10,
    'hf.co/bartowski/Qwen-GGUF:Q4_K_M': 5,
  });
  expect(seen.facts[0]).toMatchObject({ tool: 'tool', home, path: path.join(manifests, 'registry.ollama.ai/ada/notes/v1') });
  expect(seen).toMatchObject({ troubles: [], incomplete: [] });
  expect(JSON.stringify(seen)).not.toContain('sk-planted');
});

test('Hugging Face: blobs once, whatever snapshots lead to them; files in snapshots where links can’t be made', () => {
  const cache = path.join(home, '.cache/huggingface/hub');
  const model = path.join(cache, 'models--Qwen--Qwen3--8B');
  sized(path.join(model, 'blobs/aa'), 3 * GB);
  sized(path.join(model, 'blobs/bb'), 700);
  sized(path.join(model, 'blobs/cc.incomplete'), GB);
  for (const revision of ['1', '2']) {
    mkdirSync(path.join(model, 'snapshots', revision), { recursive: true });
    symlinkSync('../../blobs/aa', path.join(model, 'snapshots', revision, 'model.safetensors'));
  }
  sized(path.join(cache, 'models--gpt2/snapshots/1/onnx/model.onnx'), 40);
  sized(path.join(cache, 'models--gpt2/snapshots/1/config.json'), 2);
  sized(path.join(cache, 'datasets--squad/blobs/aa'), 10);
  mkdirSync(path.join(cache, 'models--only--refs/refs'), { recursive: true });
  mkdirSync(path.join(cache, 'models--'), { recursive: true });
  expect(named(look(hub))).toEqual({ 'Qwen/Qwen3--8B': 3 * GB + 700, gpt2: 42 });
});

test('plain files: parts are one model, a name that says nothing is the folder’s', () => {
  const models = path.join(home, '.lmstudio/models');
  sized(path.join(models, 'lmstudio-community/Llama-GGUF/Llama-Q4.gguf'), 400);
  sized(path.join(models, 'unsloth/Big/Big-00001-of-00002.GGUF'), 100);
  sized(path.join(models, 'unsloth/Big/Big-00002-of-00002.GGUF'), 50);
  sized(path.join(models, 'org/diffusion/model.fp16.safetensors'), 7);
  sized(path.join(models, 'org/diffusion/config.json'), 7);
  sized(path.join(models, '.cache/hidden.gguf'), 7);
  sized(path.join(models, 'a/b/c/d/e/deep.gguf'), 9);
  sized(path.join(models, 'a/b/c/d/e/f/deeper.gguf'), 9);
  sized(path.join(models, '.gguf'), 1);
  expect(named(look(files))).toEqual({ 'Llama-Q4': 400, Big: 150, 'org/diffusion': 7, deep: 9 });
});

test('links: to files and the whole folder are followed, to folders inside and round in circles not', () => {
  const disk = path.join(root, 'disk');
  sized(path.join(disk, 'linked.gguf'), 11);
  sized(path.join(disk, 'other/elsewhere.gguf'), 12);
  mkdirSync(path.join(home, '.lmstudio'), { recursive: true });
  symlinkSync(disk, path.join(home, '.lmstudio/models'));
  symlinkSync(disk, path.join(disk, 'loop'));
  symlinkSync('round.gguf', path.join(disk, 'round.gguf'));
  symlinkSync('/nowhere', path.join(disk, 'dead.gguf'));
  symlinkSync('linked.gguf', path.join(disk, 'again.gguf'));
  execFileSync('mkfifo', [path.join(disk, 'pipe.gguf')]);
  const seen = look(files);
  expect(named(seen)).toEqual({ again: 11, linked: 11, elsewhere: 12 });
  expect(seen).toMatchObject({ troubles: [], incomplete: [] });
});

test('a variable moves the folder; the usual one is looked at as well, and only the caller’s variables count', () => {
  manifest(path.join(home, '.ollama/models/manifests/registry.ollama.ai/library/old/1b'), 1);
  manifest(path.join(root, 'disk/manifests/registry.ollama.ai/library/new/1b'), 2);
  const env = { OLLAMA_MODELS: path.join(root, 'disk') };
  expect(named(look(ollama, { env }))).toEqual({ 'old:1b': 1, 'new:1b': 2 });
  const other = path.join(root, 'home/bob');
  mkdirSync(other, { recursive: true });
  expect(named(look(ollama, { env }, [other]))).toEqual({});
  sized(path.join(root, 'hf/hub/models--a--b/blobs/x'), 5);
  expect(named(look(hub, { env: { HF_HOME: path.join(root, 'hf') } }))).toEqual({ 'a/b': 5 });
});

test('ten thousand entries and more: what fits is told, and that it isn’t all', () => {
  const models = path.join(home, '.lmstudio/models');
  mkdirSync(models, { recursive: true });
  for (let index = 0; index < 10_050; index++) writeFileSync(path.join(models, `${String(index).padStart(6, '0')}.gguf`), '');
  const seen = look(files);
  expect(seen.facts).toHaveLength(10_000);
  expect(seen).toMatchObject({
    troubles: [{ code: 'folder-unreadable', path: models, detail: 'more than 10000 entries' }],
    incomplete: ['tool'],
  });
});

needs('root').it('another person’s home is not looked into', () => {
  const other = path.join(root, 'home/bob');
  sized(path.join(other, '.lmstudio/models/private.gguf'), 5);
  chownSync(other, 4321, 4321);
  expect(look(files, {}, [other])).toEqual({ facts: [], troubles: [{ code: 'home-not-owned', path: other }], incomplete: ['tool'] });
});

test('a folder that may not be listed is said', () => {
  const models = path.join(home, '.lmstudio/models');
  mkdirSync(path.join(models, 'closed'), { recursive: true });
  chmodSync(path.join(models, 'closed'), 0);
  const seen = asNobody(() => look(files, { user: { name: 'nobody', uid: process.geteuid?.() ?? null, home } }));
  expect(seen).toMatchObject({
    troubles: [{ code: 'folder-unreadable', path: path.join(models, 'closed'), detail: 'EACCES' }],
    incomplete: ['tool'],
  });
});

/** Root may read everything, so that it becomes somebody else for the moment. */
function asNobody<T>(work: () => T): T {
  if (uid !== 0) return work();
  chmodSync(root, 0o755);
  chownSync(home, 65_534, 65_534);
  process.seteuid?.(65_534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

test('a share of another computer is not asked on Windows, and nothing that macOS would ask about', () => {
  const env = { OLLAMA_MODELS: '\\\\server\\share' };
  const seen = look(ollama, { platform: 'win32', env });
  expect(seen.troubles).toMatchObject([{ code: 'not-looked-at' }]);
  expect(seen.incomplete).toEqual(['tool']);
  const documents: ModelsPlace = { path: { darwin: '~/Documents/models' }, layout: files.layout };
  sized(path.join(home, 'Documents/models/x.gguf'), 5);
  expect(look(documents, { platform: 'darwin' })).toEqual({ facts: [], troubles: [], incomplete: ['tool'] });
});

test('whatever names there are, they come out as one line each, and sizes are never negative', () => {
  const name = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 40 })
    .filter((one) => !/[/\0]/.test(one) && one !== '.' && one !== '..');
  const models = path.join(home, '.lmstudio/models');
  fc.assert(
    fc.property(fc.array(name, { maxLength: 4 }), fc.nat(1000), (names, bytes) => {
      rmSync(models, { recursive: true, force: true });
      for (const one of names) sized(path.join(models, `${one}.gguf`), bytes);
      for (const fact of look(files).facts) {
        expect(fact.name).not.toMatch(/\p{Cc}/u);
        expect(fact.bytes).toBeGreaterThanOrEqual(0);
      }
    }),
    { numRuns: 30 },
  );
});
