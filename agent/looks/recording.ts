/** From what observers saw to rows: the catalog says what it is, evidence that makes a row is written, and weak evidence that stands alone waits. */
import type { AgentParts } from '../agent.ts';
import type { Homes } from '../homes.ts';
import { confidence } from '../inventory.ts';
import type { Observation } from '../observe/observation.ts';
import { isStray, namedForSure, toSighting } from '../sightings.ts';
import type { Sighting } from '../store/store.ts';

export type Recording = {
  /** What the catalog takes it for; null for what is no tool, or only has the name of one that certainly is elsewhere. */
  sight(seen: Observation): Sighting | null;
  /** Whether weak evidence of another sort than a name is known of the tool, so that a program of its name is it. */
  isTraced(tool: string): boolean;
  /** The weak evidence of a whole look over these homes (labels), that makes a row only beside another sort; what is known of other homes stays. */
  wait(weak: readonly Sighting[], looked: readonly string[]): void;
  /** What a whole look found for certain: another program of such a name is another program. `afresh` forgets what was sure before. */
  sureOf(seen: readonly Sighting[], afresh: boolean): void;
  /** Writes what makes a row, alone, with what waits or with what is given `beside`; answers whether a tool was met for the first time. */
  record(seen: readonly Sighting[], beside?: readonly Sighting[]): boolean;
};

export function createRecording(
  parts: Pick<AgentParts, 'catalog' | 'store' | 'clock'> & { readonly homes: Homes; readonly ownHomes: readonly string[] },
): Recording {
  const { catalog, store, clock, homes, ownHomes } = parts;
  /** By tool, from the last look at each home. */
  let waiting = new Map<string, Sighting[]>();
  let sure = new Set<string>();

  return {
    sight(seen) {
      const match = catalog.identify(seen);
      const sighting = match && toSighting(seen, match, homes);
      return sighting && isStray(sighting, sure) ? null : sighting;
    },
    isTraced: (tool) => waiting.has(tool),
    wait(weak, looked) {
      const kept = ownHomes.map(homes.label).filter((home) => !looked.includes(home));
      const before = [...waiting.values()].flat().filter(({ home }) => home !== null && kept.includes(home));
      waiting = Map.groupBy([...before, ...weak], ({ tool }) => tool);
    },
    sureOf(seen, afresh) {
      sure = new Set([...(afresh ? [] : sure), ...namedForSure(seen)]);
    },
    record(given, beside) {
      for (const tool of namedForSure(given)) sure.add(tool);
      const sightings = given.filter((one) => !isStray(one, sure));
      if (sightings.length === 0) return false;
      const known = new Set(store.tools().map(({ tool }) => tool));
      const others = beside === undefined ? waiting : Map.groupBy(beside, ({ tool }) => tool);
      const make: string[] = [];
      const keep: Sighting[] = [];
      for (const [tool, seen] of Map.groupBy(sightings, (one) => one.tool)) {
        const together = [...seen, ...(others.get(tool) ?? [])];
        if (confidence(together) !== null) {
          make.push(tool);
          keep.push(...together);
        } else if (known.has(tool)) keep.push(...seen);
      }
      store.see(keep, clock.now(), make);
      return make.some((tool) => !known.has(tool));
    },
  };
}
