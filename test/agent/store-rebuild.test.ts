/** Damage of every kind: the old file is set aside as it is, the new one opens, and what can be read of requests and first sightings is in it. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMigrations } from '../../agent/assets.ts';
import { DatabaseError } from '../../agent/sqlite.ts';
import { openOrRebuild, openStore, type Store } from '../../agent/store/store.ts';
import type { ApprovalRequest } from '../../electron/contract.ts';
import { needs } from '../capability.ts';

const migrations = readMigrations();
const now = new Date('2026-11-22T09:00:00.000Z');
const PAGE = 4096;
const child = fileURLToPath(new URL('store-child.ts', import.meta.url));
let folder: string;
let file: string;
const stores: Store[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'muster-rebuild-'));
  file = path.join(folder, 'muster.db');
});
afterEach(() => {
  for (const store of stores.splice(0)) store.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = () => {
  const opened = openOrRebuild(file, { migrations, now, busyMs: 50 });
  stores.push(opened.store);
  return opened;
};
const requests: ApprovalRequest[] = Array.from({ length: 120 }, (_, index) => ({
  id: `019ddb2e-0000-7000-8000-${String(index).padStart(12, '0')}`,
  item: 'codex',
  itemName: 'Codex',
  tier: null,
  dataClass: null,
  until: null,
  reason: `${index} `.repeat(90),
  state: 'open',
  createdAt: new Date(now.getTime() + index).toISOString(),
  updatedAt: now.toISOString(),
  answer: null,
  added: null,
}));
/** A database with something in every table; everything in the file itself unless `log` is left. */
function fill(): void {
  const store = openStore(file, { migrations });
  for (const request of requests) store.addRequest(request);
  const trace = {
    kind: 'process',
    strength: 'certain',
    surface: 'cli',
    target: null,
    home: '~',
    version: null,
    manager: null,
    name: null,
  } as const;
  const tools = Array.from({ length: 60 }, (_, index) => `tool-${index}`);
  store.see(
    tools.flatMap((tool) => [1, 2, 3].map((place) => ({ ...trace, tool, path: `~/bin/${place}/${tool}` }))),
    now,
    tools,
  );
  store.addUsage(tools.map((tool) => ({ day: '2026-11-22', tool, runS: 1, frontS: 1, launches: 1 })));
  store.tell(['inventory'], now);
  store.looked(now, 100);
  store.close();
}
const contents = (store: Store) => ({
  requests: store.requests(),
  tools: store.tools(),
  evidence: store.evidence(),
  usage: store.usage('2026-01-01'),
  told: store.told(),
  look: store.lastLook(),
});
const overwrite = (at: number, bytes: Uint8Array) => {
  const whole = readFileSync(file);
  whole.set(bytes.subarray(0, Math.max(0, whole.length - at)), at);
  writeFileSync(file, whole);
};

it('leaves a sound database alone', () => {
  fill();
  expect(open().rebuilt).toBeNull();
  expect(stores[0]?.requests()).toEqual(requests);
  stores.pop()?.close();
  expect(readdirSync(folder)).toEqual(['muster.db']);
});

it('makes one where there is none', () => {
  expect(open().rebuilt).toBeNull();
});

describe('a damaged database', () => {
  it.each([
    ['the first 16 bytes', () => overwrite(0, Buffer.alloc(16, 0x41))],
    ['the whole header', () => overwrite(0, Buffer.alloc(100, 0xff))],
  ])('is rebuilt without a loss: %s', (_, damage) => {
    fill();
    stores.push(openStore(file, { migrations, readOnly: true }));
    const before = contents(stores[0] as Store);
    damage();
    const damaged = readFileSync(file);
    const { store, rebuilt } = open();
    expect(rebuilt).toEqual({ setAside: `${file}.corrupt-20261122T090000Z`, requestsKept: requests.length, lost: false });
    expect(contents(store)).toEqual(before);
    expect(readFileSync(`${file}.corrupt-20261122T090000Z`)).toEqual(damaged);
    expect(readdirSync(folder).filter((name) => /new|salvage/.test(name))).toEqual([]);
  });

  it('keeps what other pages hold, whichever page is overwritten', () => {
    fill();
    const sound = readFileSync(file);
    const kept: number[] = [];
    for (let page = 1; page < sound.length / PAGE; page++) {
      writeFileSync(file, sound);
      overwrite(page * PAGE, Buffer.alloc(PAGE, 0x5a));
      const { store, rebuilt } = open();
      if (rebuilt) {
        expect(store.requests().length).toBe(rebuilt.requestsKept);
        kept.push(rebuilt.requestsKept);
      }
      for (const request of store.requests()) expect(request).toEqual(requests.find(({ id }) => id === request.id));
      if (!rebuilt?.lost) expect(store.requests()).toEqual(requests);
      store.close();
      for (const name of readdirSync(folder)) if (name !== 'muster.db') rmSync(path.join(folder, name));
    }
    // One page less is a few requests less, but for the few pages that say where all the others are.
    expect(kept.length).toBeGreaterThan(10);
    expect(kept.filter((count) => count < requests.length - 40).length).toBeLessThanOrEqual(4);
  });

  it('opens after any damage, and takes nonsense for no request', () => {
    fill();
    const sound = readFileSync(file);
    const noise = fc.record({ at: fc.nat(sound.length), bytes: fc.uint8Array({ minLength: 1, maxLength: 6000 }) });
    fc.assert(
      fc.property(fc.array(noise, { minLength: 1, maxLength: 3 }), fc.option(fc.nat(sound.length)), (damages, cut) => {
        writeFileSync(file, sound);
        for (const { at, bytes } of damages) overwrite(at, bytes);
        if (cut !== null) truncateSync(file, cut);
        try {
          const { store } = open();
          contents(store);
          for (const { id, state } of store.requests()) expect([typeof id, state]).toEqual(['string', 'open']);
          store.close();
        } catch (error) {
          // The version's four bytes are as good as any: such a file is refused, and left as it is.
          if (!(error instanceof DatabaseError) || error.code !== 'newer') throw error;
        }
        for (const name of readdirSync(folder)) if (name !== 'muster.db') rmSync(path.join(folder, name), { recursive: true });
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it.each([
    ['state', `${requests[7]?.reason}open`, `${requests[7]?.reason}opeo`],
    ['id', '019ddb2e-0000-7000-8000-000000000007', '019ddb2e-0000-7000-8000-00000000000g'],
    ['time', new Date(now.getTime() + 7).toISOString(), '2026-11-22T09:00:00.0g7Z'],
  ])('takes a request with a damaged %s for none, though SQLite finds nothing wrong', (_what, before, after) => {
    fill();
    // Everywhere: an id stands in its index too, and what a page held before it was split may still lie in it.
    let count = 0;
    for (let at = readFileSync(file).indexOf(before); at >= 0; at = readFileSync(file).indexOf(before, at + 1), count++)
      overwrite(at, Buffer.from(after));
    expect(count).toBeGreaterThan(0);
    const { store, rebuilt } = open();
    expect(rebuilt).toMatchObject({ requestsKept: requests.length - 1, lost: true });
    expect(store.requests()).toEqual(requests.filter((_request, index) => index !== 7));
  });

  it.each([1, 99, 100, 4000, PAGE, 5 * PAGE + 17, 40 * PAGE])('is rebuilt when cut off at %i bytes', (length) => {
    fill();
    truncateSync(file, length);
    const { store, rebuilt } = open();
    expect(rebuilt).toMatchObject({ lost: true, requestsKept: store.requests().length });
    if (length > 30 * PAGE) expect(rebuilt?.requestsKept).toBeGreaterThan(0);
  });

  it('is a new one when it was emptied, and what the log held is kept', () => {
    fill();
    writeFileSync(file, '');
    expect(open()).toMatchObject({ rebuilt: null });
    stores.pop()?.close();
    rmSync(file);
    spawnSync(process.execPath, [child, 'crash', file]);
    expect(existsSync(`${file}-wal`)).toBe(true);
    writeFileSync(file, '');
    const { store, rebuilt } = open();
    expect(rebuilt).not.toBeNull();
    expect(store.told()).toEqual({ inventory: new Date(0).toISOString() });
  });

  it('opens past a log of garbage', () => {
    fill();
    writeFileSync(`${file}-wal`, Buffer.alloc(50_000, 0x77));
    const { store, rebuilt } = open();
    expect(rebuilt).toBeNull();
    expect(store.requests()).toEqual(requests);
  });

  it('may be a folder in its place', () => {
    mkdirSync(file);
    writeFileSync(path.join(file, 'somebody’s'), 'work');
    expect(open().rebuilt).toMatchObject({ requestsKept: 0, lost: true });
    expect(readFileSync(path.join(`${file}.corrupt-20261122T090000Z`, 'somebody’s'), 'utf8')).toBe('work');
  });

  it('keeps every set-aside file, also of the same second', () => {
    for (let round = 0; round < 3; round++) {
      writeFileSync(
        file,
        `round ${round}: not a database, and long enough to be read as one that is damaged in its header`.padEnd(200, '.'),
      );
      open().store.close();
    }
    const aside = readdirSync(folder).filter((name) => name.includes('corrupt'));
    expect(aside.map((name) => readFileSync(path.join(folder, name), 'utf8').slice(0, 7))).toEqual(['round 0', 'round 1', 'round 2']);
  });
});

describe('a rebuild that is interrupted', () => {
  it('goes on where the new file was whole and had not yet taken its place', () => {
    fill();
    renameSync(file, `${file}.new`);
    // The old file is away already and its log is not: played into the new one it would be the next damage.
    spawnSync(process.execPath, [child, 'crash', path.join(folder, 'old.db')]);
    copyFileSync(path.join(folder, 'old.db-wal'), `${file}-wal`);
    const { store, rebuilt } = open();
    expect(rebuilt).toBeNull();
    expect(store.requests()).toEqual(requests);
    expect(store.told()).toEqual({ inventory: now.toISOString() });
    expect(existsSync(`${file}.corrupt-20261122T090000Z-wal`)).toBe(true);
  });

  it('begins again where the new file was not whole', () => {
    fill();
    writeFileSync(`${file}.new`, 'half of a');
    writeFileSync(`${file}.salvage`, 'half of a');
    overwrite(0, Buffer.alloc(100));
    expect(open().rebuilt).toMatchObject({ requestsKept: requests.length, lost: false });
  });

  needs('small-disk').it('by a full disk leaves the damaged file in its place', () => {
    const disk = path.join(folder, 'disk');
    mkdirSync(disk);
    fill();
    overwrite(0, Buffer.alloc(100));
    const damaged = readFileSync(file);
    const size = Math.ceil(damaged.length / 1024) + 60;
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}k`, 'none', disk]).status).toBe(0);
    try {
      copyFileSync(file, path.join(disk, 'muster.db'));
      file = path.join(disk, 'muster.db');
      expect(() => open()).toThrow('the disk is full; free some space and try again, nothing that was stored is lost.');
      expect(readFileSync(file)).toEqual(damaged);
      spawnSync('mount', ['-o', 'remount,size=8m', disk]);
      const { store, rebuilt } = open();
      expect(rebuilt?.requestsKept).toBe(requests.length);
      store.close();
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});

it('is no remedy for a lock', () => {
  fill();
  const store = openStore(file, { migrations });
  stores.push(store);
  expect(open().rebuilt).toBeNull();
});
