/** How long until an open client knows: a tool that was started, and a config that was saved, in a running agent, through its socket. */
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { type Bench, quantile, type Row, spread, text } from '../bench.ts';
import { crowd } from '../crowd.ts';
import { type ConfigPlace, configPlaces, environment, furnish, saveConfig, toolBinaries } from '../home.ts';
import { type Client, startWatching } from '../watching.ts';

const pollSeconds = 1;
const saves = 250;

export const started: Row = {
  id: 'started',
  about: `a tool is started → its row in an open client; polls ${pollSeconds} s apart, 500 processes`,
  needs: [],
  limitS: { short: 120, long: 120 },
  async run(bench) {
    const { client } = await watchFurnished(bench, { pollSeconds });
    await crowd(bench, 500);
    const bin = bench.folder('elsewhere');
    const fresh = toolBinaries().filter(({ tool }) => !client.state().tools.some(({ id }) => id === tool));
    const latencies: number[] = [];
    for (const { tool, name } of fresh.slice(0, 40)) {
      // At any moment between two polls.
      await bench.wait(Math.random() * pollSeconds * 1000);
      const program = path.join(bin, name);
      copyFileSync('/bin/sleep', program);
      const began = performance.now();
      bench.start([program, '300'], {}, { quiet: true });
      const at = await client.until(
        `${name} as a running tool`,
        (state) => state.tools.some(({ id, running }) => id === tool && running),
        20_000,
      );
      latencies.push(at - began);
    }
    const [median, worst] = [quantile(latencies, 0.5), quantile(latencies, 1)];
    const bar = pollSeconds * 1000 + 300;
    return [
      {
        what: `tool started → row in an open client (socket), polls ${pollSeconds} s apart`,
        measured: `worst of ${latencies.length}: ${text(worst, 'ms')} (median ${text(median, 'ms')})`,
        bar: `≤ ${bar} ms`,
        met: latencies.length > 0 && worst <= bar,
        numbers: { starts: latencies.length, medianMs: median, worstMs: worst, pollSeconds },
      },
    ];
  },
};

export const saved: Row = {
  id: 'saved',
  about: `a config is saved → its finding in an open client; 60 places watched, ${saves} saves`,
  needs: [],
  limitS: { short: 180, long: 180 },
  async run(bench) {
    const { client, places, projects } = await watchFurnished(bench, {});
    const plain: number[] = [];
    const replaced: number[] = [];
    // The watches stand soon after the first look; from the first save that is noticed on, all are.
    for (const each of places.slice(0, 3)) await save(client, each, projects, 'warm-up', false, 10_000);
    // Two sets of names in turn: what was here stays in the store, and must not pile up as it never does with a person.
    const turns = new Map<ConfigPlace, number>();
    for (let count = 0; count < saves; count++) {
      const at = Math.floor(Math.random() * places.length);
      const each = places[at];
      if (!each) throw new Error('There is no place to save to.');
      const turn = turns.get(each) ?? 0;
      turns.set(each, turn + 1);
      // Programs save in both ways: into the file, and by a new one that takes its name.
      const replace = count % 2 === 1;
      (replace ? replaced : plain).push(await save(client, each, projects, `place-${at}-${turn % 2}`, replace, 5000));
      await bench.wait(Math.random() * 30);
    }
    const all = [...plain, ...replaced];
    const { words, numbers } = spread(all);
    return [
      {
        what: `config saved → finding in an open client (socket), ${places.length} places watched`,
        measured: words,
        bar: 'p99 ≤ 500 ms',
        met: quantile(all, 0.99) <= 500,
        numbers: {
          ...numbers,
          places: places.length,
          medianWrittenMs: quantile(plain, 0.5),
          medianReplacedMs: quantile(replaced, 0.5),
        },
      },
    ];
  },
};

/** Saves a server under a new name, which has findings; resolves with the time from the end of the save until the client has them. */
async function save(
  client: Client,
  each: ConfigPlace,
  projects: readonly string[],
  name: string,
  replace: boolean,
  limitMs: number,
): Promise<number> {
  const began = saveConfig(each, projects, name, replace);
  const wanted = `${name}-2`;
  const at = await client.until(
    `${name} in ${path.basename(each.file)}`,
    (state) => state.mcpServers.some((server) => server.name === wanted && server.present && server.risk.findings.length > 0),
    limitMs,
  );
  return at - began;
}

async function watchFurnished(bench: Bench, settings: object): Promise<{ client: Client; places: ConfigPlace[]; projects: string[] }> {
  const home = bench.folder('home');
  const { places } = furnish(home, 60);
  const data = path.join(bench.folder('data'), 'd');
  mkdirSync(data);
  const watching = await startWatching(bench, { home, data, settings, env: environment(home) });
  const client = await watching.connect();
  await client.until('the first look', ({ look }) => look.at !== null && look.state === 'idle', 20_000);
  return { client, places, projects: configPlaces(home, 60).projects };
}
