/** What can be wrong outside, through the whole command line: a clear sentence, the right exit code, and nothing lost. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, describe, expect, it } from 'vitest';
import type { ApprovalRequest, Inventory } from '../../electron/contract.ts';
import { needs } from '../capability.ts';
import { asked, client, muster, start, temporary, until, watching, write } from './muster.ts';

const NOBODY = 65534;
/** Other accounts and small disks need root. */
const asRoot = needs('root').it;

const mounted: string[] = [];
afterAll(() => {
  for (const folder of mounted) spawnSync('umount', ['-l', folder]);
});

/** A disk of `kib` in memory. */
function smallDisk(kib: number): string {
  const folder = temporary('disk');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', folder]);
  mounted.push(folder);
  return folder;
}

function fill(folder: string): string {
  const file = path.join(folder, 'filler');
  const descriptor = fs.openSync(file, 'w');
  for (const size of [65536, 4096, 512, 1]) {
    try {
      for (;;) fs.writeSync(descriptor, Buffer.alloc(size));
    } catch {
      // Full for pieces of this size.
    }
  }
  fs.closeSync(descriptor);
  return file;
}

const servers = (...names: string[]) => ({
  mcpServers: Object.fromEntries(names.map((name) => [name, { command: 'node', args: [`${name}.js`] }])),
});
const oneLine = (words: RegExp) => expect.stringMatching(new RegExp(`^muster: [^\\n]*${words.source}[^\\n]*\\n$`));

describe('a home and a data folder', () => {
  it('a home that doesn’t exist is named and not made', async () => {
    const home = path.join(temporary('gone'), 'nobody');
    const { code, err } = await muster(home, ['scan']);
    expect([code, err]).toEqual([2, oneLine(/The home folder .*nobody of this account doesn’t exist; name a data folder with --data DIR/)]);
    const named = await muster(home, ['scan', '--data', path.join(temporary('data'), 'd')]);
    expect([named.code, named.err]).toEqual([2, oneLine(/doesn’t exist; name the one to look at with --home DIR/)]);
    expect((await muster(home, ['status', '--data', temporary('data')])).code).toBe(0);
    expect(fs.existsSync(home)).toBe(false);
  });

  it('without HOME the account’s own is used, or the one that is named', async () => {
    const home = temporary('named');
    write(path.join(home, '.cursor/mcp.json'), servers('a'));
    const { mcpServers } = await asked<Inventory>(null, ['scan', '--home', home, '--data', path.join(home, 'data')]);
    expect(mcpServers).toMatchObject([{ name: 'a', configPath: '~/.cursor/mcp.json' }]);
  });

  it('a file in the place of the data folder is named, and stays', async () => {
    const home = temporary('file');
    const file = write(path.join(home, 'data'), 'mine');
    for (const command of [['scan'], ['watch'], ['request', 'cursor', '--reason', 'x']]) {
      const { code, err } = await muster(home, [...command, '--data', file]);
      expect([code, err]).toEqual([4, oneLine(/data can’t be made because a file is in its way; name another one with --data DIR/)]);
    }
    const status = await muster(home, ['status', '--data', file]);
    expect([status.code, status.err]).toEqual([4, oneLine(/data is not a folder; name another one with --data DIR/)]);
    expect((await muster(home, ['doctor', '--data', file])).code).toBe(5);
    expect((await muster(home, ['scan', '--data', path.join(file, 'below')])).code).toBe(4);
    expect(fs.readFileSync(file, 'utf8')).toBe('mine');
  });

  it('a folder that was there keeps its mode', async () => {
    const home = temporary('mode');
    fs.chmodSync(home, 0o755);
    expect((await muster(home, ['scan', '--data', home])).code).toBe(0);
    expect(fs.statSync(home).mode & 0o777).toBe(0o755);
    for (const name of ['muster.db', 'agent.lock', 'device.json']) expect(fs.statSync(path.join(home, name)).mode & 0o077).toBe(0);
  });

  asRoot('another account may read, and do nothing else', async () => {
    const home = temporary('mine');
    const data = path.join(home, 'data');
    const theirs = temporary('theirs');
    fs.chownSync(theirs, NOBODY, NOBODY);
    write(path.join(home, '.cursor/mcp.json'), servers('a'));
    await asked(home, ['scan', '--data', data]);
    for (const entry of [home, data]) fs.chmodSync(entry, 0o755);
    fs.chmodSync(path.join(data, 'muster.db'), 0o644);
    fs.chmodSync(path.join(data, 'device.json'), 0o644);
    const options = { uid: NOBODY };
    const commands = [['scan'], ['watch'], ['doctor'], ['requests'], ['requests', 'withdraw', 'x'], ['request', 'cursor', '--reason', 'x']];
    for (const command of commands) {
      const { code, err } = await muster(theirs, [...command, '--data', data], options);
      expect([command, code, err]).toEqual([command, 4, oneLine(/belongs to another account; run this as that account/)]);
    }
    const before = fs.readdirSync(data).sort();
    const status = await asked<Inventory>(theirs, ['status', '--data', data], options);
    expect(status.mcpServers).toMatchObject([{ name: 'a' }]);
    expect(fs.readdirSync(data).sort()).toEqual(before);
    // What they may not read is said in words too.
    fs.chmodSync(path.join(data, 'muster.db'), 0o600);
    expect((await muster(theirs, ['status', '--data', data], options)).code).toBe(4);
  });

  asRoot('files of another account under a home are reported, not read', async () => {
    const mine = temporary('owner');
    fs.chownSync(mine, NOBODY, NOBODY);
    const other = temporary('other');
    fs.chmodSync(other, 0o755);
    write(path.join(other, '.cursor/mcp.json'), servers('theirs'), 0o644);
    write(path.join(other, '.npm-global/lib/node_modules/opencommit/package.json'), { name: 'opencommit', version: '1.0.0' }, 0o644);
    write(path.join(mine, '.cursor/mcp.json'), servers('not-mine'), 0o644);
    const { mcpServers, tools, problems } = await asked<Inventory>(mine, ['scan', '--home', mine, '--home', other], { uid: NOBODY });
    expect(mcpServers).toEqual([]);
    expect(tools.some(({ id }) => id === 'opencommit')).toBe(false);
    expect(problems.map(({ code, path: at }) => [code, at])).toEqual(
      expect.arrayContaining([
        ['home-not-owned', other],
        ['config-not-owned', '~/.cursor/mcp.json'],
      ]),
    );
  });

  asRoot('a folder that may not be written, and a file that may not be read, are named', async () => {
    const home = temporary('locked');
    fs.chmodSync(home, 0o755);
    const { code, err } = await muster(home, ['scan'], { uid: NOBODY });
    expect([code, err]).toEqual([4, oneLine(/can’t be made because this account may not write there/)]);
    const mine = temporary('mine');
    write(path.join(mine, '.cursor/mcp.json'), servers('a'), 0o000);
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, mine]);
    const { problems } = await asked<Inventory>(mine, ['scan'], { uid: NOBODY });
    expect(problems).toMatchObject([{ code: 'config-refused', path: '~/.cursor/mcp.json', message: expect.stringContaining('EACCES') }]);
    // A database that can be read and not written.
    const file = path.join(mine, '.local/share/muster/muster.db');
    fs.chmodSync(file, 0o400);
    const readOnly = await muster(mine, ['scan'], { uid: NOBODY });
    expect([readOnly.code, readOnly.err]).toEqual([4, oneLine(/can be read but not written; make it and its folder .* writable/)]);
    expect((await muster(mine, ['status'], { uid: NOBODY })).code).toBe(0);
  });
});

describe('a database', () => {
  const inventory = async () => {
    const home = temporary('db');
    write(path.join(home, '.cursor/mcp.json'), servers('a'));
    await asked(home, ['scan']);
    const request = await asked<ApprovalRequest>(home, ['request', 'cursor', '--reason', 'Kept']);
    return { home, request, file: path.join(home, '.local/share/muster/muster.db') };
  };

  it('of the future is refused by name and left alone; one that another program holds is named', async () => {
    const { home, file } = await inventory();
    const holder = new Sqlite(file);
    holder.exec('BEGIN EXCLUSIVE');
    const locked = await muster(home, ['scan', '--json']);
    expect([locked.code, JSON.parse(locked.out).error]).toEqual([
      4,
      { code: 'database', path: file, message: expect.stringContaining('in use by another program') },
    ]);
    holder.exec('ROLLBACK');
    holder.pragma('user_version = 999');
    holder.close();
    const bytes = fs.readFileSync(file);
    for (const command of ['scan', 'status', 'watch']) {
      const { code, err } = await muster(home, [command]);
      expect([code, err]).toEqual([
        4,
        oneLine(/has schema version 999, and this Muster knows versions up to \d+: install the newer Muster again/),
      ]);
    }
    expect((await muster(home, ['doctor'])).code).toBe(5);
    expect(fs.readFileSync(file).equals(bytes)).toBe(true);
  });

  it('that is damaged is set aside and made anew, requests are kept, and that is said', async () => {
    const { home, file, request } = await inventory();
    const bytes = fs.readFileSync(file);
    // The header and schema stay; some page of the rest is garbage.
    const database = new Sqlite(file, { readonly: true });
    const page = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'evidence'").pluck().get() as number;
    database.close();
    bytes.fill(0xff, (page - 1) * 4096, page * 4096);
    fs.writeFileSync(file, bytes);
    expect((await muster(home, ['status'])).code).toBeOneOf([0, 4]);
    const scanned = await asked<Inventory>(home, ['scan']);
    expect(scanned.problems).toMatchObject([{ code: 'database-rebuilt', path: expect.stringMatching(/^~\/.*muster\.db\.corrupt-/) }]);
    expect(scanned.mcpServers).toMatchObject([{ name: 'a', present: true }]);
    expect(await asked<ApprovalRequest[]>(home, ['requests'])).toMatchObject([request]);
    fs.writeFileSync(file, 'this is no database at all, and long enough to have been one'.repeat(100));
    const again = await muster(home, ['status']);
    expect([again.code, again.err]).toEqual([4, oneLine(/is damaged; “muster scan” sets it aside and rebuilds it/)]);
    const { problems } = await asked<Inventory>(home, ['scan']);
    // The record of decisions went with it, and the head that is signed outside of the database says so.
    expect(problems).toMatchObject([{ code: 'evidence-broken' }, { code: 'database-rebuilt' }]);
  });
});

describe('a disk', () => {
  asRoot('that is full is named, nothing is lost', async () => {
    const disk = smallDisk(1024);
    const home = temporary('full');
    const data = path.join(disk, 'data');
    write(path.join(home, '.cursor/mcp.json'), servers('a'));
    await asked(home, ['scan', '--data', data]);
    const filler = fill(disk);
    write(path.join(home, '.cursor/mcp.json'), servers(...Array.from({ length: 400 }, (_, at) => `server-${at}`)));
    const { code, err } = await muster(home, ['scan', '--data', data]);
    expect([code, err]).toEqual([4, oneLine(/the disk is full; free some space/)]);
    expect((await asked<Inventory>(home, ['status', '--data', data])).mcpServers).toMatchObject([{ name: 'a' }]);
    const none = await muster(home, ['scan', '--data', path.join(disk, 'another')]);
    expect([none.code, none.err]).toEqual([4, oneLine(/the disk is full/)]);
    fs.rmSync(filler);
    expect((await asked<Inventory>(home, ['scan', '--data', data])).mcpServers.length).toBe(401);
  });

  asRoot('that fills while watching is a problem that ends by itself', async () => {
    const disk = smallDisk(2048);
    const home = temporary('filling');
    const data = path.join(disk, 'data');
    write(path.join(data, 'settings.json'), { pollSeconds: 0.3 });
    const config = write(path.join(home, '.cursor/mcp.json'), servers('a'));
    const agent = await watching(home, ['--data', data]);
    const window = await client(agent.socket);
    const codes = () => window.state().problems.map(({ code }) => code);
    await until(() => window.state().mcpServers.length === 1, 'the first look ended');
    const filler = fill(disk);
    write(config, servers(...Array.from({ length: 2000 }, (_, at) => `server-${at}`)));
    await until(() => codes().includes('database-failed'), 'the full disk was told');
    await expect(window.api.scan()).rejects.toMatchObject({ code: 'database', message: expect.stringContaining('the disk is full') });
    expect(codes()).toContain('database-failed');
    expect(window.state().mcpServers).toMatchObject([{ name: 'a', present: true }]);
    fs.rmSync(filler);
    write(config, servers('b'));
    await until(() => window.state().mcpServers.some(({ name, present }) => name === 'b' && present), 'it was written again');
    await window.api.scan();
    await until(() => codes().length === 0, 'the problem ended');
    // What could not be written stands nowhere by half: the record is whole, and tells of none of the servers that the disk had no room for.
    expect((await asked<{ ok: boolean }>(home, ['evidence', 'verify', '--data', data])).ok).toBe(true);
    const { out } = await muster(home, ['evidence', 'export', '--format', 'jsonl', '--data', data]);
    expect(out).toContain('"mcp:b"');
    expect(out).not.toContain('mcp:server-');
    agent.kill('SIGTERM');
    expect((await agent.done).code).toBe(0);
  });
});

describe('configs', () => {
  const CURSOR = '.cursor/mcp.json';
  it.each<[string, (file: string) => void, string | null]>([
    ['empty', (file) => write(file, ''), null],
    ['cut off', (file) => write(file, '{"mcpServers": {"a": {"command": "no'), 'config-unreadable'],
    ['binary', (file) => write(file, Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7919) % 256))), 'config-unreadable'],
    ['huge', (file) => write(file, Buffer.alloc(9 * 1024 * 1024, 32)), 'config-refused'],
    ['a loop of links', (file) => fs.symlinkSync(file, file), 'config-refused'],
    ['a named pipe', (file) => void execFileSync('mkfifo', [file]), 'config-refused'],
    ['a folder', (file) => fs.mkdirSync(file), 'config-refused'],
    ['nested without end', (file) => write(file, `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`), 'config-unreadable'],
    ['not an object', (file) => write(file, '[1, 2, 3]'), 'config-unreadable'],
  ])('that is %s: the scan ends soon, says so, and keeps what was good', async (_name, spoil, code) => {
    const home = temporary('config');
    const file = write(path.join(home, CURSOR), servers('good'));
    write(path.join(home, '.gemini/settings.json'), servers('other'));
    await asked(home, ['scan']);
    fs.rmSync(file);
    spoil(file);
    const scanned = await asked<Inventory>(home, ['scan']);
    expect(scanned.durationMs).toBeLessThan(20_000);
    const about = scanned.problems.filter(({ path: at }) => at === `~/${CURSOR}`).map((problem) => problem.code);
    expect(about).toEqual(code === null ? [] : [code]);
    const present = scanned.mcpServers.filter((server) => server.present).map(({ name }) => name);
    expect(present).toEqual(code === null ? ['other'] : ['good', 'other']);
    // Mended, the problem is over.
    fs.rmSync(file, { recursive: true });
    write(file, servers('better'));
    const mended = await asked<Inventory>(home, ['scan']);
    expect(mended.problems).toEqual([]);
  });

  it('of 10,000 servers is read soon, as far as is sensible', async () => {
    const home = temporary('many');
    write(path.join(home, CURSOR), servers(...Array.from({ length: 10_000 }, (_, at) => `server-${at}`)));
    const scanned = await asked<Inventory>(home, ['scan']);
    // No person has so many: the reader stops at 2,000 and says so.
    expect(scanned.mcpServers).toHaveLength(2000);
    expect(scanned.problems).toMatchObject([{ path: '~/.cursor/mcp.json', message: expect.stringContaining('more than 2000 servers') }]);
    expect(scanned.durationMs).toBeLessThan(20_000);
  });

  it('that is three places at once tells what is wrong with it, and for as long as it is', async () => {
    const home = temporary('three');
    const file = write(path.join(home, '.claude.json'), '{ "mcpServers": ');
    expect((await asked<Inventory>(home, ['scan'])).problems).toMatchObject([{ code: 'config-unreadable', path: '~/.claude.json' }]);
    write(file, { mcpServers: { good: { command: 'node' }, bad: 7 } });
    expect((await asked<Inventory>(home, ['scan'])).problems).toMatchObject([{ code: 'server-unreadable', path: '~/.claude.json' }]);
    write(file, servers('good'));
    expect((await asked<Inventory>(home, ['scan'])).problems).toEqual([]);
  });
});

describe('our own files in the data folder', () => {
  it.each<[string, string, (file: string) => void, string]>([
    ['settings', 'settings.json', (file) => write(file, '{"pollSeconds": "often"}'), 'settings-invalid'],
    ['settings', 'settings.json', (file) => void execFileSync('mkfifo', [file]), 'settings-invalid'],
    ['policy', 'policy.json', (file) => void execFileSync('mkfifo', [file]), 'policy-invalid'],
    ['policy', 'policy.json', (file) => write(file, ''), 'policy-invalid'],
  ])('%s that can’t be used are a problem, not an end', async (_what, name, spoil, code) => {
    const home = temporary('own');
    const file = path.join(home, '.local/share/muster', name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    spoil(file);
    expect((await asked<Inventory>(home, ['scan'])).problems).toMatchObject([{ code, path: `~/.local/share/muster/${name}` }]);
  });

  it('a folder in the place of the socket is named', async () => {
    const home = temporary('socket');
    fs.mkdirSync(path.join(home, '.local/share/muster/agent.sock/x'), { recursive: true });
    const child = start(home, ['watch']);
    const { code, err } = await child.done;
    expect([code, err]).toEqual([4, oneLine(/socket .*agent\.sock can’t be made .*; clear what is in its place/)]);
  });
});
