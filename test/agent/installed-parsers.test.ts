/** Whatever stands in a file, its parser answers, quickly, and keeps nothing that it wasn't asked for. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cratesIn } from '../../agent/observe/installed/cargo.ts';
import { appImageName, parseDesktopFile } from '../../agent/observe/installed/linux-apps.ts';
import { dpkgPackages } from '../../agent/observe/installed/linux-packages.ts';
import { plainName, plainVersion } from '../../agent/observe/installed/look.ts';
import { distributionOf } from '../../agent/observe/installed/python.ts';
import { parsePackageName, parseRegistry } from '../../agent/observe/installed/win32-apps.ts';
import { plistStrings } from '../../agent/observe/plist.ts';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/installed/${name}`, import.meta.url));

/** Text made of a format's own pieces and of anything: it gets further into a parser than noise does. */
const textOf = (...pieces: string[]) =>
  fc
    .array(fc.oneof(fc.constantFrom(...pieces, '\n', '\r\n', ' ', '='), fc.string({ unit: 'binary' })), { maxLength: 60 })
    .map((all) => all.join(''));

describe('reg.exe', () => {
  const wanted = new Set(['displayname', 'publisher']);
  const word = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/).filter((text) => !/ {4}/.test(text) && !text.startsWith('HKEY_'));

  test('reads back every key and wanted value that was written', () => {
    const keys = fc.uniqueArray(fc.record({ key: word, displayName: word, other: word }), { selector: ({ key }) => key, maxLength: 20 });
    fc.assert(
      fc.property(keys, fc.constantFrom('\r\n', '\n'), fc.constantFrom('REG_SZ', 'REG_EXPAND_SZ'), (all, end, type) => {
        const answer = all
          .map(({ key, displayName, other }) =>
            [`HKEY_LOCAL_MACHINE\\X\\${key}`, `    DisplayName    ${type}    ${displayName}`, `    Secret    REG_SZ    ${other}`, ''].join(
              end,
            ),
          )
          .join(end);
        expect(parseRegistry(end + answer, wanted).map(({ key, values }) => [key, ...values])).toEqual(
          all.map(({ key, displayName }) => [`HKEY_LOCAL_MACHINE\\X\\${key}`, ['displayname', displayName]]),
        );
      }),
    );
  });

  test('answers anything', () => {
    fc.assert(
      fc.property(
        textOf(
          'HKEY_LOCAL_MACHINE\\A',
          '    DisplayName    REG_SZ    ',
          '    ',
          'REG_EXPAND_SZ',
          '\\',
          '    Publisher    REG_DWORD    0x1',
        ),
        (text) => {
          for (const { values } of parseRegistry(text, wanted)) for (const name of values.keys()) expect(wanted).toContain(name);
        },
      ),
    );
  });

  test('a key whose data never came has no value of the next one', () => {
    expect(
      parseRegistry('    DisplayName    REG_SZ    nobody’s\r\nHKEY_X\\a\r\nHKEY_X\\b\r\n    DisplayName    REG_SZ\r\n', wanted),
    ).toEqual([
      { key: 'HKEY_X\\a', values: new Map() },
      { key: 'HKEY_X\\b', values: new Map([['displayname', '']]) },
    ]);
  });

  test('full names of packages give their families', () => {
    expect(parsePackageName('Claude_1.0.734.0_x64__pzs8sxrjxfjjc')).toEqual({ family: 'Claude_pzs8sxrjxfjjc', version: '1.0.734.0' });
    expect(parsePackageName('A.B_2025.1.0.0_neutral_~_8wekyb3d8bbwe')).toEqual({ family: 'A.B_8wekyb3d8bbwe', version: '2025.1.0.0' });
    expect(parsePackageName('A.B_1.0.0.0_neutral_split.scale-100_8wekyb3d8bbwe')).toBeNull();
    expect(parsePackageName('HKEY_CURRENT_USER')).toBeNull();
  });
});

describe('dpkg', () => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,20}$/);
  const version = fc.stringMatching(/^[0-9][0-9a-z.+~:-]{0,20}$/);

  test('finds exactly the wanted packages that are installed', () => {
    const packages = fc.uniqueArray(fc.record({ name, version, installed: fc.boolean(), wanted: fc.boolean() }), {
      selector: (each) => each.name,
    });
    fc.assert(
      fc.property(packages, (all) => {
        const status = all
          .map(
            (each) =>
              `Package: ${each.name}\nStatus: install ok ${each.installed ? 'installed' : 'half-installed'}\nVersion: ${each.version}\n` +
              `Description: x\n Package: other\n .\n Version: 9\n`,
          )
          .join('\n');
        const wanted = new Set(all.filter((each) => each.wanted).map((each) => each.name));
        expect(dpkgPackages(status, (each) => wanted.has(each))).toEqual(
          all.filter((each) => each.wanted && each.installed).map((each) => ({ name: each.name, version: each.version })),
        );
      }),
    );
  });

  test('answers anything', () => {
    fc.assert(
      fc.property(
        textOf('Package: ', 'Status: install ok installed\n', 'Version: ', '\n\n'),
        (text) => void dpkgPackages(text, () => true),
      ),
    );
  });
});

describe('.desktop', () => {
  test('answers anything, with one line of a name and no argument of a program', () => {
    const pieces = ['[Desktop Entry]\n', 'Type=Application\n', 'Name=', 'Exec=', 'env A=b ', '"', '\\', '%U', '[Other]\n', 'Hidden=true\n'];
    fc.assert(
      fc.property(textOf(...pieces), (text) => {
        const entry = parseDesktopFile(text);
        expect(entry?.name ?? '').not.toMatch(/[\n\r\0]/);
      }),
    );
  });

  test.each([
    ['/opt/Cursor/cursor --no-sandbox %F', '/opt/Cursor/cursor'],
    ['"/opt/LM Studio/lm-studio" %U', '/opt/LM Studio/lm-studio'],
    ['"/opt/a\\"b\\\\c" %U', '/opt/a"b\\c'],
    ['env BAMF_DESKTOP_FILE_HINT=/x/y.desktop /snap/bin/ollama', '/snap/bin/ollama'],
    ['/usr/bin/env FOO=bar --ignore thing', null],
    ['/usr/bin/flatpak run ai.jan.Jan', null],
    ['sh -c "SECRET=1 thing"', null],
    ['', null],
  ])('the program of %s', (exec, program) => {
    expect(parseDesktopFile(`[Desktop Entry]\nName=X\nExec=${exec}\n`)?.program).toBe(program);
  });

  test.each([
    ['Cursor-1.2.3-x86_64.AppImage', 'Cursor', '1.2.3'],
    ['LM-Studio-0.3.30-2-x64.AppImage', 'LM-Studio', '0.3.30-2'],
    ['jan-linux-x86_64-0.6.10.AppImage', 'jan', '0.6.10'],
    ['Msty_x86_64_amd64.AppImage', 'Msty', null],
    ['lmstudio.appimage', 'lmstudio', null],
    ['.AppImage', '.AppImage', null],
  ])('the AppImage %s', (file, name, version) => expect(appImageName(file)).toEqual({ name, version }));
});

describe('property lists', () => {
  const wanted = new Set(['CFBundleIdentifier', 'CFBundleName']);

  test.each(['Info.plist', 'Info-binary.plist'])('%s: cut or changed anywhere, it answers', (name) => {
    const whole = fixture(name);
    fc.assert(
      fc.property(fc.nat(whole.length), fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 20 }), (length, changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        for (const damaged of [bytes, bytes.subarray(0, length), bytes.subarray(length)]) {
          for (const [key, value] of plistStrings(damaged, wanted)) {
            expect(wanted).toContain(key);
            expect(typeof value).toBe('string');
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a binary list that claims to have a billion keys is given up at once', () => {
    // A dictionary whose count is an eight-byte number, in a file of a megabyte whose every reference leads back to it.
    const bytes = Buffer.alloc(1024 * 1024, 0);
    bytes.write('bplist00', 'latin1');
    Buffer.from([0xdf, 0x12, 0x3b, 0x9a, 0xca, 0x00]).copy(bytes, 8);
    const trailer = bytes.length - 32;
    bytes[trailer + 6] = 1;
    bytes[trailer + 7] = 1;
    bytes.writeBigUInt64BE(1n, trailer + 8);
    bytes.writeBigUInt64BE(14n, trailer + 24);
    bytes[14] = 8;
    expect(plistStrings(bytes, wanted).size).toBe(0);
  });

  test('XML: what is nested, commented out or behind the end is not taken', () => {
    expect(plistStrings(fixture('Info.plist'), new Set(['CFBundleIdentifier', 'API_KEY', 'NSPrincipalClass']))).toEqual(
      new Map([
        ['CFBundleIdentifier', 'ai.elementlabs.lmstudio'],
        ['NSPrincipalClass', ''],
      ]),
    );
    const after =
      '<plist><dict><key>CFBundleName</key><true/><key>X</key><string>x</string></dict><dict><key>CFBundleName</key><string>y</string></dict></plist>';
    expect(plistStrings(Buffer.from(after), wanted)).toEqual(new Map());
  });
});

describe('names', () => {
  test('Python metadata folders', () => {
    expect(distributionOf('aider_chat-0.86.1.dist-info')).toEqual({ name: 'aider-chat', version: '0.86.1' });
    expect(distributionOf('Foo.Bar-1.0-py3.11.egg-info')).toEqual({ name: 'foo-bar', version: '1.0' });
    expect(distributionOf('torch-2.3.0+cu118.dist-info')).toEqual({ name: 'torch', version: '2.3.0+cu118' });
    expect(distributionOf('~ip-23.0.dist-info')).toBeNull();
    expect(distributionOf('aider')).toBeNull();
  });

  test('crates, in both forms that cargo writes, without their sources', () => {
    const toml = '[v1]\n"aichat 0.30.0 (registry+https://example.org/index)" = ["aichat"]\n"x 0.1.0-rc.1 (path+file:///home/ada/x)" = []\n';
    expect(cratesIn(toml)).toEqual([
      { name: 'aichat', version: '0.30.0' },
      { name: 'x', version: '0.1.0-rc.1' },
    ]);
  });

  test('a version or a name is one short line whatever stood in the file', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(plainVersion(text) ?? '1').toMatch(/^[\w.+~:,@() -]{1,64}$/);
        expect(plainName(text) ?? 'x').toMatch(/^[^\p{Cc}]{1,200}$/u);
      }),
    );
  });
});

test('every parser is linear: a megabyte of the worst that could be thought of takes no second', () => {
  const mega = (piece: string) => piece.repeat(Math.ceil((1024 * 1024) / piece.length));
  const began = process.cpuUsage();
  parseRegistry(mega('    DisplayName    REG_SZREG_SZ'), new Set(['displayname']));
  parseRegistry(mega('    DisplayName    REG_S\n'), new Set(['displayname']));
  parseRegistry(mega('    '), new Set());
  dpkgPackages(mega('Package: a\n'), () => true);
  dpkgPackages(`Package: a\n${mega('Status: a ')}`, () => true);
  dpkgPackages(mega('Package: '), () => true);
  parseDesktopFile(`[Desktop Entry]\nExec=${mega('"\\')}`);
  parseDesktopFile(`[Desktop Entry]\n${mega('Exec=" \n')}`);
  cratesIn(mega('"a 1 ('));
  cratesIn(mega('"'));
  distributionOf(mega('a-1'));
  appImageName(mega('-1.1'));
  plistStrings(Buffer.from(mega('<dict>')), new Set(['x']));
  plistStrings(Buffer.from(mega('<key>')), new Set(['x']));
  plistStrings(Buffer.from(mega('<!--')), new Set(['x']));
  plistStrings(Buffer.from(`<dict>${mega('<string>&amp;')}`), new Set(['x']));
  expect(process.cpuUsage(began).user / 1000).toBeLessThan(10_000);
});
