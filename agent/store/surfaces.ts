/** What is stored beside evidence: accounts, add-ons and models as the last look saw them. What is gone is gone: none of it is kept as history. */
import type { AccountFact, AddonFact, ModelFact } from '../observe/observation.ts';
import type { Database } from '../sqlite.ts';

/** Which of a look's answers are whole: rows of other homes, and of what could not be read in these, stay as they were. */
export type Looked = {
  /** Labels; null: the whole computer. */
  readonly homes: readonly (string | null)[];
  /** Labels of homes, files and folders as they are shown, and ids of tools, of which the look knows nothing. */
  readonly except: readonly string[];
};

export type StoredAddon = AddonFact & { readonly firstSeen: string };

export type SurfaceStore = {
  /** Each of these: one transaction. Homes are labels, and paths as they are shown. Returns whether anything is another now. */
  replaceAccounts(look: Looked, accounts: readonly AccountFact[], at: Date): boolean;
  replaceAddons(look: Looked, addons: readonly AddonFact[], at: Date): boolean;
  replaceModels(look: Looked, models: readonly ModelFact[], at: Date): boolean;
  /** In order of tool, home and source. */
  accounts(): AccountFact[];
  /** In order of tool, kind and name. */
  addons(): StoredAddon[];
  /** The largest of each tool first. */
  models(): ModelFact[];
};

export type Sql = {
  readonly sql: (text: string) => ReturnType<Database['prepare']>;
  readonly all: <Row>(text: string, ...values: unknown[]) => Row[];
  readonly write: <T>(work: () => T) => T;
};

/** A row by what makes it the same one, and by what it says. */
type Row = { readonly key: string; readonly says: string };

export function surfaceRows({ sql, all, write }: Sql): SurfaceStore {
  const isLooked = ({ homes, except }: Looked, { tool, home, path }: { tool: string; home: string | null; path: string }) =>
    homes.includes(home) &&
    !except.includes(tool) &&
    !(home !== null && except.includes(home)) &&
    !except.some((at) => path === at || path.startsWith(`${at}/`));

  /** Writes the difference: most looks find everything as it was, and then nothing is written. */
  function replace<T>(
    was: readonly T[],
    is: readonly T[],
    how: { looked: (fact: T) => boolean; row: (fact: T) => Row; remove: (fact: T) => void; insert: (fact: T) => void },
  ): boolean {
    const { looked, row, remove, insert } = how;
    const before = new Map(was.map((fact) => [row(fact).key, fact]));
    const now = new Map(is.map((fact) => [row(fact).key, fact]));
    const isSame = (fact: T) => {
      const other = before.get(row(fact).key);
      return other !== undefined && row(other).says === row(fact).says;
    };
    const fresh = [...now.values()].filter((fact) => !isSame(fact));
    const gone = [...before].filter(([key, fact]) => (now.has(key) ? fresh.some((one) => row(one).key === key) : looked(fact)));
    if (gone.length === 0 && fresh.length === 0) return false;
    write(() => {
      for (const [, fact] of gone) remove(fact);
      fresh.forEach(insert);
    });
    return true;
  }

  const accounts = () =>
    all<Omit<AccountFact, 'personal' | 'uncertain'> & { personal: number | null; uncertain: number }>(
      'SELECT tool, tier, organization, domain, personal, source, home, uncertain FROM account ORDER BY tool, home, source',
    ).map((row): AccountFact => ({ ...row, personal: row.personal === null ? null : row.personal === 1, uncertain: row.uncertain === 1 }));
  const addons = () =>
    all<StoredAddon>(
      'SELECT tool, kind, scope, name, path, home, project, first_seen AS firstSeen FROM addon ORDER BY tool, kind, name, path, home',
    );
  const models = () => all<ModelFact>('SELECT tool, name, bytes, path, home FROM model ORDER BY tool, bytes DESC, name, path, home');

  return {
    accounts,
    addons,
    models,
    replaceAccounts: (look, found, at) =>
      replace(accounts(), found, {
        looked: ({ tool, home, source }) => isLooked(look, { tool, home, path: source }),
        row: ({ tool, home, source, ...says }) => ({
          key: JSON.stringify([tool, home, source]),
          says: JSON.stringify(Object.entries(says).sort()),
        }),
        remove: ({ tool, home, source }) =>
          sql('DELETE FROM account WHERE tool = @tool AND home = @home AND source = @source').run({ tool, home, source }),
        insert: (fact) =>
          sql(`INSERT INTO account (tool, home, source, tier, organization, domain, personal, uncertain, seen_at)
              VALUES (@tool, @home, @source, @tier, @organization, @domain, @personal, @uncertain, @time)`).run({
            ...fact,
            personal: fact.personal === null ? null : Number(fact.personal),
            uncertain: Number(fact.uncertain),
            time: at.toISOString(),
          }),
      }),
    replaceAddons: (look, found, at) =>
      replace<AddonFact>(addons(), found, {
        looked: (fact) => isLooked(look, fact),
        row: ({ tool, kind, scope, name, path, home, project }) => ({
          key: JSON.stringify([tool, kind, scope, name, path, home]),
          says: project ?? '',
        }),
        remove: ({ tool, kind, scope, name, path, home }) =>
          sql(
            'DELETE FROM addon WHERE tool = @tool AND kind = @kind AND scope = @scope AND name = @name AND path = @path AND home IS @home',
          ).run({
            ...{ tool, kind, scope, name, path, home },
          }),
        insert: ({ tool, kind, scope, name, path, home, project }) =>
          sql(`INSERT INTO addon (tool, kind, scope, name, path, home, project, first_seen, seen_at)
              VALUES (@tool, @kind, @scope, @name, @path, @home, @project, @time, @time) ON CONFLICT DO NOTHING`).run({
            ...{ tool, kind, scope, name, path, home, project },
            time: at.toISOString(),
          }),
      }),
    replaceModels: (look, found, at) =>
      replace(models(), found, {
        looked: (fact) => isLooked(look, fact),
        row: ({ tool, name, path, home, bytes }) => ({ key: JSON.stringify([tool, name, path, home]), says: String(bytes) }),
        remove: ({ tool, name, path, home }) =>
          sql('DELETE FROM model WHERE tool = @tool AND name = @name AND path = @path AND home IS @home').run({ tool, name, path, home }),
        insert: ({ tool, name, bytes, path, home }) =>
          sql(`INSERT INTO model (tool, name, bytes, path, home, seen_at) VALUES (@tool, @name, @bytes, @path, @home, @time)
              ON CONFLICT DO NOTHING`).run({ ...{ tool, name, bytes, path, home }, time: at.toISOString() }),
      }),
  };
}
