/** Lays out a folder tree for the tests of what is installed, and finds things in what was seen. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { InstalledLook } from '../../agent/observe/installed.ts';

/** `link` makes a symbolic link (relative to its own folder unless absolute); a string is a file; `null` an empty folder. */
export type Tree = Readonly<Record<string, string | Buffer | null | { link: string } | { program: string }>>;

export function plant(root: string, tree: Tree): void {
  for (const [name, content] of Object.entries(tree)) {
    const file = path.join(root, name);
    mkdirSync(content === null ? file : path.dirname(file), { recursive: true });
    if (content === null) continue;
    if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(file, content);
    else if ('link' in content) symlinkSync(content.link, file);
    else {
      writeFileSync(file, content.program);
      chmodSync(file, 0o755);
    }
  }
}

export const packageJson = (name: string, version: string, rest: object = {}) => JSON.stringify({ name, version, ...rest });

/** `manager name version` of each package, sorted. */
export function packagesOf(look: InstalledLook): string[] {
  return look.observations
    .filter((seen) => seen.kind === 'package')
    .map(({ manager, name, version }) => `${manager} ${name} ${version}`)
    .sort();
}

/** `appId version` of each application, sorted. */
export function appsOf(look: InstalledLook): string[] {
  return look.observations
    .filter((seen) => seen.kind === 'app')
    .map(({ appId, version }) => `${appId} ${version}`)
    .sort();
}

/** Paths of the executables below `root`, sorted. */
export function binariesOf(look: InstalledLook, root: string): string[] {
  return look.observations
    .filter((seen) => seen.kind === 'binary')
    .map((seen) => path.relative(root, seen.path))
    .sort();
}
