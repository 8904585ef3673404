/** Checks a catalog's files against the schema. In a file of its own, because the packed product trusts its catalog and never loads this. */
import type { Checked, RawCatalog } from './catalog.ts';
import { Client, Entry, Family, Publishers } from './schema.ts';

/**
 * The values as the schema reads them. `names` are the names of entries, families and clients in that order, for error texts.
 * @throws Error that names file, field and remedy, one line for each mistake.
 */
export function checked(raw: RawCatalog, names: readonly string[]): Checked {
  const mistakes: string[] = [];
  const read = <T>(schema: Validator<T>, value: unknown, name: string): T[] => {
    const result = schema.safeParse(value);
    if (result.success) return [result.data];
    for (const issue of result.error.issues) mistakes.push(mistake(name, issue));
    return [];
  };
  const rawClients = raw.clients ?? [];
  const entries = raw.entries.flatMap((value, at) => read(Entry, value, names[at] ?? `entry ${at}`));
  const families = raw.families.flatMap((value, at) => read(Family, value, names[raw.entries.length + at] ?? `family ${at}`));
  const before = raw.entries.length + raw.families.length;
  const clients = rawClients.flatMap((value, at) => read(Client, value, names[before + at] ?? `client ${at}`));
  const [publishers] = raw.publishers === undefined ? [] : read(Publishers, raw.publishers, 'publishers.json');
  for (const id of repeated([...entries, ...clients])) mistakes.push(`${id}: two entries have this id; give one of them another.`);
  for (const id of repeated(families)) mistakes.push(`${id}: two families have this id; give one of them another.`);
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  return { entries, families, clients, ...(publishers ? { publishers } : {}) };
}

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string; readonly code?: string };
type Validator<T> = { safeParse(value: unknown): { success: true; data: T } | { success: false; error: { issues: readonly Issue[] } } };

function mistake(name: string, issue: Issue): string {
  const field = issue.path.length > 0 ? issue.path.map(String).join('.') : 'the whole file';
  return `${name}: ${field}: ${issue.message}; native-catalog/schema.ts says what may stand there.`;
}

function repeated(items: readonly { readonly id: string }[]): string[] {
  const ids = items.map((item) => item.id);
  return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];
}
