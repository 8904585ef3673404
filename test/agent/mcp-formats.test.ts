/** Every format that clients keep servers in: read as written, refused with a place and never a quotation, and never slow. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseProjects, parseServers, type ServersFile } from '../../agent/mcp/parse.ts';
import { parsePlist } from '../../agent/mcp/plist.ts';
import { decode, type Format } from '../../agent/mcp/text.ts';
import { matches, matching, relation, splitPattern } from '../../agent/observe/patterns.ts';

const bytes = (text: string) => Buffer.from(text);
const value = (format: Format, text: string | Uint8Array) => {
  const decoded = decode(format, typeof text === 'string' ? bytes(text) : text);
  return decoded.ok ? decoded.value : decoded.detail;
};
const xml = (inner: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "x"><plist version="1.0">${inner}</plist>`;

/** The binary form of a value, written from Apple's description of it: numbers of one byte, texts in ASCII, references of two bytes. */
function binary(root: unknown): Buffer {
  const objects: Buffer[] = [];
  const sized = (kind: number, count: number) =>
    count < 15 ? Buffer.from([(kind << 4) | count]) : Buffer.from([(kind << 4) | 15, 0x11, count >> 8, count & 255]);
  const add = (item: unknown): number => {
    const at = objects.push(Buffer.alloc(0)) - 1;
    const refs = (list: unknown[]) => Buffer.concat(list.map((one) => Buffer.from([0, add(one)])));
    if (typeof item === 'boolean') objects[at] = Buffer.from([item ? 9 : 8]);
    else if (typeof item === 'number') objects[at] = Buffer.from([0x10, item]);
    else if (typeof item === 'string') objects[at] = Buffer.concat([sized(5, item.length), Buffer.from(item, 'latin1')]);
    else if (Array.isArray(item)) objects[at] = Buffer.concat([sized(10, item.length), refs(item)]);
    else {
      const pairs = Object.entries(item as object);
      objects[at] = Buffer.concat([sized(13, pairs.length), refs(pairs.map(([key]) => key)), refs(pairs.map(([, one]) => one))]);
    }
    return at;
  };
  add(root);
  const offsets: number[] = [];
  let at = 8;
  for (const object of objects) {
    offsets.push(at);
    at += object.length;
  }
  const trailer = Buffer.alloc(32);
  trailer[6] = 2;
  trailer[7] = 2;
  trailer.writeBigUInt64BE(BigInt(objects.length), 8);
  trailer.writeBigUInt64BE(BigInt(at), 24);
  return Buffer.concat([bytes('bplist00'), ...objects, ...offsets.map((one) => Buffer.from([one >> 8, one & 255])), trailer]);
}

describe('YAML', () => {
  test.each<[string, string, unknown]>([
    ['maps and lists', 'a:\n  - b: 1\n  - {c: [x, "y"]}\n', { a: [{ b: 1 }, { c: ['x', 'y'] }] }],
    ['a byte order mark and Windows line ends', '\ufeffa: 1\r\nb: 2\r\n', { a: 1, b: 2 }],
    ['anchors and merges', 'a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n', { a: { b: 1 }, c: { b: 1, d: 2 } }],
    ['a key twice: the last counts', 'a: 1\na: 2\n', { a: 2 }],
    ['a tag that nobody knows', 'a: !env TOKEN\n', { a: 'TOKEN' }],
    ['the first of several documents', 'a: 1\n---\nb: 2\n', { a: 1 }],
    ['nothing', '', null],
    ['comments only', '# nothing\n', null],
    ['a name of JavaScript', '__proto__:\n  a: 1\n', JSON.parse('{"__proto__":{"a":1}}')],
    ['a word for a truth', 'a: yes\nb: true\n', { a: 'yes', b: true }],
  ])('%s', (_, text, expected) => expect(value('yaml', text)).toEqual(expected));

  test.each<[string, string, string]>([
    ['a broken line is named and not quoted', 'a: 1\nb: "hunter2\n', "line 3 isn't YAML"],
    ['a tab', 'a:\n\tb: hunter2\n', "line 2 isn't YAML"],
    [
      'aliases without end',
      `a: &a [x,x]\n${[...'bcdefghij'].map((one, at) => `${one}: &${one} [${`*${'abcdefghij'[at]},`.repeat(9)}]`).join('\n')}`,
      "it isn't YAML that can be read",
    ],
    ['a large file', `a: ${'x'.repeat(70_000)}`, 'it is larger than 64 KiB'],
  ])('%s', (_, text, detail) => expect(value('yaml', text)).toBe(detail));
});

test('what YAML’s reader warns of is not printed, for it quotes the file', async () => {
  const warned: unknown[] = [];
  const note = (warning: unknown) => warned.push(warning);
  process.on('warning', note);
  expect(value('yaml', 'a: !hunter2 z\n')).toBeTypeOf('object');
  // Warnings come with the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  expect(warned).toEqual([]);
});

describe('JSON5', () => {
  test.each<[string, string, unknown]>([
    ['as people write it', "// x\n{ a: 'b', c: [1, 0x10, +.5,], /* d */ }", { a: 'b', c: [1, 16, 0.5] }],
    ['plain JSON', '{"a": 1}', { a: 1 }],
    ['comments only', '// nothing\n', null],
    ['a name of JavaScript', '{ __proto__: { a: 1 } }', JSON.parse('{"__proto__":{"a":1}}')],
    ['a broken line, named and not quoted', "{\n a: 'hunter2\n}", "line 3 isn't JSON5"],
    ['nested without end', '['.repeat(100_000), 'it is nested deeper than 200 levels'],
  ])('%s', (_, text, expected) => expect(value('json5', text)).toEqual(expected));
});

describe('property lists', () => {
  const list = { mcp: { servers: [{ name: 'a', args: ['x', 'y & z'], on: true, count: 3 }], many: 'x'.repeat(300) } };
  const asXml = xml(
    `<dict><!-- <key>no</key> --><key>mcp</key><dict><key>servers</key><array><dict><key>name</key><string>a</string><key>args</key><array><string>x</string><string>y &amp; <![CDATA[z]]></string></array><key>on</key><true/><key>count</key><integer>3</integer></dict></array><key>many</key><string>${'x'.repeat(300)}</string></dict></dict>`,
  );
  test('XML and binary are the same value', () => {
    expect(value('plist', asXml)).toEqual(list);
    expect(value('plist', binary(list))).toEqual(list);
    expect(value('plist', ' \n')).toBe(null);
  });

  test('what Python writes is read', () => {
    const python = (format: string) =>
      execFileSync('python3', [
        '-c',
        `import plistlib,sys,json;sys.stdout.buffer.write(plistlib.dumps(json.loads(sys.argv[1]),fmt=plistlib.${format}))`,
        JSON.stringify({ ...list, ü: 'é€' }),
      ]);
    for (const format of ['FMT_XML', 'FMT_BINARY']) expect(value('plist', python(format))).toEqual({ ...list, ü: 'é€' });
  });

  test.each<[string, Uint8Array]>([
    ['text', bytes('hunter2')],
    ['cut off', bytes(asXml.slice(0, 200))],
    ['cut off, binary', binary(list).subarray(0, 100)],
    [
      'a list in itself',
      Buffer.concat([
        bytes('bplist00'),
        Buffer.from([0xa1, 0, 0, 8]),
        Buffer.from([...Array(6).fill(0), 2, 2, ...Array(7).fill(0), 1, ...Array(8).fill(0), ...Array(7).fill(0), 10]),
      ]),
    ],
    ['nested without end', bytes(xml('<array>'.repeat(50_000)))],
    ['an end without a beginning', bytes(xml('</dict>'))],
    ['a value without a key', bytes(xml('<dict><string>x</string></dict>'))],
  ])('%s is refused', (_, text) => expect(value('plist', text)).toBe("it isn't a property list"));
});

test('law: no bytes throw or take a second, in any format', () => {
  const hostile = fc.constantFrom(
    '[',
    '{a: ',
    '- ',
    '? ',
    '&a ',
    '*a ',
    '!x ',
    '"',
    "'",
    '\t',
    ': ',
    '#',
    '---\n',
    '<dict>',
    '<key>',
    '<string>',
    '&#x',
    '// ',
    '/*',
    '0x',
    '\\u',
    ',',
    '[[a]]\n',
  );
  const repeated = fc
    .tuple(hostile, fc.integer({ min: 1, max: 20_000 }))
    .map(([piece, times]) => bytes(piece.repeat(times).slice(0, 70_000)));
  const damaged = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }).map((changes) => {
    const list = binary({ a: [1, 'x', { b: true }], c: 'y'.repeat(20) });
    for (const [at, to] of changes) list[at % list.length] = to;
    return list;
  });
  const formats: ServersFile[] = (['json5', 'yaml', 'plist', 'toml', 'json'] as const).map((format) => ({
    client: 'x',
    format,
    at: ['a', '*'],
    also: [[]],
    follow: {},
  }));
  fc.assert(
    fc.property(fc.oneof(repeated, damaged, fc.uint8Array({ maxLength: 500 })), (text) => {
      for (const file of formats) {
        const began = process.cpuUsage();
        parseServers(file, text);
        parseProjects({ ...file, take: 'values' }, text);
        expect(process.cpuUsage(began).user / 1000).toBeLessThan(1000);
      }
    }),
    { numRuns: Number(process.env['FUZZ'] ?? 150) },
  );
}, 120_000);

test.each([
  ['? ', 700],
  ['{? ', 500],
  ['[', 300],
  ['? - ', 500],
])('YAML keys that are maps or lists, as %j times %i, are refused at once', (piece, times) => {
  const began = process.cpuUsage();
  const deep = piece === '[' ? `${piece.repeat(times)}${']'.repeat(times)}: 1` : piece.repeat(times);
  expect(parseServers({ client: 'x', format: 'yaml', at: ['a'] }, bytes(deep))).toMatchObject({ ok: false });
  expect(process.cpuUsage(began).user / 1000).toBeLessThan(1000);
});
test.each(['? [a, b]\n: 1\n', '{a: 1}: 2\n', 'k: &k [1]\n*k : 2\n'])('a YAML key that is no text is refused: %j', (text) => {
  expect(value('yaml', text)).toMatch(/^line [12] isn't YAML$/);
});

test('a property list that names one object a thousand times ends', () => {
  const shared = Buffer.concat([
    bytes('bplist00'),
    ...Array.from({ length: 9 }, (_, level) =>
      Buffer.from([
        0xae,
        ...Array(14)
          .fill([0, level + 1])
          .flat(),
      ]),
    ),
    Buffer.from([0x09]),
  ]);
  const offsets = Array.from({ length: 10 }, (_, level) => [0, 8 + level * 29]).flat();
  const trailer = Buffer.alloc(32);
  trailer[6] = 2;
  trailer[7] = 2;
  trailer.writeBigUInt64BE(10n, 8);
  trailer.writeBigUInt64BE(BigInt(shared.length), 24);
  expect(() => parsePlist(Buffer.concat([shared, Buffer.from(offsets.map((one) => one & 255)), trailer]))).toThrow();
});

describe('shapes of servers and of projects', () => {
  const read = (file: Partial<ServersFile>, json: object) =>
    parseServers({ client: 'x', format: 'json', at: ['mcpServers'], ...file }, bytes(JSON.stringify(json)));
  test('a file that is itself the map, and holds more', () => {
    const file = read(
      { also: [[]] },
      { $schema: 'x', name: 'mine', a: { command: 'x' }, b: { url: 'https://x.example' }, c: { colour: 'red' } },
    );
    expect(file).toMatchObject({ ok: true, troubles: [], servers: [{ name: 'a' }, { name: 'b' }] });
  });
  test('a text in place of servers is where they are, only where the place says so', () => {
    expect(read({ follow: {} }, { mcpServers: './a.json' })).toMatchObject({ ok: true, servers: [], elsewhere: ['./a.json'] });
    expect(read({ follow: {} }, { mcpServers: ['./a.json', './b.json'] })).toMatchObject({ elsewhere: ['./a.json', './b.json'] });
    expect(read({}, { mcpServers: './a.json' })).toMatchObject({ ok: false });
  });
  test('folders of projects, as addresses too', () => {
    const json = bytes(
      JSON.stringify({
        folder: 'file:///home/ada/a%20b',
        list: [
          'file:///c%3A/Users/ada/x',
          '/plain',
          'vscode-remote://wsl/home/x',
          'file://server/share',
          'relative',
          'file:///home/ada/%',
          7,
        ],
        workspace: 'file:///home/ada/w/all.code-workspace',
      }),
    );
    expect(parseProjects({ format: 'json', at: ['folder'], also: [['list'], ['workspace']], take: 'values' }, json)).toEqual([
      '/home/ada/a b',
      'C:\\Users\\ada\\x'.replace('C', 'c'),
      '/plain',
      '/home/ada/w',
    ]);
    expect(parseProjects({ format: 'json', at: ['folder'], take: 'keys' }, json)).toEqual([]);
    expect(parseProjects({ format: 'json', at: ['x'], take: 'keys' }, bytes('{'))).toBe(null);
  });
});

describe('patterns', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), 'muster-patterns-'));
    for (const file of [
      'a/one.json',
      'a/two.json',
      'a/x.txt',
      'a/.json',
      'b/p/mcp.json',
      'b/q/mcp.json',
      'b/r/other.json',
      'c/1/2/3/.mcp.json',
      'c/.mcp.json',
    ]) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), '');
    }
    mkdirSync(path.join(root, 'a/folder.json'));
    symlinkSync(path.join(root, 'b/p'), path.join(root, 'b/link'));
    symlinkSync(root, path.join(root, 'c/loop'));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const found = (folder: string, ...steps: string[]) =>
    matching({ folder: path.join(root, folder), steps }, () => true).map((file) => path.relative(root, file));

  test('list what is there, in order, and only that', () => {
    expect(found('a', '*.json')).toEqual(['a/one.json', 'a/two.json']);
    expect(found('b', '*', 'mcp.json')).toEqual(['b/link/mcp.json', 'b/p/mcp.json', 'b/q/mcp.json']);
    expect(found('c', '**', '.mcp.json')).toEqual(['c/.mcp.json', 'c/1/2/3/.mcp.json']);
    expect(found('none', '*.json')).toEqual([]);
    const but = (left: string) => matching({ folder: root, steps: ['*', '*.json'] }, (folder) => folder !== path.join(root, left));
    expect(but('a')).toEqual([path.join(root, 'c/.mcp.json')]);
    expect(but('c')).toEqual([path.join(root, 'a/one.json'), path.join(root, 'a/two.json')]);
  });

  test('many entries are not all looked at', () => {
    const folder = path.join(root, 'many');
    for (let at = 0; at < 700; at++) mkdirSync(path.join(folder, `d${at}`), { recursive: true });
    for (let at = 0; at < 700; at++) writeFileSync(path.join(folder, `d${at}/x.json`), '');
    expect(found('many', '*', 'x.json')).toHaveLength(500);
  });

  test('law: what is listed is what is related, and what leads there is on its way', () => {
    for (const steps of [['*.json'], ['*', 'mcp.json']]) {
      for (const folder of ['a', 'b']) {
        for (const file of found(folder, ...steps)) {
          const pattern = { folder: path.join(root, folder), steps };
          expect(relation(pattern, path.join(root, file))).toBe('file');
          expect(relation(pattern, `${path.join(root, file)}.bak`)).toBe(null);
          for (let at = path.dirname(path.join(root, file)); at !== root; at = path.dirname(at))
            expect(relation(pattern, at)).toBe('folder');
        }
      }
    }
  });

  test('a step', () => {
    expect(['one.config.toml', '.config.toml', 'config.toml'].map((name) => matches('*.config.toml', name))).toEqual([true, false, false]);
    expect(splitPattern('~/.a/*/b')).toEqual({ named: '~/.a', steps: ['*', 'b'] });
    expect(splitPattern('~/.a/b')).toEqual({ named: '~/.a/b', steps: [] });
  });
});
