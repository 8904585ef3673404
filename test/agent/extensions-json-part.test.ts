/** A part of a large text of JSON is what a whole parser would have found there, and a broken text is nothing worse than broken. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { membersAt } from '../../agent/observe/extensions/json-part.ts';
import { mutate, random } from '../hostile-bytes.ts';

const all = () => true;
const read = (text: string, at: readonly string[], wants: (key: string) => boolean = all) => {
  const members = membersAt(Buffer.from(text), at, wants);
  return members instanceof Map ? Object.fromEntries([...members].map(([key, value]) => [key, JSON.parse(value.toString())])) : members;
};

describe('members of a map', () => {
  it('are those that JSON has there', () => {
    const key = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('a', 'b', '"', '\\', '\n', '{', '}'));
    const map = fc.dictionary(key, fc.jsonValue({ maxDepth: 3 }));
    const spaces = fc.constantFrom('', ' ', '\r\n\t');
    fc.assert(
      fc.property(map, map, map, spaces, (inner, beside, around, space) => {
        const texts = (values: object) => Object.entries(values).map(([name, value]): [string, string] => [name, JSON.stringify(value)]);
        const object = (members: readonly (readonly [string, string])[]) =>
          `{${members.map(([name, text]) => [space, JSON.stringify(name), space, ':', space, text, space].join('')).join(',')}${space}}`;
        const text = object([...texts(around), ['extensions', object([...texts(beside), ['settings', object(texts(inner))]])]]);
        const members = membersAt(Buffer.from(text), ['extensions', 'settings'], all);
        // Compared as text: after a key that is a backslash, the JSON.parse of Node 24.21 takes other keys with an escape for that one.
        expect(members instanceof Map && [...members].map(([name, value]) => [name, value.toString().trim()]).sort()).toEqual(
          texts(inner).sort(),
        );
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['{"a":{"b":{"x":1,"y":2}}}', { x: 1, y: 2 }],
    ['\ufeff{"a":{"b":{}}}', {}],
    ['{"a":{"b":{"x":1}},"a":{"b":{"x":2}}}', { x: 2 }],
    ['{"\\u0061":{"b":{"x":"}\\"{"}}}', { x: '}"{' }],
    ['{"a":{"b":[1]}}', 'absent'],
    ['{"a":{"c":{}}}', 'absent'],
    ['{"a":1}', 'absent'],
    ['{}', 'absent'],
    ['', null],
    ['[]', null],
    ['null', null],
    ['{"a":{"b":{"x":1}}', null],
    ['{"a":{"b":{"x" 1}}}', null],
    ['{"a":{"b":{x:1}}}', null],
    ['{"a":{"b":{"x":"', null],
  ])('of %j are %j', (text, expected) => {
    expect(read(text, ['a', 'b'])).toEqual(expected);
  });

  it('are only those that are wanted', () => {
    expect(read('{"a":{"x":1,"y":broken,"z":3}}', ['a'], (key) => key !== 'y')).toEqual({ x: 1, z: 3 });
  });
});

it('goes through what was made to hurt', () => {
  const size = 2 * 1024 * 1024;
  const fill = (unit: string) => unit.repeat(size / unit.length);
  const hostile: Readonly<Record<string, unknown>> = {
    [`{"a":${fill('[')}`]: null,
    [`{"a":${fill('{"b":')}`]: null,
    [`{"x":[${fill('{},')}0],"a":{"ok":1}}`]: { ok: 1 },
    [`{"a":"${fill('\\"')}`]: null,
    [`{"${fill('\\')}`]: null,
    [`{${fill('"k":1,')}"a":{"ok":1}}`]: { ok: 1 },
  };
  for (const [text, expected] of Object.entries(hostile)) expect(read(text, ['a'])).toEqual(expected);
});

it('answers whatever the bytes are', () => {
  const pickFrom = random(3);
  const whole = Buffer.from(
    '{"extensions":{"settings":{"kbfnbcaeplbcioakkpcpgfkobkghlhen":{"path":"x\\"y","state":1,"list":[1,{"a":"}"}]}}},"other":"\\\\"}',
  );
  for (let round = 0; round < 1000; round++) {
    const bytes = mutate(whole, (most) => Math.floor(pickFrom() * most));
    const members = membersAt(bytes, ['extensions', 'settings'], all);
    if (members instanceof Map) for (const value of members.values()) expect(value.length).toBeLessThanOrEqual(bytes.length);
  }
});
