/** Changing one thing in the text of a config file: for any file in each format nothing else changes, and every comment stays. */
import fc from 'fast-check';
import json5 from 'json5';
import { stringify as tomlOf } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { stringify as yamlOf } from 'yaml';
import { changedValue, type Edit, edited } from '../../agent/act/edit.ts';
import { decode, type Format } from '../../agent/mcp/text.ts';

const text = (format: Format, before: string, ...edits: readonly Edit[]) => {
  const result = edited(format, Buffer.from(before), edits);
  return result.ok ? result.bytes.toString() : `refused: ${result.why}`;
};
const value = (format: Format, source: string) => {
  const decoded = decode(format, Buffer.from(source));
  return decoded.ok ? JSON.parse(JSON.stringify(decoded.value)) : decoded.detail;
};

/** Names as people give them, and as nobody should. */
const name = fc.oneof(
  fc.constantFrom(
    'files',
    'git',
    'my server',
    'a.b',
    '@scope/x',
    'ünï',
    '1',
    'true',
    'null',
    'y',
    '#no',
    'a"b',
    "it's",
    '__proto__',
    'constructor',
    '[x]',
    '-',
    ':',
  ),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme-ascii' }).filter((one) => one.trim() === one),
);
const word = fc.oneof(
  fc.constantFrom('npx', '-y', '# no comment', '// neither', '/* nor this */', '"quoted"', "it's", 'a\nb', '[x]', '{', '}', 'a,b', ''),
  fc.string({ maxLength: 20 }),
);
const server = fc.record(
  {
    command: word,
    args: fc.array(word, { maxLength: 3 }),
    env: fc.dictionary(fc.constantFrom('TOKEN', 'A_KEY', 'path'), word, { maxKeys: 2, noNullPrototype: true }),
    timeout: fc.integer(),
  },
  { requiredKeys: ['command', 'args'], noNullPrototype: true },
);
const servers = fc.uniqueArray(fc.tuple(name, server), { minLength: 1, maxLength: 4, selector: ([key]) => key });
const file = fc.record({
  servers,
  rest: fc.record({ theme: word, list: fc.array(word, { maxLength: 2 }) }, { noNullPrototype: true }),
  pick: fc.nat(),
  first: fc.boolean(),
});

const object = (pairs: readonly (readonly [string, unknown])[]) => Object.fromEntries(pairs);

type Written = { readonly format: Format; readonly write: (value: unknown) => string };
/** Each format in the ways that people and programs write it. */
const styles: Readonly<Record<string, Written>> = {
  'JSON, two spaces': { format: 'json', write: (v) => `${JSON.stringify(v, null, 2)}\n` },
  'JSON, tabs, CRLF, a mark in front': {
    format: 'json',
    write: (v) => `\ufeff${JSON.stringify(v, null, '\t').replaceAll('\n', '\r\n')}\r\n`,
  },
  'JSON on one line': { format: 'json', write: (v) => JSON.stringify(v) },
  'JSON with comments': {
    format: 'jsonc',
    write: (v) =>
      `// top\n${JSON.stringify(v, null, 2)
        .replaceAll(/([{[,])\n/g, '$1 // a "note", {with} [signs]\n')
        .replaceAll(/"\n(\s*)([}\]])/g, '",\n$1$2')}\n/* end */`,
  },
  JSON5: { format: 'json5', write: (v) => `${json5.stringify(v, null, 2)}\n` },
  TOML: { format: 'toml', write: (v) => `# top\n${tomlOf(v as Record<string, unknown>)}` },
  'TOML, CRLF and comments': {
    format: 'toml',
    write: (v) =>
      tomlOf(v as Record<string, unknown>)
        .replaceAll(/^(\[.*\])$/gm, '$1 # here')
        .replaceAll('\n', '\r\n'),
  },
  YAML: { format: 'yaml', write: (v) => `# top\n${yamlOf(v)}` },
  'YAML, four spaces, folded': { format: 'yaml', write: (v) => yamlOf(v, { indent: 4, lineWidth: 40 }) },
};

describe.each(Object.entries(styles))('in %s', (_, { format, write }) => {
  /** A file that its own format can say and read back. */
  const files = file
    .map(({ servers, rest, pick, first }) => {
      const map = object(servers);
      const top = first ? object([['mcpServers', map], ...Object.entries(rest)]) : object([...Object.entries(rest), ['mcpServers', map]]);
      const [key] = servers[pick % servers.length] ?? [''];
      return { top, key, source: write(top) };
    })
    .filter(({ source, top }) => JSON.stringify(value(format, source)) === JSON.stringify(value('json', JSON.stringify(top))));

  const unchanged = (edit: (key: string) => Edit) => {
    let refused = 0;
    let tried = 0;
    fc.assert(
      fc.property(files, ({ source, key }) => {
        const change = edit(key);
        const result = edited(format, Buffer.from(source), [change]);
        tried++;
        if (!result.ok) {
          refused++;
          return;
        }
        const after = result.bytes.toString();
        const pruned = (one: unknown) =>
          format === 'toml'
            ? JSON.stringify(one)
                .replaceAll(/,?"mcpServers":\{\}/g, '')
                .replace('{,', '{')
            : JSON.stringify(one);
        const sorted = (one: unknown) => JSON.stringify(Object.entries(JSON.parse(pruned(one))).sort());
        const wanted = changedValue(value(format, source), change) as Record<string, Record<string, Record<string, unknown>>>;
        const is = value(format, after) as typeof wanted;
        expect(
          sorted({
            ...is,
            mcpServers: Object.entries(is['mcpServers'] ?? {})
              .map(([k, v]) => [k, Object.entries(v).sort()])
              .sort(),
          }),
        ).toBe(
          sorted({
            ...wanted,
            mcpServers: Object.entries(wanted['mcpServers'] ?? {})
              .map(([k, v]) => [k, Object.entries(v).sort()])
              .sort(),
          }),
        );
        expect(after.includes('\r\n')).toBe(source.includes('\r\n'));
        expect(after.startsWith('\ufeff')).toBe(source.startsWith('\ufeff'));
        if (format === 'json' || format === 'json5') return;
        const notes = (one: string) => (one.match(/note|# here|# top|\/\* end/g) ?? []).length;
        // What stands on a line inside of an entry that goes, goes with it.
        if (change.do === 'set') expect(notes(after)).toBe(notes(source));
      }),
      { numRuns: 40 },
    );
    return refused / tried;
  };

  it('a switch is set in one entry, and nothing else changes', () => {
    expect(unchanged((key) => ({ do: 'set', at: ['mcpServers', key], key: 'disabled', value: true }))).toBeLessThan(0.05);
  });

  it('one entry is taken out, and nothing else changes', () => {
    expect(unchanged((key) => ({ do: 'remove', at: ['mcpServers', key] }))).toBeLessThan(0.05);
  });

  it('a list of names is made at the top', () => {
    expect(unchanged((key) => ({ do: 'set', at: [], key: 'mcp', value: { excluded: [key] } }))).toBeLessThan(0.05);
  });

  it('a name is added to a list', () => {
    expect(unchanged((key) => ({ do: 'add', at: ['list'], value: key }))).toBeLessThan(0.6);
  });
});

describe('what is written in an unusual way', () => {
  const off: Edit = { do: 'set', at: ['m', 'a'], key: 'disabled', value: true };
  it.each<[Format, string, Edit]>([
    ['json', '{"m":{"a":{"c":1},"a":{"c":2}}}', { do: 'remove', at: ['m', 'a'] }],
    ['yaml', 'x: &x {c: 1}\nm:\n  a: *x\n', off],
    ['yaml', 'd: &d\n  c: 1\nm:\n  a:\n    <<: *d\n', { do: 'remove', at: ['d'] }],
    ['yaml', 'm:\n  ? a\n  : c: 1\n', { do: 'remove', at: ['m', 'a'] }],
    ['plist', '<plist version="1.0"><dict/></plist>', off],
    ['json', '{"m":[', off],
    ['toml', 'm = 1\n', off],
  ])('is refused and left as it is: %s %j', (format, source, edit) => {
    expect(text(format, source, edit)).toMatch(/^refused: /);
  });

  it('is refused without a word of the file', () => {
    for (const format of ['json', 'jsonc', 'json5', 'toml', 'yaml'] as const) {
      expect(text(format, 'SECRET: {SECRET = "x', off)).not.toContain('SECRET');
    }
  });
});

it('keeps a comment behind an entry, the order and the indentation', () => {
  const before =
    '{\n  // mine\n  "mcpServers": {\n    "a": { "command": "x" }, // first\n    "b": {\n      "command": "y"\n    } // last\n  }\n}\n';
  expect(text('jsonc', before, { do: 'set', at: ['mcpServers', 'b'], key: 'disabled', value: true })).toBe(
    before.replace('      "command": "y"', '      "disabled": true,\n      "command": "y"'),
  );
  expect(text('jsonc', before, { do: 'remove', at: ['mcpServers', 'b'] })).toBe(
    '{\n  // mine\n  "mcpServers": {\n    "a": { "command": "x" } // first\n    // last\n  }\n}\n',
  );
});
