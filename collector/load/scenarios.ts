/** What a fleet does to a collector, one scenario a function: each drives devices and says what came of it. */
import { createDevice, type Device, keyOf, type Load } from './device.ts';
import { arrivals, drive } from './drive.ts';
import { createTally } from './measure.ts';
import { playOutage } from './outage.ts';
import { chance, uuidOf } from './random.ts';
import type { SendOptions, Sent } from './sender.ts';
import { checkIn, counter, fleetOf, type Played, type Stage, wanted } from './stage.ts';

export const SCENARIOS = {
  steady: { about: 'hourly life: 90 % unchanged, 9 % with three changed tools, 1 % with everything', filled: true, play: steady },
  enrol: {
    about: 'enrolment day: new devices and one secret with a place for each, each with its first full inventory',
    filled: false,
    play: enrol,
  },
  outage: {
    about: 'the collector is killed for what are 28 minutes to its devices, whose time runs faster',
    filled: true,
    play: playOutage,
  },
  'bad-tokens': {
    about: 'the devices alone, then beside a swarm that sends four times as many worthless proofs',
    filled: true,
    play: badTokens,
  },
  clones: { about: 'one device of twenty has a copy, and one was restored from a backup', filled: true, play: clones },
  skew: { about: 'clocks that are wrong by up to two hours', filled: true, play: skew },
} as const satisfies Readonly<Record<string, { about: string; filled: boolean; play(stage: Stage): Promise<Played> }>>;

export type Scenario = keyof typeof SCENARIOS;

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
  // A process that has just begun compiles while it works, for thousands of requests; hours of service don't.
  const before = Math.min(15, seconds / 2);
  fleet.wake(rate * (seconds + before));
  await drive(arrivals(rate, before, random), act(null), createTally(), signal);
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

/** One in twenty comes too late for the secret's quota. */
const LATE = 0.05;

async function enrol(stage: Stage): Promise<Played> {
  const { seed, devices, rate, sender, secret, collector, signal } = stage;
  const { counts, count } = counter();
  const fleet = fleetOf(stage, false);
  const tally = createTally();
  const random = chance(seed, 'enrol');
  // Whose collector it is has said how many places the secret has.
  const all = devices + (collector ? Math.ceil(devices * LATE) : 0);
  const due = arrivals(rate, (all / rate) * 2, random).slice(0, all);
  const after: Promise<void>[] = [];
  const inTime: Promise<Sent>[] = [];
  let index = 0;
  const driven = await drive(
    due,
    () => {
      const device = fleet.at(index++);
      const send = () => sender.post('enroll', device, device.enrolment(secret));
      // Who is too late comes when all places are taken, or which device got none would be chance.
      const sent = index > devices ? Promise.all(inTime).then(send) : send();
      if (index <= devices) inTime.push(sent);
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
  return {
    numbers: { ...tally.numbers(driven.seconds), skipped: driven.skipped, wanted: counts },
    lines: [`  ${all} came for ${devices} places in ${driven.seconds.toFixed(0)} s`, ...tally.lines(driven.seconds), ...wanted(counts)],
  };
}

const HOUR = 3_600_000;

/** Of the swarm, each with an address of its own. */
const SWARM = 200;
const WORTHLESS = 4;

async function badTokens(stage: Stage): Promise<Played> {
  const { seed, rate, seconds, sender, signal } = stage;
  const { counts, count } = counter();
  const fleet = fleetOf(stage);
  const random = chance(seed, 'bad-tokens');
  const stranger = keyOf(seed, -1);
  const swarm = Array.from({ length: SWARM }, (_, one) => createDevice(seed, 0xf0_00_00 + one, { held: true }));
  let made = 0;
  const good = () => {
    const device = fleet.next();
    return device && { kind: 'good', sent: checkIn(sender, device, 'unchanged', count) };
  };
  const bad = () => {
    const dice = random();
    const known = fleet.at(Math.floor(random() * stage.devices)).id;
    const options: SendOptions =
      dice < 0.4
        ? { kid: uuidOf(seed, 'nobody', made++), as: stranger }
        : dice < 0.8
          ? { kid: known, as: stranger }
          : { proof: 'eyJhbGciOiJub25lIn0.e30.AAAA' };
    const from = swarm[Math.floor(random() * SWARM)];
    return from ? { kind: 'bad', sent: sender.post('checkIn', from, from.next('unchanged'), options) } : null;
  };
  fleet.wake(rate * seconds * 2);
  await drive(arrivals(rate / 2, Math.min(3, seconds), random), good, createTally(), signal);
  const [alone, beside, worthless] = [createTally(), createTally(), createTally()];
  const first = await drive(arrivals(rate, seconds, random), good, alone, signal);
  const [second] = await Promise.all([
    drive(arrivals(rate, seconds, random), good, beside, signal),
    drive(arrivals(rate * WORTHLESS, seconds, random), bad, worthless, signal),
  ]);
  const numbers = beside.numbers(second.seconds);
  return {
    numbers: { ...numbers, alone: alone.numbers(first.seconds), refused: worthless.numbers(second.seconds).codes, wanted: counts },
    lines: [
      '  the devices alone:',
      ...alone.lines(first.seconds),
      `  beside the swarm (${numbers.sent - numbers.ok} of ${numbers.sent} failed):`,
      ...beside.lines(second.seconds),
      '  the swarm:',
      ...worthless.lines(second.seconds),
      ...wanted(counts),
    ],
  };
}

async function clones(stage: Stage): Promise<Played> {
  const { seed, devices, rate, seconds, sender, signal } = stage;
  const { counts, count } = counter();
  const fleet = fleetOf(stage);
  const random = chance(seed, 'clones');
  const copies = new Map<number, Device>();
  const restored = new Set<number>();
  const tally = createTally();
  const driven = await drive(
    arrivals(rate, seconds, random),
    () => {
      const original = fleet.next();
      if (!original) return null;
      const { index } = original;
      if (index % 20 !== 0) {
        // Once: who is set back again and again within a day is taken for a copy, as it should be.
        if (index % 20 === 1 && !restored.has(index) && random() < 0.5) {
          restored.add(index);
          original.restore();
        }
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
