/** Chance that repeats: the same seed gives the same fleet, the same choices and the same order, on every machine. */
import { hash } from 'node:crypto';

/** 0 ≤ random() < 1. */
export type Random = () => number;

/** Chance of its own for each thing that is named, so that one more device changes nothing of the others. */
export function chance(seed: number, ...names: readonly (string | number)[]): Random {
  let state = bytesOf(seed, ...names).readUInt32LE(0);
  // mulberry32
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * 32 bytes that only this seed and these names have. In one call, for `createHash` makes an object of the system's own: dozens a check-in, and each
 * that was dropped is one by one let go of in the garbage collector's pause.
 */
export const bytesOf = (seed: number, ...names: readonly (string | number)[]): Buffer =>
  hash('sha256', [seed, ...names].join('/'), 'buffer');

export function uuidOf(seed: number, ...names: readonly (string | number)[]): string {
  const bytes = bytesOf(seed, ...names).subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** 0 to `count - 1`; each is half as likely as the one before, as with versions in use. */
export function popular(random: Random, count: number): number {
  return Math.min(count - 1, Math.floor(-Math.log2(1 - random())));
}
