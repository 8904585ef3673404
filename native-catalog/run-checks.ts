/**
 * Runs the catalog's checks. A finding is an error unless `exceptions.json` names it with a reason, an exception that no check needs any more is
 * an error, and so is a check that had nothing to look at.
 */
import type { Platform } from '../electron/contract.ts';
import { parseCatalog } from './catalog.ts';
import { CHECKS, type Check, type Subject, stem } from './check.ts';
import { type CatalogFile, type CatalogFiles, rawCatalog } from './files.ts';
import { Client, Entry, Exceptions, Family, Innocents } from './schema.ts';

/** `entry` is the id that an exception names: of an entry, a family, or the platform of a file of innocents. */
export type Finding = { readonly check: string; readonly entry: string; readonly message: string };

/** Runs every check over the files. An empty answer means that all holds. */
export function checkCatalog(files: CatalogFiles, checks: readonly Check[] = CHECKS): Finding[] {
  const subject = subjectOf(files);
  const found: Finding[] = [];
  for (const { name, run } of checks) {
    const seen = run(subject, (entry, message) => found.push({ check: name, entry, message }));
    if (seen === 0)
      found.push({
        check: name,
        entry: '',
        message: `The check ${name} had nothing to look at; a check that sees nothing proves nothing.`,
      });
  }
  return withExceptions(found, files.exceptions);
}

function withExceptions(found: readonly Finding[], file: CatalogFile): Finding[] {
  const parsed = Exceptions.safeParse(file.value);
  if (!parsed.success) {
    const message = `${file.name}: ${parsed.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`).join('; ')}.`;
    return [...found, { check: 'exceptions', entry: '', message }];
  }
  const covers = (one: Exceptions[number], finding: Finding) => one.check === finding.check && one.entry === finding.entry;
  const rest = found.filter((finding) => !parsed.data.some((one) => covers(one, finding)));
  const idle = parsed.data.filter((one) => !found.some((finding) => covers(one, finding)));
  return [
    ...rest,
    ...idle.map((one) => ({
      check: 'exceptions',
      entry: one.entry,
      message: `${file.name}: nothing needs the exception of ${one.entry} from ${one.check} any more; remove it.`,
    })),
  ];
}

/**
 * Exceptions whose date has passed. A report and never a gate: a check that reads the calendar turns the main branch red with no commit, and the
 * one whose build it breaks is not the one who wrote the date.
 */
export function staleExceptions(files: CatalogFiles, today: Date): string[] {
  const parsed = Exceptions.safeParse(files.exceptions.value);
  return (parsed.data ?? [])
    .filter((one) => one.until !== undefined && one.until < today.toISOString().slice(0, 10))
    .map((one) => `${one.entry}: the exception from ${one.check} was meant to last until ${one.until} (${one.reason}).`);
}

/** The catalog as far as it can be read, for checks and figures. */
export function subjectOf(files: CatalogFiles): Subject {
  const readable = <T>(list: readonly CatalogFile[], schema: { safeParse(value: unknown): { data?: T | undefined } }) =>
    list.flatMap((file) => {
      const { data } = schema.safeParse(file.value);
      return data === undefined ? [] : [{ file, data }];
    });
  const entries = readable(files.entries, Entry);
  const families = readable(files.families, Family);
  const clients = readable(files.clients, Client);
  const of = (list: readonly { file: CatalogFile }[]) => list.map((one) => one.file);
  const [raw] = rawCatalog({ entries: of(entries), families: of(families), clients: of(clients) });
  return {
    files,
    catalog: parseCatalog(raw, [], { trusted: true }),
    entries: entries.map((one) => one.data),
    families: families.map((one) => one.data),
    clients: clients.map((one) => one.data),
    innocents: readable(files.innocents, Innocents).map((one) => ({ platform: stem(one.file) as Platform, list: one.data })),
  };
}
