/** The functions that everything passes through: reading the catalog, saying which tool something is, and deciding. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCatalog } from '../../../agent/assets.ts';
import { decide, type Item } from '../../../agent/policy/decide.ts';
import { parsePolicy } from '../../../agent/policy/policy.ts';
import { observationOf, observationsOf } from '../../../native-catalog/examples.ts';
import { packedCatalog } from '../../../native-catalog/files.ts';
import { Innocents } from '../../../native-catalog/schema.ts';
import { type Figure, quantile, type Row, text } from '../bench.ts';
import { sourceCatalog } from '../home.ts';

const at = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export const row: Row = {
  id: 'pure',
  about: 'reading the packed catalog in a fresh process; one identify; one decision under 400 rules',
  needs: [],
  limitS: { short: 60, long: 60 },
  async run(bench) {
    const packed = path.join(bench.folder('catalog'), 'catalog.json');
    const raw = readCatalog();
    writeFileSync(packed, JSON.stringify(packedCatalog(raw)));
    const loads = Array.from({ length: 9 }, () =>
      Number(spawnSync(process.execPath, [at('../load-catalog.ts'), packed], { encoding: 'utf8' }).stdout),
    );
    const load = quantile(loads, 0.5);
    return [
      {
        what: `reading the packed catalog (${raw.entries.length} tools), fresh process: CPU`,
        measured: `${text(load, 'ms')} (worst of ${loads.length}: ${text(quantile(loads, 1), 'ms')})`,
        bar: '≤ 40 ms',
        met: load <= 40,
        numbers: { entries: raw.entries.length, medianMs: load, worstMs: quantile(loads, 1) },
      },
      identifying(),
      deciding(),
    ];
  },
};

function identifying(): Figure {
  const catalog = sourceCatalog();
  const list = Innocents.parse(JSON.parse(readFileSync(at('../../../native-catalog/innocents/linux.json'), 'utf8')));
  const ordinary = observationsOf('linux', list);
  const known = [...catalog.entries.values()].flatMap((entry) => entry.examples.map(observationOf));
  const us = microseconds([...ordinary, ...known], (seen) => catalog.identify(seen));
  return {
    what: `one identify (${ordinary.length} ordinary programs and ${known.length} examples in turn): CPU`,
    measured: text(us, 'µs'),
    bar: '≤ 20 µs',
    met: us <= 20,
    numbers: { us, ordinary: ordinary.length, known: known.length },
  };
}

function deciding(): Figure {
  const catalog = sourceCatalog();
  const ids = [...catalog.entries.keys()];
  const statuses = ['approved', 'prohibited', 'tolerated', 'conditional'] as const;
  const tools = Array.from({ length: 400 }, (_, count) => ({
    id: `t${count}`,
    tool: ids[count % ids.length],
    status: statuses[count % statuses.length],
    ...(count % statuses.length === 3 ? { conditions: 'Only with public data.' } : {}),
    ...(count % 5 === 0 ? { account: 'company' } : {}),
  }));
  const rules = Array.from({ length: 100 }, (_, count) => ({
    id: `m${count}`,
    match: count % 2 === 0 ? { npm: `@example/server-${count}`, versions: '>=1.2.0 <3' } : { url: `https://mcp-${count}.example/*` },
    status: 'approved',
  }));
  const parsed = parsePolicy(JSON.stringify({ schema: 'muster.policy/1', rev: 1, tools, mcp: { rules } }));
  if (!parsed.ok) throw new Error(`The policy of the bench is refused: ${parsed.issues[0]}`);
  const { policy } = parsed;
  const risk = { score: 20, level: 'low', findings: [] } as const;
  const items: Item[] = [
    ...[...catalog.entries.values()].map(
      ({ id, family }): Item => ({ kind: 'tool', tool: id, family: family ?? null, tier: null, account: 'unknown' }),
    ),
    ...Array.from(
      { length: 100 },
      (_, count): Item => ({
        kind: 'mcp',
        name: `server-${count}`,
        identity: { kind: 'npm', name: `@example/server-${count}`, version: '2.0.1', launchHash: 'x' },
        url: count % 2 === 0 ? null : `https://mcp-${count}.example/sse`,
        risk,
      }),
    ),
  ];
  const now = new Date();
  const us = microseconds(items, (item) => decide(item, policy, [], false, now));
  return {
    what: `one decision under ${tools.length} tool rules and ${rules.length} server rules: CPU`,
    measured: text(us, 'µs'),
    bar: '≤ 50 µs',
    met: us <= 50,
    numbers: { us, toolRules: tools.length, serverRules: rules.length },
  };
}

/** Mean processor time of one call over all of the values again and again, after the code has been compiled. */
function microseconds<T>(values: readonly T[], work: (value: T) => unknown): number {
  const pass = () => {
    for (const value of values) work(value);
  };
  const passes = (ms: number) => {
    const until = performance.now() + ms;
    let count = 0;
    for (; performance.now() < until; count++) pass();
    return count;
  };
  passes(300);
  const before = process.cpuUsage();
  const count = passes(1000);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (count * values.length);
}
