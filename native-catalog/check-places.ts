/** What must hold of the files and folders that entries and clients name, as rows of the table in `check.ts`. */
import type { Platform } from '../electron/contract.ts';
import type { Check, Subject } from './check.ts';
import { isOn } from './places.ts';
import type { Entry } from './schema.ts';

const PLATFORMS: readonly Platform[] = ['darwin', 'linux', 'win32'];
type Field = 'mcp' | 'projects' | 'settings' | 'accounts' | 'addons' | 'models';
/** What the observers can expand `*` in, and may be below a project. */
const WITH_PATTERNS: ReadonlySet<Field> = new Set(['mcp', 'projects', 'addons']);
const IN_PROJECTS: ReadonlySet<Field> = new Set(['mcp', 'settings', 'addons']);

type Place = {
  readonly id: string;
  readonly field: Field;
  /** `addons.3`, as in the file. */
  readonly where: string;
  readonly scope: string | null;
  readonly path: Partial<Record<Platform, string>>;
  readonly movedBy: { readonly variable: string; readonly path: string } | null;
};

/** Every place of every entry and client, with the field it stands in. */
function places({ entries, clients }: Subject): Place[] {
  return [...entries, ...clients].flatMap((one) => {
    const of = (field: Field) =>
      ((one as Partial<Pick<Entry, Field>>)[field] ?? []).map((place, at): Place => {
        const { path, movedBy } = place as { path: Place['path']; movedBy?: { variable: string; path: string } };
        const scope = 'scope' in place ? place.scope : null;
        return { id: one.id, field, where: `${field}.${at}`, scope, path, movedBy: movedBy ?? null };
      });
    return [...of('mcp'), ...of('projects'), ...of('settings'), ...of('accounts'), ...of('addons'), ...of('models')];
  });
}

const paths = ({ path }: Place): [Platform, string][] =>
  PLATFORMS.flatMap((platform): [Platform, string][] => (path[platform] === undefined ? [] : [[platform, path[platform]]]));

export const PLACE_CHECKS: readonly Check[] = [
  {
    name: 'places',
    what: 'a place is written for the platform it is on, and its scope fits its path',
    scope: 'file',
    run(subject, say) {
      let seen = 0;
      for (const place of places(subject)) {
        const { id, field, where, scope, movedBy } = place;
        const written = paths(place);
        if (written.length === 0) say(id, `${id}: ${where} is on no platform; name its path on one, or remove it.`);
        for (const [platform, path] of written) {
          seen++;
          const project = path.startsWith('<project>/');
          if (!isOn(platform, path))
            say(id, `${id}: ${path} is no path of ${platform}; write it as it is there, or leave ${platform} out.`);
          if (project && !IN_PROJECTS.has(field))
            say(id, `${id}: ${where} has ${path}, and nobody looks there in projects; name a place of the home.`);
          // In MCP places `local` leads through the project's folder in a file of the home; elsewhere it is a file that stays out of the repository.
          const fits = field === 'mcp' ? scope === 'project' : scope === 'project' || scope === 'local';
          if (scope !== null && fits !== project)
            say(id, `${id}: ${path} has the scope ${scope}; a file in <project>/ has the scope project, and no other has.`);
        }
        if (movedBy && !new RegExp(`^\\$${movedBy.variable}(/|$)`).test(movedBy.path))
          say(id, `${id}: ${where}.movedBy.path is ${movedBy.path}; it begins with $${movedBy.variable}.`);
      }
      for (const { id, mcp = [] } of [...subject.entries, ...subject.clients]) {
        for (const { scope, at } of mcp) {
          if ((scope === 'local') !== at.includes('*'))
            say(
              id,
              `${id}: at ${at.join('.')} does not fit the scope ${scope}; local, and only local, leads through * (a project’s folder).`,
            );
        }
      }
      return seen;
    },
  },
  {
    name: 'patterns',
    what: 'a step of a place holds at most one *, and ** stands alone and once, below three named folders of a home',
    scope: 'file',
    run(subject, say) {
      const all = places(subject);
      for (const place of all) {
        const { id, field, where } = place;
        for (const [, path] of paths(place)) {
          const steps = path.split('/');
          const many = steps.indexOf('**');
          const bad = steps.find((step) => step !== '**' && step.split('*').length > 2);
          if (path.includes('*') && !WITH_PATTERNS.has(field))
            say(id, `${id}: ${where} has ${path}, where * is not understood; name the file or the folder itself.`);
          if (bad !== undefined) say(id, `${id}: ${path} has the step ${bad}; one * in a step is all that is understood.`);
          if (steps.lastIndexOf('**') !== many || (many >= 0 && many < 3))
            say(id, `${id}: ${path} would have too much listed; ** stands once, below two folders or more of the home.`);
          if (steps[1]?.includes('*') && steps[0] !== '<project>')
            say(id, `${id}: ${path} would list a whole home; name the folder below it.`);
        }
      }
      return all.length;
    },
  },
  {
    name: 'places-twice',
    what: 'no entry names a place of add-ons or models twice',
    scope: 'file',
    run({ entries }, say) {
      let seen = 0;
      for (const { id, addons = [], models = [] } of entries) {
        const known = new Set<string>();
        for (const place of [...addons, ...models]) {
          for (const platform of PLATFORMS) {
            const path = place.path[platform];
            if (path === undefined) continue;
            seen++;
            const key = JSON.stringify([platform, path, 'kind' in place ? place.kind : null, place.layout]);
            if (known.has(key)) say(id, `${id}: ${path} is there twice on ${platform}; once is enough.`);
            known.add(key);
          }
        }
      }
      return seen;
    },
  },
  {
    name: 'accounts',
    what: 'a plan that an account’s file names is a tier of the entry’s family',
    scope: 'tree',
    run({ entries, families }, say) {
      const tiers = new Map(families.map((family) => [family.id, new Set(family.tiers.map((tier) => tier.id))]));
      const all = entries.flatMap(({ id, family, accounts = [] }) => accounts.map((probe, at) => ({ id, family, probe, at })));
      for (const { id, family, probe, at } of all) {
        if (!probe.tier) continue;
        const known = family === null ? undefined : tiers.get(family);
        if (!known) say(id, `${id}: accounts.${at} names tiers, and the entry has no family that owns them; add the family.`);
        for (const tier of new Set(Object.values(probe.tier.is))) {
          if (known && !known.has(tier))
            say(
              id,
              `${id}: accounts.${at}.tier.is leads to ${tier}, which is no tier of ${family}; add it to native-catalog/families/${family}.json.`,
            );
        }
      }
      return all.length;
    },
  },
];
