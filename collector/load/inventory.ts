/** What a simulated device has: tools in versions that many share and, as on real computers, one that nobody else has in the same way. */
import { type Item, itemHash, itemKey } from '../../agent/wire.ts';
import { bytesOf, chance, popular } from './random.ts';

/** Tools of one device; each slot has ten tools to choose from, so there are ten times as many in all. */
export const TOOLS_EACH = 40;
const CHOICES = 10;
const VERSIONS = 6;
const OWN_SLOT = TOOLS_EACH - 1;

export type Had = { readonly item: Item; readonly key: string; readonly hash: string };

const SURFACES = ['cli', 'desktop', 'ide-extension'] as const;
const TIERS = ['free', 'pro', 'team'] as const;

/** Hashing is most of the work, and most tools are shared. */
const hashes = new Map<string, string>();

/** The tool in a slot; each `revision` is another version of it. */
export function toolOf(seed: number, device: number, slot: number, revision: number): Had {
  const random = chance(seed, 'tool', device, slot);
  const number = slot * CHOICES + popular(random, CHOICES);
  const version = popular(random, VERSIONS);
  const account = Math.floor(random() * TIERS.length);
  const firstSeen = new Date(Date.UTC(2026, 0, 1) + Math.floor(random() * 300) * 86_400_000).toISOString();
  const tool = `sim-tool-${String(number).padStart(3, '0')}`;
  const tier = TIERS[account] ?? 'free';
  const own = slot === OWN_SLOT;
  const item: Item = {
    kind: 'tool',
    tool,
    confidence: 'certain',
    present: true,
    firstSeen,
    places: [
      {
        surface: SURFACES[number % SURFACES.length] ?? 'cli',
        version: `${1 + version}.${revision}.${number % 7}`,
        path: `~/.local/bin/${tool}`,
        present: true,
      },
    ],
    accounts: [
      {
        tier,
        organization: tier === 'team' ? 'Example' : null,
        domain: tier === 'team' ? 'example.test' : 'mail.test',
        personal: tier !== 'team',
      },
    ],
    findings: number % 5 === 0 ? [{ id: 'tier-trains', severity: 'medium' }] : [],
    addons: own ? [{ kind: 'skill', name: `own-${bytesOf(seed, 'addon', device).toString('hex', 0, 6)}`, scope: 'user' }] : [],
    models: [],
  };
  const name = own ? null : `${number}/${version}/${revision}/${account}`;
  const known = name === null ? undefined : hashes.get(name);
  const hash = known ?? itemHash(item);
  if (name !== null && known === undefined) hashes.set(name, hash);
  return { item, key: itemKey(item), hash };
}
