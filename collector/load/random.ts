/** Chance that repeats: the same seed gives the same fleet, the same choices and the same order, on every machine. */
import { hash } from 'node:crypto';

/** 0 ≤ random() < 1. */
export type Random = () => number;

/**
 * What is hashed, in one call and to a text: `createHash` makes an object of the system's own, and a Buffer takes as long as the hash. There are dozens of
 * them a check-in, and the garbage collector lets go of each such object by itself, in its pause.
 */
const named = (seed: number, names: readonly (string | number)[]) => [seed, ...names].join('/');

/** Chance of its own for each thing that is named, so that one more device changes nothing of the others. */
export function chance(seed: number, ...names: readonly (string | number)[]): Random {
  const bytes = hash('sha256', named(seed, names), 'binary');
  let state = bytes.charCodeAt(0) | (bytes.charCodeAt(1) << 8) | (bytes.charCodeAt(2) << 16) | (bytes.charCodeAt(3) << 24);
  // mulberry32
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** 32 bytes that only this seed and these names have. */
export const bytesOf = (seed: number, ...names: readonly (string | number)[]): Buffer => hash('sha256', named(seed, names), 'buffer');

/** A UUID of version 4 as far as its form goes. */
export function uuidOf(seed: number, ...names: readonly (string | number)[]): string {
  const hex = hash('sha256', named(seed, names), 'hex');
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) & 3];
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** 0 to `count - 1`; each is half as likely as the one before, as with versions in use. */
export function popular(random: Random, count: number): number {
  return Math.min(count - 1, Math.floor(-Math.log2(1 - random())));
}
