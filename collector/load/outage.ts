/** An outage of the collector and how its devices come back: in simulated time for as many as one likes, and in truth, with a collector that is killed. */
import { waitAfter } from '../../agent/sync/schedule.ts';
import { createAdmission, LIMITS } from '../admission.ts';
import { createPace } from '../pace.ts';
import { Problem } from '../problem.ts';
import { createTally, type Spread, spreadOf } from './measure.ts';
import { chance, type Random } from './random.ts';
import { checkIn, counter, fleetOf, type Played, type Stage, wanted } from './stage.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const OUTAGE_MS = 28 * MINUTE;
/** Seconds between two check-ins. */
const EVERY = 3600;
/** No device is out for longer once the collector is back: the longest pause between two tries. */
const BACK_MS = 30 * MINUTE;

export type Simulated = {
  /** Devices that met the outage. */
  readonly returned: number;
  /** Of their returns, over the half hour in which all of them come. */
  readonly spread: Spread;
  /** ms after the end of the outage at which the last of them was back. */
  readonly lastMs: number;
  /** Check-ins in each minute after the end of the outage. */
  readonly minutes: readonly number[];
  /** Check-ins in the fullest second. */
  readonly fullestSecond: number;
};

/**
 * `devices` that check in hourly meet an outage of 28 minutes, by the agent's own schedule; the same by its seed. `paced`: the collector spreads
 * those who come back. Time goes on by `hours` after the outage.
 */
export function simulateOutage(seed: number, devices: number, { paced, hours = 3 }: { paced: boolean; hours?: number }): Simulated {
  const seconds = Array.from({ length: hours * 3600 }, (): number[] => []);
  const due = new Float64Array(devices);
  const randoms: Random[] = [];
  const returned: number[] = [];
  const come = (device: number, at: number) => {
    due[device] = at;
    seconds[Math.floor(at / SECOND)]?.push(device);
  };
  for (let device = 0; device < devices; device++) {
    const random = chance(seed, 'outage', device);
    randoms.push(random);
    let at = -OUTAGE_MS + random() * HOUR;
    for (let count = 1; at < 0; count++) {
      at += waitAfter({ kind: 'failed', count, retryAfterS: null }, null, random);
      if (at >= 0) returned.push(at);
    }
    come(device, at);
  }
  let now = 0;
  const pace = createPace(() => now, chance(seed, 'pace'));
  // A collector that served before knows what is usual.
  const usual = devices / 60;
  for (let minute = 0; minute < 32; minute++) {
    now = (minute - 60) * MINUTE;
    for (let one = 0; one < usual; one++) pace.next(EVERY);
  }
  for (const [second, here] of seconds.entries()) {
    now = second * SECOND;
    // Nobody comes twice in a second, so nobody is added to the one that is read.
    for (const device of here) {
      const nextCheckInS = paced ? pace.next(EVERY) : EVERY;
      come(device, (due[device] ?? 0) + waitAfter({ kind: 'done', nextCheckInS }, null, randoms[device] ?? Math.random));
    }
  }
  const minutes = Array.from({ length: hours * 60 }, (_, minute) =>
    seconds.slice(minute * 60, minute * 60 + 60).reduce((sum, here) => sum + here.length, 0),
  );
  return {
    returned: returned.length,
    spread: spreadOf(returned, 0, BACK_MS, 30),
    lastMs: returned.reduce((last, at) => Math.max(last, at), 0),
    minutes,
    fullestSecond: seconds.reduce((most, { length }) => Math.max(most, length), 0),
  };
}

/** The fullest of the minutes from `from` on, over a usual one. */
export function fullest({ minutes }: Simulated, devices: number, from = 0, to = minutes.length): number {
  return Math.max(...minutes.slice(from, to)) / (devices / 60);
}

export type Rush = {
  /** ms until the last device was taken on. */
  readonly lastMs: number;
  /** Tries of a device, on average and at most. */
  readonly tries: { readonly mean: number; readonly most: number };
  /** Requests in each second, refused or not. */
  readonly seconds: readonly number[];
};

/** The worst that can be: all `devices` come in the same second to a collector that takes `rate` a second, by its own admission and their own schedule. */
export function simulateRush(seed: number, devices: number, rate: number): Rush {
  const seconds: number[][] = [Array.from({ length: devices }, (_, device) => device)];
  const randoms = Array.from({ length: devices }, (_, device) => chance(seed, 'rush', device));
  const tries = new Uint16Array(devices);
  let now = 0;
  const limit = { rate, burst: rate * 2 };
  const admission = createAdmission({ ...LIMITS, address: limit, all: limit }, () => now, chance(seed, 'admission'));
  let lastMs = 0;
  for (let second = 0; second < seconds.length; second++) {
    now = second * SECOND;
    for (const device of seconds[second] ?? []) {
      const count = (tries[device] ?? 0) + 1;
      tries[device] = count;
      try {
        admission.enter(`10.${device}`)();
        lastMs = now;
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        const wait = waitAfter({ kind: 'failed', count, retryAfterS: error.retryAfter ?? null }, null, randoms[device] ?? Math.random);
        const at = second + Math.ceil(wait / SECOND);
        while (seconds.length <= at) seconds.push([]);
        seconds[at]?.push(device);
      }
    }
  }
  return {
    lastMs,
    tries: { mean: tries.reduce((sum, each) => sum + each, 0) / devices, most: Math.max(...tries) },
    seconds: seconds.map(({ length }) => length),
  };
}

/** How many devices are simulated beside those that are real. */
const MOST = 100_000;
const TIMES = 50;
/** ms of real time before the collector is killed: some are in the middle of a check-in then. */
const BEFORE_MS = 2000;

/**
 * Devices whose time runs so much faster that `rate` of them come a second; the collector is killed, stays away for what are 28 minutes to them, and
 * begins again. Watched until their half hour is over, at most `seconds`.
 */
export async function playOutage(stage: Stage): Promise<Played> {
  const { seed, devices, rate, seconds, sender, signal, collector, say } = stage;
  if (!collector) throw new Error('An outage needs a collector that the fleet may kill; leave --url out.');
  const faster = (rate * EVERY) / devices;
  const { counts, count } = counter();
  const fleet = fleetOf(stage);
  const tally = createTally();
  const timers = new Set<NodeJS.Timeout>();
  const under = new Set<Promise<void>>();
  const failed = new Map<number, number>();
  const came: number[] = [];
  const returned: number[] = [];
  const retryAfter: number[] = [];
  const began = performance.now();
  const clock = () => performance.now() - began;
  let [killedAt, backAt, over] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, false];

  async function one(index: number, random: Random): Promise<void> {
    const device = fleet.at(index);
    const [sentAt, before] = [clock(), failed.get(index) ?? 0];
    const { status, code, body, retryAfterS } = await checkIn(sender, device, 'unchanged', count);
    if (backAt < Number.POSITIVE_INFINITY || sentAt < killedAt) tally.add('check-in', clock() - sentAt, code);
    if (retryAfterS !== null) retryAfter.push(retryAfterS);
    const fine = status === 200;
    if (fine && clock() >= backAt) {
      came.push(sentAt - backAt);
      if (before > 0) returned.push(sentAt - backAt);
    }
    failed.set(index, fine ? 0 : before + 1);
    if (over) return;
    const nextCheckInS = fine ? (body as { nextCheckInS: number }).nextCheckInS : null;
    // Of an answer that could not be used the schedule is the same as of none.
    const outcome = fine ? ({ kind: 'done', nextCheckInS } as const) : ({ kind: 'failed', count: before + 1, retryAfterS } as const);
    come(index, waitAfter(outcome, null, random), random);
  }
  function come(index: number, waitMs: number, random: Random): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      const sent = one(index, random);
      under.add(sent);
      void sent.finally(() => under.delete(sent));
    }, waitMs / faster);
    timers.add(timer);
  }

  fleet.wake(devices);
  for (let index = 0; index < devices; index++) {
    const random = chance(seed, 'outage', index);
    come(index, random() * HOUR, random);
  }
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  await wait(BEFORE_MS);
  killedAt = clock();
  await collector.kill();
  say(`killed, for ${(OUTAGE_MS / faster / 1000).toFixed(1)} s`);
  await wait(OUTAGE_MS / faster);
  await collector.begin();
  backAt = clock();
  const watched = Math.min(seconds * 1000, BACK_MS / faster);
  for (const end = backAt + watched; clock() < end && !signal.aborted; ) await wait(50);
  over = true;
  for (const timer of timers) clearTimeout(timer);
  await Promise.all(under);

  const outMinutes = ((backAt - killedAt) * faster) / MINUTE;
  const spread = spreadOf(returned, 0, watched, 30);
  const still = [...failed.values()].filter((times) => times > 0).length;
  const many = Math.min(MOST, devices * TIMES);
  const [plain, paced] = [simulateOutage(seed, many, { paced: false }), simulateOutage(seed, many, { paced: true })];
  const measured = tally.numbers((BEFORE_MS + watched) / 1000);
  const perMinute = (MINUTE / faster) * (rate / 1000);
  const minutes = Array.from(
    { length: Math.max(1, Math.floor((watched * faster) / MINUTE)) },
    (_, minute) => came.filter((at) => Math.floor((at * faster) / MINUTE) === minute).length,
  );
  const peak = Math.max(...minutes) / perMinute;
  const sentences = (of: Simulated) =>
    `fullest minute ${(fullest(of, many) * (many / EVERY)).toFixed(0)}/s, fullest second ${of.fullestSecond}, the next two hours at most ${fullest(of, many, 50).toFixed(2)} × a usual minute`;
  return {
    numbers: {
      ...measured,
      ...{ faster, outMinutes, returned: returned.length, still, distance: spread.distance, peakOfUsual: peak, wanted: counts },
      ...{ retryAfter: retryAfter.length, simulated: { plain: plain.minutes, paced: paced.minutes, fullestSecond: plain.fullestSecond } },
    },
    lines: [
      `  time runs ${faster.toFixed(0)} times as fast; killed for ${outMinutes.toFixed(1)} of its minutes, watched for ${((watched * faster) / MINUTE).toFixed(0)}`,
      `  ${returned.length} devices met it and are back, ${still} are not; distance from uniform ${spread.distance.toFixed(3)}, of chance ${spread.chance.toFixed(3)}; fullest minute of all check-ins ${peak.toFixed(2)} × a usual one`,
      `  ${retryAfter.length} were told when to come again${retryAfter.length === 0 ? '' : `, in ${Math.min(...retryAfter)} to ${Math.max(...retryAfter)} s`}`,
      ...tally.lines((BEFORE_MS + watched) / 1000),
      ...wanted(counts),
      `  ${many} devices in simulated time: ${plain.returned} met it, the last is back after ${(plain.lastMs / MINUTE).toFixed(0)} min, distance from uniform ${plain.spread.distance.toFixed(3)}`,
      `    all as the schedule has it: ${sentences(plain)}`,
      `    spread by the collector:    ${sentences(paced)}`,
    ],
  };
}
