/** How runtimes lay models out in a folder: Ollama's manifests, the cache of Hugging Face's libraries, and plain files. */
import path from 'node:path';
import type { ModelsPlace } from '../../../native-catalog/schema.ts';
import { readSmall } from '../read.ts';
import type { Folders } from './folders.ts';

export type Model = { readonly name: string; readonly bytes: number; readonly path: string };

/** An Ollama manifest is some kilobytes. */
const mostOfManifest = 1024 * 1024;
/** `publisher/repository/variant/file` is as deep as runtimes go; one more for a folder that a person put in between. */
const deepest = 5;
/** Names that say nothing of the model; its folder does. */
const generic = /^(model|pytorch_model|diffusion_pytorch_model|consolidated|weights|ggml-model|tf_model|flax_model)([._-].*)?$/i;
/** One model in several files: `name-00001-of-00004`. */
const part = /-\d{5}-of-\d{5}$/;

/** The models in one place. What is broken is passed over, and what can't be looked at is noted in `folders`. */
export function modelsIn(layout: ModelsPlace['layout'], folder: string, folders: Folders): Model[] {
  switch (layout.as) {
    case 'ollama':
      return ollama(folder, folders);
    case 'hugging-face':
      return huggingFace(folder, folders);
    case 'files':
      return plainFiles(folder, layout.endings, folders);
  }
}

/** `manifests/<host>/<owner>/<model>/<tag>`; what Ollama itself leaves out of a name (its own registry, `library`) is left out here too. */
function ollama(folder: string, folders: Folders): Model[] {
  const found: Model[] = [];
  const manifests = path.join(folder, 'manifests');
  for (const host of folders.list(manifests).folders) {
    for (const owner of folders.list(path.join(manifests, host)).folders) {
      for (const model of folders.list(path.join(manifests, host, owner)).folders) {
        const at = path.join(manifests, host, owner, model);
        for (const tag of folders.list(at).files) {
          const bytes = manifestBytes(path.join(at, tag), folders);
          if (bytes === null) continue;
          const prefix = host !== 'registry.ollama.ai' ? `${host}/${owner}/` : owner !== 'library' ? `${owner}/` : '';
          found.push({ name: `${prefix}${model}:${tag}`, bytes, path: path.join(at, tag) });
        }
      }
    }
  }
  return found;
}

/** The sum of the layers' sizes; null for what is no manifest. */
function manifestBytes(file: string, folders: Folders): number | null {
  const read = readSmall(file, mostOfManifest);
  if (!read.ok) {
    if (read.why === 'unreadable') folders.incomplete(file, read.detail);
    return null;
  }
  try {
    const manifest: unknown = JSON.parse(read.bytes.toString());
    const layers = (manifest as { layers?: unknown } | null)?.layers;
    if (!Array.isArray(layers)) return null;
    const sizes = layers.map((layer: { size?: unknown } | null) => layer?.size);
    return sizes.reduce<number>((sum, size) => sum + (Number.isSafeInteger(size) && (size as number) > 0 ? (size as number) : 0), 0);
  } catch {
    // Ollama is writing it, or it is something else.
    return null;
  }
}

/**
 * `models--owner--name/blobs/…`: snapshots are links to the blobs, so that those alone are counted. Where links can't be made (Windows), the snapshots
 * hold the files themselves. A model without any file is none.
 */
function huggingFace(folder: string, folders: Folders): Model[] {
  return folders.list(folder).folders.flatMap((name) => {
    const [kind, ...names] = name.split('--');
    if (kind !== 'models' || names.length === 0 || names[0] === '') return [];
    const [owner = '', ...rest] = names;
    const at = path.join(folder, name);
    const blobs = sizes(path.join(at, 'blobs'), 0, folders);
    const all = blobs.length > 0 ? blobs : sizes(path.join(at, 'snapshots'), 4, folders);
    if (all.length === 0) return [];
    const bytes = all.reduce((sum, size) => sum + size, 0);
    return { name: rest.length === 0 ? owner : `${owner}/${rest.join('--')}`, bytes, path: at };
  });
}

/** The sizes of a folder's files, and of those `depth` folders below; a download that isn't finished isn't counted. */
function sizes(folder: string, depth: number, folders: Folders): number[] {
  const listed = folders.list(folder);
  const here = listed.files.flatMap((file) => (file.endsWith('.incomplete') ? [] : (folders.size(path.join(folder, file)) ?? [])));
  return depth === 0 ? here : [...here, ...listed.folders.flatMap((name) => sizes(path.join(folder, name), depth - 1, folders))];
}

/** Files with these endings, a model in parts as one. A name that says nothing (`model.safetensors`) gives way to its folder's. */
function plainFiles(top: string, endings: readonly string[], folders: Folders): Model[] {
  const found = new Map<string, Model>();
  const lower = endings.map((ending) => ending.toLowerCase());
  let level = [''];
  for (let depth = 0; depth <= deepest && level.length > 0; depth++) {
    const next: string[] = [];
    for (const below of level) {
      const listed = folders.list(path.join(top, below));
      next.push(...listed.folders.filter((name) => !name.startsWith('.')).map((name) => path.join(below, name)));
      for (const file of listed.files) {
        const ending = lower.find((one) => file.toLowerCase().endsWith(one) && file.length > one.length);
        const bytes = ending === undefined ? null : folders.size(path.join(top, below, file));
        if (ending === undefined || bytes === null) continue;
        const whole = file.slice(0, -ending.length).replace(part, '');
        const name = generic.test(whole) && below !== '' ? below.split(path.sep).join('/') : whole;
        const key = path.join(below, name);
        const known = found.get(key);
        found.set(key, { name, bytes: (known?.bytes ?? 0) + bytes, path: known?.path ?? path.join(top, below, file) });
      }
    }
    level = next;
  }
  return [...found.values()];
}
