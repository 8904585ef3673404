/** Every name that the catalog says: what it names is public, so that a path of these names alone tells nothing of anybody. */
import type { Client, Entry } from './schema.ts';

export type Words = {
  /** Names of folders, programs, packages and tools, in small letters. */
  readonly parts: readonly string[];
  /** Of them, those of files and folders in people's projects. */
  readonly inProjects: readonly string[];
};

/** Longer texts name nothing. */
const LONGEST = 200;
const isPattern = /[*<>$%~]/;

/** As the packed catalog carries them, for finding them takes milliseconds: one text a list, split when it is first asked for. */
export type PackedWords = { readonly parts: string; readonly inProjects: string };

export function packWords({ parts, inProjects }: Words): PackedWords {
  return { parts: parts.join('\n'), inProjects: inProjects.join('\n') };
}

export function unpackWords({ parts, inProjects }: PackedWords): Words {
  return { parts: parts.split('\n'), inProjects: inProjects.split('\n') };
}

/** Pure. */
export function wordsOf(entries: Iterable<Entry>, clients: Iterable<Client>): Words {
  const parts = new Set<string>();
  const inProjects = new Set<string>();
  const taken = new Set<string>();
  const take = (text: string) => {
    if (taken.has(text) || text.length > LONGEST || text.includes('\n')) return;
    taken.add(text);
    if (!text.includes('/')) {
      parts.add(text.toLowerCase());
      return;
    }
    const isInProject = text.startsWith('<project>');
    for (const name of text.toLowerCase().split('/')) {
      if (name === '' || isPattern.test(name)) continue;
      parts.add(name);
      if (isInProject) inProjects.add(name);
    }
  };
  for (const { id, name, detect, mcp, projects, settings, addons, models } of entries) {
    take(id);
    take(name);
    const { titles: _, ports: __, unverified: ___, ...named } = detect;
    visit(named, take);
    for (const place of [...(mcp ?? []), ...(projects ?? []), ...(settings ?? []), ...(addons ?? []), ...(models ?? [])])
      visit(place.path, take);
  }
  for (const { mcp, projects } of clients) for (const place of [...(mcp ?? []), ...(projects ?? [])]) visit(place.path, take);
  return { parts: [...parts].sort(), inProjects: [...inProjects].sort() };
}

/** Every text of a value, however deep. */
function visit(value: unknown, take: (text: string) => void): void {
  if (typeof value === 'string') take(value);
  else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) visit(inner, take);
}
