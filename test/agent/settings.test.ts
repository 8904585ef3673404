/** Settings in three layers: what is managed wins over the user's and that over the defaults, each says where it came from, and nothing wrong is quoted. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createProblems } from '../../agent/problems.ts';
import { parsePolicyKey } from '../../agent/settings/win32.ts';
import { createSettings, liveSettings, readSettings } from '../../agent/settings.ts';
import { needs } from '../capability.ts';
import { fakeOs } from '../fakes.ts';
import { temporary, write } from './muster.ts';

const scratch = temporary('settings');
let machines = 0;
const KEY = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) };

/** A computer with no settings at all; `managed` is its /etc/muster/policy.d. */
function computer() {
  const root = path.join(scratch, String(machines++));
  const dataDir = path.join(root, 'data');
  fs.mkdirSync(dataDir, { recursive: true });
  return {
    os: fakeOs({ root }),
    root,
    dataDir,
    file: path.join(dataDir, 'settings.json'),
    managed: path.join(root, 'etc/muster/policy.d'),
  };
}
const { os, dataDir, file } = computer();
const read = (content: string | object | Buffer) => {
  write(file, content);
  return readSettings(os, dataDir);
};
const details = (issues: readonly { detail: string }[]) => issues.map(({ detail }) => detail);

describe('the user’s settings', () => {
  it('are the defaults without a file, and say where each comes from', async () => {
    fs.rmSync(file, { force: true });
    const none = await readSettings(os, dataDir);
    expect([none.values.pollSeconds, none.issues]).toEqual([15, []]);
    expect(none.settings[0]).toEqual({ name: 'pollSeconds', value: '15', source: 'default', from: null, overrides: [] });
    const { values, settings, issues } = await read({ pollSeconds: 5 });
    expect([values.pollSeconds, values.lookMinutes, issues]).toEqual([5, 15, []]);
    const overrides = [{ source: 'default', from: null, value: '15' }];
    expect(settings[0]).toEqual({ name: 'pollSeconds', value: '5', source: 'user', from: file, overrides });
    expect((await read('\uFEFF{"lookMinutes": 30}')).values.lookMinutes).toBe(30);
    expect((await read({ projectFolders: ['/srv/shop'], $schema: 'x' })).values.projectFolders).toEqual(['/srv/shop']);
  });

  it.each<[string, string | object, RegExp]>([
    ['no JSON', '{"pollSeconds": hunter2}', /^it is not valid JSON$/],
    ['a wrong type', { pollSeconds: 'hunter2' }, /^pollSeconds: /],
    ['a number as text', { pollSeconds: '5' }, /^pollSeconds: /],
    ['a relative folder', { projectFolders: ['hunter2'] }, /^projectFolders\.0: is not an absolute path$/],
    ['out of range', { pollSeconds: 0 }, /^pollSeconds: /],
    ['an unknown name', { pollSecond: 'hunter2' }, /^pollSecond: there is no such setting$/],
    ['what only an administrator may say', { allowActions: ['end-process'] }, /^allowActions: only managed settings may say this$/],
    ['no object', '[]', /^it is not an object$/],
    ['huge', ' '.repeat(300_000), /can’t be read \(300000 bytes, more than 262144\)/],
  ])('%s is an issue, the defaults stay, and no value is quoted', async (_what, content, words) => {
    const { values, issues } = await read(content);
    expect([values.pollSeconds, values.allowActions]).toEqual([15, []]);
    expect(details(issues).join()).toMatch(words);
    expect(JSON.stringify(issues)).not.toContain('hunter2');
  });

  it('lose one setting that is wrong, and no other', async () => {
    const { values, issues } = await read({ pollSeconds: 'x', lookMinutes: 30, colour: 1 });
    expect(values).toMatchObject({ pollSeconds: 15, lookMinutes: 30 });
    expect(issues).toHaveLength(2);
  });

  it('never throw, whatever the file holds', async () => {
    const content = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .dictionary(fc.constantFrom('pollSeconds', 'projectFolders', 'collect', '__proto__', 'toString'), fc.jsonValue())
        .map((value) => JSON.stringify(value)),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        const { values } = await read(bytes);
        expect(values.pollSeconds).toBeGreaterThan(0);
      }),
      { numRuns: 100 },
    );
  });
});

needs('root').describe('managed settings on Linux', () => {
  it('win over the user’s in the order of their names, and show what they override', async () => {
    const { os, dataDir, file, managed } = computer();
    write(file, { lookMinutes: 30, pollSeconds: 5 });
    write(path.join(managed, '10-base.json'), { lookMinutes: 20, tenant: 'acme', person: 'ada@acme.example' });
    write(path.join(managed, '20-more.json'), { lookMinutes: 10, allowActions: ['disable-entry'], policyRootKeys: [KEY] });
    write(path.join(managed, '30-note.txt'), 'no settings');
    const { values, settings, issues } = await readSettings(os, dataDir);
    expect(issues).toEqual([]);
    expect(values).toMatchObject({
      lookMinutes: 10,
      pollSeconds: 5,
      tenant: 'acme',
      allowActions: ['disable-entry'],
      policyRootKeys: [KEY],
    });
    expect(settings.find(({ name }) => name === 'lookMinutes')).toMatchObject({
      value: '10',
      source: 'managed',
      from: path.join(managed, '20-more.json'),
      overrides: [
        { value: '20', source: 'managed' },
        { value: '30', source: 'user' },
        { value: '15', source: 'default' },
      ],
    });
  });

  it('never show the secret of enrolment', async () => {
    const { os, dataDir, managed } = computer();
    write(path.join(managed, 'a.json'), {
      enrollSecret: 'hunter2-hunter2',
      collectorUrl: 'https://ada:hunter2@acme.example',
      colour: 'hunter2',
    });
    const { values, settings, issues } = await readSettings(os, dataDir);
    expect(values.enrollSecret).toBe('hunter2-hunter2');
    expect(values.collectorUrl).toBeUndefined();
    expect(JSON.stringify([settings, issues])).not.toContain('hunter2');
    expect(settings.find(({ name }) => name === 'enrollSecret')?.value).toBe('set, and not shown');
  });

  it('are refused where somebody else could have written them', async () => {
    const cases: [what: string, spoil: (folder: string, file: string) => void, words: RegExp][] = [
      ['a file of another account', (_folder, one) => fs.chownSync(one, 1000, 0), /^it belongs to another account than root$/],
      ['a file that a group may write', (_folder, one) => fs.chmodSync(one, 0o664), /^other accounts than root may write it$/],
      ['a folder of another account', (folder) => fs.chownSync(folder, 1000, 0), /^it belongs to another account than root$/],
      ['a folder that all may write', (folder) => fs.chmodSync(folder, 0o777), /^other accounts than root may write it$/],
      ['a folder around it', (folder) => fs.chmodSync(path.dirname(folder), 0o775), /^other accounts than root may write it$/],
      ['a link', (folder, one) => fs.renameSync(one, `${folder}/../b`) ?? fs.symlinkSync('../b', one), /^it is no ordinary file$/],
      ['no JSON', (_folder, one) => fs.writeFileSync(one, '{hunter2'), /^it is not valid JSON$/],
    ];
    for (const [what, spoil, words] of cases) {
      const { os, dataDir, managed } = computer();
      const one = write(path.join(managed, 'a.json'), { allowActions: ['end-process'] });
      spoil(managed, one);
      const { values, issues } = await readSettings(os, dataDir);
      expect([what, values.allowActions]).toEqual([what, []]);
      expect(details(issues).join(), what).toMatch(words);
      expect(
        issues.every(({ refused }) => refused),
        what,
      ).toBe(true);
    }
  });

  it('can take the user’s settings away', async () => {
    const { os, dataDir, file, managed } = computer();
    write(file, { pollSeconds: 5 });
    write(path.join(managed, 'a.json'), { userMayChangeSettings: false });
    const { values, issues } = await readSettings(os, dataDir);
    expect(values.pollSeconds).toBe(15);
    expect(details(issues)).toEqual(['the managed settings don’t allow settings of the user’s own']);
  });

  it('are noticed while the agent runs, and their problems end with them', async () => {
    const { os, dataDir, managed } = computer();
    const problems = createProblems();
    const source = createSettings(os, dataDir, null, problems);
    const live = liveSettings(source);
    await source.reload();
    expect([source.changed(), live.pollSeconds]).toEqual([false, 15]);
    const one = write(path.join(managed, 'a.json'), { pollSeconds: 7 });
    expect(source.changed()).toBe(true);
    await source.reload();
    expect([source.changed(), live.pollSeconds]).toEqual([false, 7]);
    fs.chmodSync(one, 0o666);
    expect(source.changed()).toBe(true);
    await source.reload();
    expect([live.pollSeconds, problems.list().map(({ code }) => code)]).toEqual([15, ['managed-settings-refused']]);
    fs.rmSync(one);
    await source.reload();
    expect(problems.list()).toEqual([]);
  });
});

describe('managed settings on Windows', () => {
  const ROOT = 'HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Muster';
  const answer = [
    ROOT,
    '    PollSeconds    REG_DWORD    0x1e',
    '    UserMayChangeSettings    REG_DWORD    0x0',
    '    CollectorUrl    REG_SZ    https://collector.acme.example/a b',
    `    PolicyRootKeys    REG_MULTI_SZ    ${JSON.stringify(KEY)}\\0${JSON.stringify({ ...KEY, x: 'B'.repeat(43) })}`,
    '    Settings    REG_SZ    {"tenant":"acme","pollSeconds":99}',
    '    LookMinutes    REG_BINARY    00',
    '',
    `${ROOT}\\AllowActions`,
    '    2    REG_SZ    end-process',
    '    1    REG_SZ    disable-entry',
    `${ROOT}\\AllowActions\\Deeper`,
    '    1    REG_SZ    hunter2',
    '',
  ].join('\r\n');
  const windows = (said: string | Error) => fakeOs({ root: computer().root, platform: 'win32', programs: () => said });

  it('are read as the registry keeps them', async () => {
    const { values, issues } = await readSettings(windows(answer), computer().dataDir);
    expect(issues).toEqual([]);
    expect(values).toMatchObject({
      pollSeconds: 30,
      userMayChangeSettings: false,
      tenant: 'acme',
      allowActions: ['disable-entry', 'end-process'],
    });
    expect([values.collectorUrl, values.policyRootKeys?.length]).toEqual(['https://collector.acme.example/a b', 2]);
  });

  it('may be absent, and say where they can’t be asked', async () => {
    const { dataDir } = computer();
    expect((await readSettings(windows(Object.assign(new Error(), { code: 1 })), dataDir)).issues).toEqual([]);
    const refused = await readSettings(windows(Object.assign(new Error(), { code: 'ENOENT' })), dataDir);
    expect(refused.issues).toMatchObject([{ detail: 'reg.exe could not be asked (ENOENT)', refused: true }]);
  });

  it('are read without an exception from whatever is printed', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(ROOT, `${ROOT}\\X`, '    a    REG_SZ    b', '    __proto__    REG_SZ    b', '    1    REG_DWORD    zz'),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        expect(Object.getPrototypeOf(parsePolicyKey(lines.join('\n')))).toBe(Object.prototype);
      }),
    );
  });
});

needs('root').describe('managed settings on macOS', () => {
  const plist = (values: string) => `<?xml version="1.0"?><plist version="1.0"><dict>${values}</dict></plist>`;

  it('are the computer’s, then this user’s, with values of their own types or text', async () => {
    const { root, dataDir } = computer();
    const os = fakeOs({ root, platform: 'darwin' });
    const folder = path.join(root, 'Library/Managed Preferences');
    write(
      path.join(folder, 'app.muster.desktop.plist'),
      plist(`<key>pollSeconds</key><integer>20</integer><key>PayloadUUID</key><string>x</string>
        <key>projectFolders</key><array><string>/srv/a</string></array><key>lookMinutes</key><string>40</string>`),
    );
    write(
      path.join(folder, 'ada/app.muster.desktop.plist'),
      plist('<key>pollSeconds</key><integer>30</integer><key>Settings</key><string>{"tenant":"acme"}</string>'),
    );
    const { values, issues } = await readSettings(os, dataDir);
    expect(issues).toEqual([]);
    expect(values).toMatchObject({ pollSeconds: 30, lookMinutes: 40, projectFolders: ['/srv/a'], tenant: 'acme' });
  });

  it('are refused where they are not root’s or no list', async () => {
    const { root, dataDir } = computer();
    const os = fakeOs({ root, platform: 'darwin' });
    const one = write(
      path.join(root, 'Library/Managed Preferences/app.muster.desktop.plist'),
      plist('<key>pollSeconds</key><integer>20</integer>'),
    );
    fs.chownSync(one, 1000, 1000);
    expect(details((await readSettings(os, dataDir)).issues)).toEqual(['it belongs to another account than root']);
    fs.chownSync(one, 0, 0);
    fs.writeFileSync(one, 'hunter2');
    expect(details((await readSettings(os, dataDir)).issues)).toEqual(['it is no property list of settings (.plist)']);
  });
});
