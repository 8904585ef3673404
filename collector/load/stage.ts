/** What a scenario plays with: the fleet, one check-in of a device of it, and what is counted on the way. */
import { CheckInAnswer } from '../../agent/wire.ts';
import { createDevice, type Device, type Has, type Load } from './device.ts';
import type { Numbers } from './measure.ts';
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
  /** Kills the collector as a power cut would, and starts it again where it was; null: it is somebody else's. */
  readonly collector: { kill(): Promise<void>; begin(): Promise<void> } | null;
  readonly signal: AbortSignal;
  say(line: string): void;
};

export type Played = { readonly numbers: Numbers & Readonly<Record<string, unknown>>; readonly lines: readonly string[] };

/** One check-in, and what the device makes of the answer; `wanted` counts answers that ask for more than was sent. */
export async function checkIn(
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

export const counter = () => {
  const counts: Record<string, number> = {};
  const count = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  return { counts, count };
};

/** Made when they are first needed: most of a hundred thousand keys sign once or never in a run. */
export function fleetOf({ seed, devices, published }: Stage, held = true) {
  // As long as it will be: what grows is copied, all at once.
  const made = new Array<Device | undefined>(devices);
  const at = (index: number): Device => {
    const device = made[index] ?? createDevice(seed, index, held && published ? { held, has: published } : { held });
    made[index] = device;
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

export const wanted = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts).map(([name, times]) => `  ${name.padEnd(24)} ${times}`);
