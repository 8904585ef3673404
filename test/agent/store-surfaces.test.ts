/** Accounts, add-ons and models in the database: what a look replaces, what it knows nothing of, and that the same look twice writes nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMigrations } from '../../agent/assets.ts';
import type { AccountFact, AddonFact, ModelFact } from '../../agent/observe/observation.ts';
import { openStore, type Sighting, type Store } from '../../agent/store/store.ts';

const now = new Date('2026-11-22T09:00:00.000Z');
const later = new Date('2026-11-23T09:00:00.000Z');
let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'muster-surfaces-'));
  store = openStore(path.join(folder, 'muster.db'), { migrations: readMigrations() });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const account: AccountFact = {
  ...{ tool: 'claude-code', tier: 'team', organization: 'Acme', domain: 'acme.example', personal: false },
  ...{ source: '~/.claude.json', home: '~', uncertain: false },
};
const addon: AddonFact = {
  tool: 'claude-code',
  kind: 'skill',
  scope: 'user',
  name: 'review',
  path: '~/.claude/skills/review',
  home: '~',
  project: null,
};

describe('a look', () => {
  it('replaces what it says of its homes, and leaves the others and what it could not read', () => {
    const other = { ...account, home: '/home/bob' };
    const busy = { ...account, tool: 'cursor', source: '~/.config/Cursor/state.vscdb' };
    expect(store.replaceAccounts({ homes: ['~', '/home/bob'], except: [] }, [account, other, busy], now)).toBe(true);
    expect(store.replaceAccounts({ homes: ['~'], except: [busy.source] }, [{ ...account, tier: null, personal: null }], later)).toBe(true);
    expect(store.accounts()).toEqual([other, { ...account, tier: null, personal: null }, busy]);
    expect(store.replaceAccounts({ homes: ['/home/bob'], except: ['/home/bob'] }, [], later)).toBe(false);
    expect(store.replaceAccounts({ homes: ['~', '/home/bob'], except: [] }, [], later)).toBe(true);
    expect(store.accounts()).toEqual([]);
  });

  it('takes a folder that could not be listed for what is in it, and not for its neighbour', () => {
    const near = { ...addon, path: '~/.claude/skills-old/review' };
    store.replaceAddons({ homes: ['~'], except: [] }, [addon, near], now);
    store.replaceAddons({ homes: ['~', null], except: ['~/.claude/skills'] }, [], later);
    expect(store.addons()).toEqual([{ ...addon, firstSeen: now.toISOString() }]);
  });

  it('keeps when an add-on was first seen', () => {
    store.replaceAddons({ homes: ['~'], except: [] }, [addon], now);
    expect(store.replaceAddons({ homes: ['~'], except: [] }, [addon, { ...addon, name: 'deploy', path: '~/x' }], later)).toBe(true);
    expect(store.addons().map(({ name, firstSeen }) => [name, firstSeen])).toEqual([
      ['deploy', later.toISOString()],
      ['review', now.toISOString()],
    ]);
  });

  it('leaves, replaces and removes models as a list of the last looks would have them, and says whether that is another one', () => {
    const homes: readonly (string | null)[] = ['~', '/home/bob', null];
    const model = fc.record({
      tool: fc.constantFrom('ollama', 'jan'),
      name: fc.constantFrom('llama', 'qwen'),
      bytes: fc.integer({ min: 0, max: 3 }),
      path: fc.constantFrom('~/m/a', '~/m/b', '/m'),
      home: fc.constantFrom(...homes),
    }) satisfies fc.Arbitrary<ModelFact>;
    const look = fc.record({
      homes: fc.subarray([...homes]),
      except: fc.subarray(['jan', '~/m', '~']),
      found: fc.array(model, { maxLength: 6 }),
    });
    const key = ({ tool, name, path: at, home }: ModelFact) => JSON.stringify([tool, name, at, home]);
    fc.assert(
      fc.property(fc.array(look, { minLength: 1, maxLength: 5 }), (looks) => {
        store.replaceModels({ homes, except: [] }, [], now);
        let expected = new Map<string, ModelFact>();
        const said = () =>
          [...expected]
            .map(([at, { bytes }]) => `${at} ${bytes}`)
            .sort()
            .join();
        for (const { homes: looked, except, found: given } of looks) {
          const found = given.filter(({ home }) => looked.includes(home));
          const unknown = ({ tool, path: at, home }: ModelFact) =>
            !looked.includes(home) ||
            except.includes(tool) ||
            (home !== null && except.includes(home)) ||
            except.some((one) => at === one || at.startsWith(`${one}/`));
          const before = said();
          expected = new Map([...[...expected.values()].filter(unknown), ...found].map((one) => [key(one), one]));
          const isNew = store.replaceModels({ homes: looked, except }, found, now);
          expect(isNew).toBe(before !== said());
          expect(new Map(store.models().map((one) => [key(one), one]))).toEqual(expected);
          expect(store.replaceModels({ homes: looked, except }, found, now)).toBe(false);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keeps what evidence has to say beyond names, until it says something else', () => {
    const sighting: Sighting = {
      ...{ tool: 'copilot', kind: 'extension', strength: 'certain', surface: 'ide-extension', path: '~/e', target: null, home: '~' },
      ...{ version: '1', manager: 'VS Code', name: 'a.b' },
    };
    store.see([{ ...sighting, detail: { enabled: false, profiles: [{ name: 'Work', enabled: false }], permissions: [] } }], now, [
      'copilot',
    ]);
    expect(store.evidence()[0]?.detail).toEqual({ enabled: false, profiles: [{ name: 'Work', enabled: false }], permissions: [] });
    store.see([{ ...sighting, detail: { enabled: null } }], later, []);
    expect(store.evidence()[0]?.detail).toEqual({ enabled: null });
    store.see([sighting], later, []);
    expect(store.evidence()[0]).not.toHaveProperty('detail');
    expect(store.evidence()).toHaveLength(1);
  });
});
