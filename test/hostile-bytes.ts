/** Makes hostile files of honest ones, repeatably: for the fuzz test and the bench. */

/** Small and repeatable (mulberry32): a seed that finds something finds it again. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const nasty = [
  '"__proto__":{"polluted":1},',
  '"constructor":',
  'null',
  '\0',
  '\ufeff',
  '"\\ud800"',
  '1e999',
  '-0',
  '[[[[',
  '{"a":',
  '/*',
  '*/',
  '//',
  ',,',
  '"""',
  "'''",
  '\\u0000',
  '\\x',
  'a.b.c.d = 1\n',
  '[[x]]\n',
  '= ',
  '"mcpServers":[],',
  '"mcpServers":"x",',
  '"args":{},',
  '"command":[],',
  '"env":[1],',
  '"url":{}',
];

/** A whole number from 0 to below the limit. */
export type Pick = (limit: number) => number;

/** The bytes with one change: cut, flipped, spliced, doubled, nested, turned about, or with something nasty in them. */
export function mutate(bytes: Buffer, pick: Pick): Buffer {
  const at = pick(bytes.length + 1);
  const end = Math.min(bytes.length, at + pick(80));
  const splice = (middle: Buffer, from = at) => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(from)]);
  const random = Buffer.from(Array.from({ length: pick(12) }, () => pick(256)));
  switch (pick(9)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return splice(random, end);
    case 2:
      return splice(Buffer.from(nasty[pick(nasty.length)] ?? ''));
    case 3:
      return splice(Buffer.from(bytes.subarray(at, end)));
    case 4:
      return splice(Buffer.alloc(0), end);
    case 5:
      return splice(Buffer.concat(Array.from({ length: pick(400) }, () => bytes.subarray(at, end))));
    case 6:
      return splice(Buffer.from((['[', '{"a":', '[a.', '{', '"', '\\'][pick(6)] ?? '').repeat(pick(20_000))));
    case 7:
      return Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]);
    default: {
      const changed = Buffer.from(bytes);
      for (let flips = pick(20); flips >= 0 && changed.length > 0; flips--) changed[pick(changed.length)] = pick(256);
      return changed;
    }
  }
}
