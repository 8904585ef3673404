/** What a fleet does to a collector, one scenario a function: each drives devices and says what came of it. */
import { waitAfter } from '../../agent/sync/schedule.ts';
import { CheckInAnswer } from '../../agent/wire.ts';
import { createDevice, type Device, type Has, keyOf, type Load } from './device.ts';
import { arrivals, drive } from './drive.ts';
import { createTally, type Numbers, spreadOf } from './measure.ts';
import { chance, uuidOf } from './random.ts';
import type { Sender, SendOptions, Sent } from './sender.ts';

export type Stage = {
  readonly seed: number;
  readonly devices: number;
  /** A second. */
  readonly rate: number;
  readonly seconds: number;
  readonly secret: string;
  /** What was published, which devices that are filled in have from the start. */
  readonly published: Has | undefined;
  readonly sender: Sender;
  readonly signal: AbortSignal;
  say(line: string): void;
};

export type Played = { readonly numbers: Numbers & Readonly<Record<string, unknown>>; readonly lines: readonly string[] };

export const SCENARIOS = {
  steady: { about: 'hourly life: 90 % unchanged, 9 % with three changed tools, 1 % with everything', filled: true, play: steady },
  enrol: { about: 'enrolment day: new devices, each with its first full inventory', filled: false, play: enrol },
  outage: { about: 'the half hour after an outage of 28 minutes, replayed faster', filled: true, play: outage },
  'bad-tokens': { about: 'four of five requests carry a proof that is worth nothing', filled: true, play: badTokens },
  clones: { about: 'one device of twenty has a copy, and one was restored from a backup', filled: true, play: clones },
  skew: { about: 'clocks that are wrong by up to two hours', filled: true, play: skew },
} as const satisfies Readonly<Record<string, { about: string; filled: boolean; play(stage: Stage): Promise<Played> }>>;

export type Scenario = keyof typeof SCENARIOS;

/** One check-in, and what the device makes of the answer; `wanted` counts answers that ask for more than was sent. */
async function checkIn(
  sender: Sender,
  device: Device,
  load: Load,
  count: (want: string) => void,
  options: SendOptions = {},
): Promise<Sent> {
  device.busy = true;
  const sent = await sender.post('checkIn', device, device.next(load), options);
  device.busy = false;
  if (sent.status === 409) device.refused();
  if (sent.status !== 200) return sent;
  const answer = CheckInAnswer.safeParse(sent.body);
  if (!answer.success) return { ...sent, code: 'not-understood-here' };
  device.hear(answer.data);
  if (answer.data.want !== 'none') count(`wants ${answer.data.want}`);
  return sent;
}

const counter = () => {
  const counts: Record<string, number> = {};
  const count = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  return { counts, count };
};

/** Made when they are first needed: most of a hundred thousand keys sign once or never in a run. */
function fleetOf({ seed, devices, published }: Stage, held = true) {
  const made = new Map<number, Device>();
  const at = (index: number) => {
    const known = made.get(index);
    if (known) return known;
    const device = createDevice(seed, index, held && published ? { held, has: published } : { held });
    made.set(index, device);
    return device;
  };
  // One after another, in an order without neighbours; who is busy is passed over.
  const stride = Math.floor(devices * 0.618) | 1;
  const coprime = gcd(stride, devices) === 1 ? stride : 1;
  let turn = 0;
  const next = () => {
    for (let tries = 0; tries < Math.min(devices, 50); tries++) {
      const device = at((turn++ * coprime) % devices);
      if (!device.busy) return device;
    }
    return null;
  };
  /** What a device computes once in its life is no part of what is measured. */
  const wake = (count: number) => {
    for (let each = 0; each < Math.min(count, devices); each++) at((each * coprime) % devices).key();
  };
  return { at, next, wake };
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

const loadOf = (dice: number): Load => (dice < 0.9 ? 'unchanged' : dice < 0.99 ? 'delta' : 'full');

async function steady(stage: Stage): Promise<Played> {
  const { seed, rate, seconds, sender, signal } = stage;
  const { counts, count } = counter();
  const fleet = fleetOf(stage);
  const random = chance(seed, 'steady');
  const act = (sizes: Record<Load, number[]> | null) => () => {
    const device = fleet.next();
    if (!device) return null;
    const kind = loadOf(random());
    const sent = checkIn(sender, device, kind, count);
    if (sizes) void sent.then(({ bytes }) => sizes[kind].push(bytes));
    return { kind, sent };
  };
  fleet.wake(rate * (seconds + 5));
  // A process that has just begun compiles while it works; hours of service don't.
  await drive(arrivals(rate / 2, 5, random), act(null), createTally(), signal);
  const tally = createTally();
  const sizes: Record<Load, number[]> = { unchanged: [], delta: [], full: [] };
  const driven = await drive(arrivals(rate, seconds, random), act(sizes), tally, signal);
  const mean = (values: readonly number[]) => Math.round(values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length));
  const bytes = { unchanged: mean(sizes.unchanged), delta: mean(sizes.delta), full: mean(sizes.full) };
  return {
    numbers: { ...tally.numbers(driven.seconds), skipped: driven.skipped, wanted: counts, bytes },
    lines: [
      ...tally.lines(driven.seconds),
      `  bytes of a body: unchanged ${bytes.unchanged}, delta ${bytes.delta}, full ${bytes.full}`,
      ...wanted(counts),
    ],
  };
}

const wanted = (counts: Readonly<Record<string, number>>) => Object.entries(counts).map(([name, times]) => `  ${name.padEnd(24)} ${times}`);

async function enrol(stage: Stage): Promise<Played> {
  const { seed, devices, rate, sender, secret, signal } = stage;
  const { counts, count } = counter();
  const fleet = fleetOf(stage, false);
  const tally = createTally();
  const random = chance(seed, 'enrol');
  const due = arrivals(rate, (devices / rate) * 2, random).slice(0, devices);
  const after: Promise<void>[] = [];
  let index = 0;
  const driven = await drive(
    due,
    () => {
      const device = fleet.at(index++);
      const sent = sender.post('enroll', device, device.enrolment(secret));
      const full = async () => {
        if ((await sent).status !== 200) return;
        const began = performance.now();
        const { code } = await checkIn(sender, device, 'full', count);
        tally.add('first-full', performance.now() - began, code);
      };
      after.push(full());
      return { kind: 'enrol', sent };
    },
    tally,
    signal,
  );
  await Promise.all(after);
  return { numbers: { ...tally.numbers(driven.seconds), wanted: counts }, lines: [...tally.lines(driven.seconds), ...wanted(counts)] };
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OUTAGE = 28 * MINUTE;

/** When each device comes in the half hour after an outage, in ms from its end; `returned` had met it, and came for the first time. */
export function afterOutage(
  seed: number,
  devices: number,
): { readonly returned: number[]; readonly all: { readonly at: number; readonly device: number }[] } {
  const returned: number[] = [];
  const all: { at: number; device: number }[] = [];
  for (let device = 0; device < devices; device++) {
    const random = chance(seed, 'outage', device);
    let at = -OUTAGE + random() * HOUR;
    let failures = 0;
    while (at < 0) {
      failures++;
      at += waitAfter({ kind: 'failed', count: failures, retryAfterS: null }, null, random);
    }
    if (failures > 0) returned.push(at);
    while (at < 30 * MINUTE) {
      all.push({ at, device });
      at += waitAfter({ kind: 'done', nextCheckInS: 3600 }, null, random);
    }
  }
  return { returned, all: all.sort((one, other) => one.at - other.at) };
}

async function outage(stage: Stage): Promise<Played> {
  const { seed, devices, rate, seconds, sender, signal } = stage;
  const { counts, count } = counter();
  const fleet = fleetOf(stage);
  const { returned, all } = afterOutage(seed, devices);
  const window = 30 * MINUTE;
  const spread = spreadOf(returned, 0, window, 30);
  const minutes = new Array<number>(30).fill(0);
  for (const { at } of all) minutes[Math.floor(at / MINUTE)] = (minutes[Math.floor(at / MINUTE)] ?? 0) + 1;
  const usual = devices / 60;
  const peak = Math.max(...minutes) / usual;
  // As fast as makes the mean the wanted rate, for as long as was asked.
  const faster = rate / (all.length / (window / 1000));
  const replayed = all.filter(({ at }) => at / faster < seconds * 1000);
  const tally = createTally();
  let turn = 0;
  const driven = await drive(
    replayed.map(({ at }) => at / faster),
    () => {
      const device = fleet.at(replayed[turn++]?.device ?? 0);
      return device.busy ? null : { kind: 'unchanged', sent: checkIn(sender, device, 'unchanged', count) };
    },
    tally,
    signal,
  );
  return {
    numbers: { ...tally.numbers(driven.seconds), returned: returned.length, ...spread, peakOfUsual: peak, faster },
    lines: [
      `  ${returned.length} of ${devices} devices met the outage; their returns over 30 min: distance from uniform ${spread.distance.toFixed(3)}, fullest minute ${spread.peak.toFixed(2)} × the mean`,
      `  fullest minute of all check-ins: ${peak.toFixed(2)} × a usual one`,
      `  replayed ${faster.toFixed(1)} times as fast, the first ${replayed.length}:`,
      ...tally.lines(driven.seconds),
      ...wanted(counts),
    ],
  };
}

async function badTokens(stage: Stage): Promise<Played> {
  const { seed, rate, seconds, sender, signal } = stage;
  const { counts, count } = counter();
  const fleet = fleetOf(stage);
  const random = chance(seed, 'bad-tokens');
  const tally = createTally();
  const stranger = keyOf(seed, -1);
  let made = 0;
  const driven = await drive(
    arrivals(rate, seconds, random),
    () => {
      const device = fleet.next();
      if (!device) return null;
      const dice = random();
      if (dice < 0.2) return { kind: 'good', sent: checkIn(sender, device, 'unchanged', count) };
      const options: SendOptions =
        dice < 0.5
          ? { kid: uuidOf(seed, 'nobody', made++), as: stranger }
          : dice < 0.8
            ? { as: stranger }
            : { proof: 'eyJhbGciOiJub25lIn0.e30.AAAA' };
      return { kind: 'bad', sent: sender.post('checkIn', device, device.next('unchanged'), options) };
    },
    tally,
    signal,
  );
  return { numbers: { ...tally.numbers(driven.seconds), wanted: counts }, lines: [...tally.lines(driven.seconds), ...wanted(counts)] };
}

async function clones(stage: Stage): Promise<Played> {
  const { seed, devices, rate, seconds, sender, signal } = stage;
  const { counts, count } = counter();
  const fleet = fleetOf(stage);
  const random = chance(seed, 'clones');
  const copies = new Map<number, Device>();
  const tally = createTally();
  const driven = await drive(
    arrivals(rate, seconds, random),
    () => {
      const original = fleet.next();
      if (!original) return null;
      const { index } = original;
      if (index % 20 !== 0) {
        if (index % 20 === 1 && random() < 0.5) original.restore();
        return { kind: index % 20 === 1 ? 'restored' : 'single', sent: checkIn(sender, original, 'unchanged', count) };
      }
      const copy = copies.get(index) ?? createDevice(seed, index, { copy: 1 });
      copies.set(index, copy);
      const device = random() < 0.5 ? original : copy;
      return device.busy ? null : { kind: 'cloned', sent: checkIn(sender, device, 'unchanged', count) };
    },
    tally,
    signal,
  );
  return {
    numbers: { ...tally.numbers(driven.seconds), copies: copies.size, devices, wanted: counts },
    lines: [`  ${copies.size} devices have a copy`, ...tally.lines(driven.seconds), ...wanted(counts)],
  };
}

async function skew(stage: Stage): Promise<Played> {
  const { seed, rate, seconds, sender, signal } = stage;
  const { counts, count } = counter();
  const fleet = fleetOf(stage);
  const random = chance(seed, 'skew');
  const offsets = new Map<number, number>();
  const tally = createTally();
  const after: Promise<void>[] = [];
  const driven = await drive(
    arrivals(rate, seconds, random),
    () => {
      const device = fleet.next();
      if (!device) return null;
      const wrongMs = offsets.get(device.index) ?? (chance(seed, 'clock', device.index)() * 4 - 2) * HOUR;
      const first = checkIn(sender, device, 'unchanged', count, { skewMs: wrongMs });
      const again = async () => {
        const { code, body } = await first;
        if (code !== 'proof-time') return;
        // As an agent: what the answer says the time is, beside what its own clock says.
        const theirs = Date.parse(String((body as { time?: unknown }).time));
        offsets.set(device.index, wrongMs + theirs - (Date.now() + wrongMs));
        const began = performance.now();
        const { code: second } = await checkIn(sender, device, 'unchanged', count, { skewMs: offsets.get(device.index) ?? 0 });
        tally.add('corrected', performance.now() - began, second);
        count(second === null ? 'right at the second try' : 'wrong at the second try');
      };
      after.push(again());
      return { kind: 'first-try', sent: first };
    },
    tally,
    signal,
  );
  await Promise.all(after);
  return { numbers: { ...tally.numbers(driven.seconds), wanted: counts }, lines: [...tally.lines(driven.seconds), ...wanted(counts)] };
}
