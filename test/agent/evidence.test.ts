/** The record of what was decided: it is written with what it tells, and no edit of it stays unseen. Real files, a real database. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMigrations } from '../../agent/assets.ts';
import { deviceKey, readDeviceKey } from '../../agent/device-key.ts';
import { canonical, checkpointBytes, type EvidenceRow, hashOf, headBytes, verifyChain } from '../../agent/evidence/chain.ts';
import { cell, exported } from '../../agent/evidence/export.ts';
import { headFile, readHead } from '../../agent/evidence/head-file.ts';
import { createEvidence, type EvidenceEntry, type EvidenceLog } from '../../agent/evidence.ts';
import { openOrRebuild, openStore, type Store } from '../../agent/store/store.ts';
import { temporary } from './muster.ts';

const scratch = temporary('evidence');
let folders = 0;
const START = Date.parse('2026-11-22T09:00:00.000Z');
const DAY = 86_400_000;
const device = { id: 'd0000000-0000-4000-8000-000000000000', platform: 'linux', hostname: 'h', user: 'ada' } as const;

/** A data folder with a record; `at` is its clock. */
function record(options: { rows?: number; bytes?: number } = {}) {
  const dataDir = path.join(scratch, String(folders++));
  const file = path.join(dataDir, 'muster.db');
  const migrations = readMigrations();
  const state = { at: START, broken: [] as string[], behind: 0 };
  let store: Store = openStore(file, { migrations });
  const create = (): EvidenceLog =>
    createEvidence({
      ...{ store, dataDir, device, key: () => deviceKey(dataDir), now: () => new Date(state.at), userNames: () => 'hash' },
      onBehind: () => void state.behind++,
      onBroken: (what) => void state.broken.push(what),
      bounds: { rows: options.rows ?? 5000, bytes: options.bytes ?? 5_000_000 },
    });
  let log = create();
  const all = () => [...store.evidenceRows.all()];
  return {
    ...{ dataDir, file, state, all },
    store: () => store,
    log: () => log,
    /** Notes that many, each in a transaction of its own, a minute apart. */
    add(count: number, entry: Partial<EvidenceEntry> = {}) {
      for (let index = 0; index < count; index++) {
        state.at += 60_000;
        log.write((note) => note({ kind: 'verdict', item: `tool-${index}`, was: 'unreviewed', decision: 'approved', ...entry }));
      }
    },
    /** As after the end of the process: another one opens the same folder. */
    restart() {
      store.close();
      store = openStore(file, { migrations });
      log = create();
    },
    close: () => store.close(),
    verify(acknowledged: string | null = null) {
      const key = readDeviceKey(dataDir);
      const head = readHead(dataDir, key);
      return verifyChain(all(), head, key && ((bytes, signature) => key.verify(bytes, signature)), acknowledged);
    },
    /** What somebody with a database program does. */
    tamper(sql: string, ...values: unknown[]) {
      const other = new Sqlite(file);
      other.prepare(sql).run(...values);
      other.close();
    },
    /** Writes the hashes anew from a row on, as somebody does who knows how. */
    recompute(from: number) {
      const rows = all();
      const other = new Sqlite(file);
      let previous = rows.find(({ seq }) => seq === from - 1)?.hash ?? '0'.repeat(64);
      for (const row of rows.filter(({ seq }) => seq >= from)) {
        const hash = hashOf({ ...row, previous });
        other.prepare('UPDATE evidence_log SET previous = ?, hash = ? WHERE seq = ?').run(previous, hash, row.seq);
        previous = hash;
      }
      other.close();
    },
  };
}
type Machine = ReturnType<typeof record>;

/** Any text that reaches a row: names that people write into files. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 400 }),
  fc.constantFrom('\ud800', 'a\0b', '\u202e', '='),
);

describe('the record', () => {
  it('proves itself, whatever is written into it, and in each line of its export', () => {
    const it = record();
    let lines = 0;
    fc.assert(
      fc.property(
        fc.array(
          fc.array(fc.record({ item: fc.option(anyText), decision: anyText, detail: fc.dictionary(anyText, fc.jsonValue()) }), {
            maxLength: 4,
          }),
          {
            maxLength: 4,
          },
        ),
        fc.boolean(),
        (transactions, restarts) => {
          for (const entries of transactions) it.log().write((note) => entries.map((entry) => note({ kind: 'action', ...entry })));
          if (restarts) it.restart();
          it.log().open();
          expect(it.verify()).toMatchObject({ ok: true, findings: [] });
        },
      ),
      { numRuns: 60 },
    );
    for (const line of exported(it.all(), 'jsonl')) {
      const { hash, ...row } = JSON.parse(line);
      expect(createHash('sha256').update(canonical(row)).digest('hex')).toBe(hash);
      lines++;
    }
    expect(lines).toBeGreaterThan(50);
    expect(it.state).toMatchObject({ broken: [], behind: 0 });
    it.close();
  });

  it('holds nothing of what was undone, and loses nothing of what was done', () => {
    const it = record();
    it.add(2);
    const bad = () =>
      it.log().write((note) => {
        it.store().tell(['inventory'], new Date(0));
        note({ kind: 'request', decision: 'open' });
        throw new Error('full');
      });
    expect(bad).toThrow('full');
    expect(it.store().told()).toEqual({});
    expect(it.all().map(({ kind }) => kind)).toEqual(['start', 'verdict', 'verdict']);
    it.add(1);
    expect(it.verify()).toMatchObject({ ok: true, count: 4, rows: 4 });
    it.close();
  });

  it('names the account by what only this device can make of its name', () => {
    const [one, other] = [record(), record()];
    for (const it of [one, other]) it.add(2);
    const users = [one, other].map((it) => [...new Set(it.all().map(({ user }) => user))]);
    expect(users.map((names) => names.length)).toEqual([1, 1]);
    expect(users[0]).not.toEqual(users[1]);
    expect(users[0]?.[0]).toMatch(/^user:[\w-]{22}$/);
    for (const it of [one, other]) it.close();
  });

  it('keeps its key and its head to the owner, and the key out of everything else', () => {
    const it = record();
    it.add(3);
    const modes = ['device-key.json', 'evidence-head.json'].map((name) => fs.statSync(path.join(it.dataDir, name)).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600]);
    const { d, salt } = JSON.parse(fs.readFileSync(path.join(it.dataDir, 'device-key.json'), 'utf8'));
    it.close();
    const others = fs.readdirSync(it.dataDir).filter((name) => name !== 'device-key.json');
    expect(others).toContain('muster.db');
    for (const name of others) {
      const text = fs.readFileSync(path.join(it.dataDir, name), 'latin1');
      expect(text.includes(d) || text.includes(salt), name).toBe(false);
    }
  });
});

/** What somebody does to the record of ten rows, and what is said of it. */
const ATTACKS: readonly [name: string, attack: (it: Machine) => void, code: string, row: number | null][] = [
  ['a changed decision', (it) => it.tamper("UPDATE evidence_log SET decision = 'approvee' WHERE seq = 4"), 'changed', 4],
  ['a space in what a row says', (it) => it.tamper("UPDATE evidence_log SET detail = detail || ' ' WHERE seq = 4"), 'changed', 4],
  ['a changed rule that was null', (it) => it.tamper("UPDATE evidence_log SET rule = '' WHERE seq = 4"), 'changed', 4],
  ['a deleted row', (it) => it.tamper('DELETE FROM evidence_log WHERE seq = 4'), 'missing', 4],
  ['the first row deleted', (it) => it.tamper('DELETE FROM evidence_log WHERE seq = 1'), 'missing', 1],
  [
    'two rows that changed places',
    (it) => {
      it.tamper('UPDATE evidence_log SET seq = 99 WHERE seq = 4');
      it.tamper('UPDATE evidence_log SET seq = 4 WHERE seq = 5');
      it.tamper('UPDATE evidence_log SET seq = 5 WHERE seq = 99');
    },
    'changed',
    4,
  ],
  ['a cut tail', (it) => it.tamper('DELETE FROM evidence_log WHERE seq > 7'), 'cut', 8],
  ['everything deleted', (it) => it.tamper('DELETE FROM evidence_log'), 'cut', 1],
  [
    'a chain that was computed anew',
    (it) => {
      it.tamper("UPDATE evidence_log SET decision = 'prohibited' WHERE seq = 4");
      it.recompute(4);
    },
    'other-chain',
    10,
  ],
  [
    'a deleted row, and the rest numbered and computed anew',
    (it) => {
      it.tamper('DELETE FROM evidence_log WHERE seq = 4');
      for (let seq = 5; seq <= 10; seq++) it.tamper('UPDATE evidence_log SET seq = ? WHERE seq = ?', seq - 1, seq);
      it.recompute(4);
    },
    'cut',
    10,
  ],
  [
    'a head that another key signed',
    (it) => {
      it.tamper('DELETE FROM evidence_log WHERE seq > 7');
      const { privateKey } = generateKeyPairSync('ed25519');
      const head = { count: 7, head: it.all().at(-1)?.hash ?? '', time: new Date(START).toISOString(), device: device.id };
      const signature = sign(null, Buffer.from(headBytes(head)), privateKey).toString('base64url');
      fs.writeFileSync(headFile(it.dataDir), JSON.stringify({ ...head, signature }));
    },
    'head-unsigned',
    null,
  ],
  ['a head that is no head', (it) => fs.writeFileSync(headFile(it.dataDir), '{}'), 'head-unsigned', null],
  ['no head', (it) => fs.rmSync(headFile(it.dataDir)), 'head-missing', null],
  ['no key', (it) => fs.rmSync(path.join(it.dataDir, 'device-key.json')), 'key-missing', null],
  [
    'another key',
    (it) => {
      fs.rmSync(path.join(it.dataDir, 'device-key.json'));
      deviceKey(it.dataDir);
    },
    'head-unsigned',
    null,
  ],
  [
    'a checkpoint that nobody signed, for rows that were deleted',
    (it) => {
      const rows = it.all();
      const dropped = { through: 4, firstHash: rows[0]?.hash, lastHash: rows[3]?.hash, byAge: 4, bySize: 0, breaks: 0 };
      const detail = canonical({ dropped, signature: 'AAAA' });
      it.tamper('DELETE FROM evidence_log WHERE seq <= 4');
      it.tamper("UPDATE evidence_log SET kind = 'checkpoint', detail = ? WHERE seq = 10", detail);
      it.recompute(10);
    },
    'checkpoint',
    10,
  ],
];

describe('an edit of the record', () => {
  it.each(ATTACKS)('%s is found, with the row', (_name, attack, code, row) => {
    const it = record();
    it.add(9);
    expect(it.verify()).toMatchObject({ ok: true, count: 10 });
    attack(it);
    const { ok, findings } = it.verify();
    expect(ok).toBe(false);
    expect(findings.map((finding) => finding.code)).toContain(code);
    expect(findings.find((finding) => finding.code === code)?.row).toBe(row);
    if (row !== null) expect(findings.find((finding) => finding.code === code)?.message).toContain(String(row));
    it.close();
  });

  it('of any one byte of any column of any row is found, and nothing before that row is suspected', () => {
    const it = record();
    it.add(6, { rule: 'r1', policyRev: 7, detail: { mode: 'warn', tiers: ['pro'] } });
    const rows = it.all();
    const head = readHead(it.dataDir, readDeviceKey(it.dataDir));
    it.close();
    const columns = Object.keys(rows[0] ?? {}) as (keyof EvidenceRow)[];
    fc.assert(
      fc.property(
        fc.nat(rows.length - 1),
        fc.constantFrom(...columns),
        fc.nat(400),
        fc.integer({ min: 1, max: 255 }),
        (index, column, at, by) => {
          const before = rows[index] as EvidenceRow;
          const value = before[column];
          fc.pre(value !== null && value !== '');
          const bytes = Buffer.from(String(value), 'latin1');
          bytes[at % bytes.length] = ((bytes[at % bytes.length] ?? 0) + by) % 256;
          const changed = typeof value === 'number' ? value + by : bytes.toString('latin1');
          const edited = rows.map((row, where) => (where === index ? { ...row, [column]: changed } : row));
          const { ok, findings } = verifyChain(edited, head, () => true);
          expect(ok).toBe(false);
          expect(Math.min(...findings.map(({ row }) => row ?? 99))).toBeGreaterThanOrEqual(before.seq);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('that puts an old copy of everything back is found by a hash that was seen outside', () => {
    const it = record();
    it.add(4);
    it.restart();
    const old = [it.file, headFile(it.dataDir)].map((file) => [file, fs.readFileSync(file)] as const);
    it.restart();
    it.add(4);
    const seen = it.log().head()?.head ?? '';
    expect(it.verify(seen).ok).toBe(true);
    it.close();
    for (const [file, bytes] of old) {
      fs.rmSync(file, { force: true });
      fs.writeFileSync(file, bytes);
    }
    it.restart();
    expect(it.verify().ok).toBe(true);
    expect(it.verify(seen)).toMatchObject({ ok: false, findings: [{ code: 'not-acknowledged' }] });
    it.close();
  });

  it.each([
    ['a cut tail', (it: Machine) => it.tamper('DELETE FROM evidence_log WHERE seq > 7'), 'rows were missing at the end'],
    ['no rows at all', (it: Machine) => it.tamper('DELETE FROM evidence_log'), 'rows were missing at the end'],
    ['no head', (it: Machine) => fs.rmSync(headFile(it.dataDir)), 'the file with the signed head was gone'],
    [
      'a chain that was computed anew',
      (it: Machine) => {
        it.tamper("UPDATE evidence_log SET decision = 'prohibited' WHERE seq = 4");
        it.recompute(4);
      },
      'rows were not those that it had signed',
    ],
  ] as const)('%s is not covered up by going on: the agent writes down that it found it', (_name, attack, said) => {
    const it = record();
    it.add(9);
    it.restart();
    attack(it);
    it.add(3);
    expect(it.state.broken).toEqual([said]);
    // A second start finds nothing new, and the record says so for good.
    it.restart();
    it.add(2);
    expect(it.state.broken).toHaveLength(1);
    const { ok, findings } = it.verify();
    expect(ok).toBe(false);
    expect(findings.find(({ code }) => code === 'break')?.message).toContain(said);
    // Whatever was cut keeps its numbers.
    const seqs = it.all().map(({ seq }) => seq);
    expect(seqs.filter((seq) => seq > 10)).toEqual([11, 12, 13, 14, 15, 16]);
    it.close();
  });

  it('while the agent runs is found with its next row', () => {
    const it = record();
    it.add(5);
    it.tamper('DELETE FROM evidence_log WHERE seq = 6');
    it.add(1);
    expect(it.state.broken).toEqual(['rows were missing at the end']);
    expect(it.verify().findings.map(({ code, row }) => [code, row])).toEqual([
      ['missing', 6],
      ['break', 7],
    ]);
    it.close();
  });
});

describe('the head file', () => {
  it('may be behind by what was written last, and catches up at the next start', () => {
    const it = record();
    it.add(3);
    const behind = fs.readFileSync(headFile(it.dataDir));
    it.add(2);
    fs.writeFileSync(headFile(it.dataDir), behind);
    expect(it.verify()).toMatchObject({ ok: true, count: 6 });
    it.restart();
    it.log().open();
    expect(it.state.broken).toEqual([]);
    expect(readHead(it.dataDir, readDeviceKey(it.dataDir))).toMatchObject({ signed: true, head: { count: 6 } });
    it.close();
  });

  it('that can’t be written undoes nothing, and is written with the next row', () => {
    const it = record();
    it.add(2);
    fs.rmSync(headFile(it.dataDir));
    fs.mkdirSync(path.join(headFile(it.dataDir), 'in-the-way'), { recursive: true });
    it.add(1);
    expect(it.state.behind).toBe(1);
    expect(it.all()).toHaveLength(4);
    fs.rmSync(headFile(it.dataDir), { recursive: true });
    it.add(1);
    expect(it.verify()).toMatchObject({ ok: true, count: 5 });
    it.close();
  });
});

describe('retention', () => {
  it('drops what is old for a signed checkpoint, again and again, and the rest still proves itself', () => {
    const it = record();
    for (let month = 0; month < 20; month++) {
      it.add(3);
      it.state.at += 30 * DAY;
      it.log().retain(100);
      expect(it.verify()).toMatchObject({ ok: true, findings: [] });
    }
    const { byAge, bySize } = it.log().dropped();
    const { count, rows, dropped } = it.verify();
    expect(bySize).toBe(0);
    expect(byAge).toBeGreaterThan(40);
    // What there has been is what went and what is here.
    expect(count).toBe(byAge + rows);
    expect(dropped?.through).toBe(byAge);
    it.tamper('DELETE FROM evidence_log WHERE seq <= ?', byAge + 2);
    expect(it.verify().findings).toMatchObject([{ code: 'missing', row: byAge + 1 }]);
    it.close();
  });

  it('keeps the record within its size, and counts what went for that', () => {
    const it = record({ rows: 50 });
    for (let round = 0; round < 8; round++) {
      it.add(20);
      it.log().retain(400);
    }
    expect(it.all().length).toBeLessThanOrEqual(51);
    expect(it.log().dropped()).toMatchObject({ byAge: 0 });
    expect(it.log().dropped().bySize).toBeGreaterThan(100);
    expect(it.verify().ok).toBe(true);
    const bytes = record({ bytes: 20_000 });
    bytes.add(60, { detail: { list: ['x'.repeat(250), 'y'.repeat(250)] } });
    expect(bytes.log().retain(400)).toBeGreaterThan(20);
    expect(bytes.store().evidenceRows.extent().bytes).toBeLessThan(20_000);
    expect(bytes.verify().ok).toBe(true);
    for (const each of [it, bytes]) each.close();
  });

  it('does not forget that there was a break', () => {
    const it = record();
    it.add(5);
    it.tamper('DELETE FROM evidence_log WHERE seq = 6');
    it.add(5);
    it.state.at += 500 * DAY;
    it.add(5);
    it.log().retain(100);
    const { ok, findings } = it.verify();
    expect(ok).toBe(false);
    expect(findings).toMatchObject([{ code: 'break' }]);
    it.close();
  });

  it('can be claimed by nobody else: a checkpoint of another device is refused', () => {
    const it = record();
    it.add(9);
    const other = record();
    other.add(1);
    const rows = it.all();
    const dropped = { through: 4, firstHash: rows[0]?.hash ?? '', lastHash: rows[3]?.hash ?? '', byAge: 4, bySize: 0, breaks: 0 };
    const signature = deviceKey(other.dataDir).sign(checkpointBytes(device.id, { dropped }));
    it.tamper('DELETE FROM evidence_log WHERE seq <= 4');
    it.tamper("UPDATE evidence_log SET kind = 'checkpoint', detail = ? WHERE seq = 9", canonical({ dropped, signature }));
    expect(it.verify().findings.map(({ code }) => code)).toEqual(expect.arrayContaining(['checkpoint', 'missing']));
    for (const each of [it, other]) each.close();
  });
});

describe('a rebuilt database', () => {
  it('keeps the rows that can be read, and the head tells what is lost', () => {
    const it = record();
    it.add(400, { detail: { tiers: ['x'.repeat(200)] } });
    it.close();
    const bytes = fs.readFileSync(it.file);
    // One page of rows in the middle becomes noise.
    const at = bytes.indexOf('tool-200');
    const page = Math.floor(at / 4096) * 4096;
    bytes.fill(0xa5, page, page + 4096);
    fs.writeFileSync(it.file, bytes);
    const { store, rebuilt } = openOrRebuild(it.file, { migrations: readMigrations(), now: new Date(START) });
    expect(rebuilt?.lost).toBe(true);
    store.close();
    it.restart();
    it.add(1);
    const { ok, rows, count, findings } = it.verify();
    expect(ok).toBe(false);
    expect(count).toBe(402);
    expect(rows).toBeGreaterThan(300);
    expect(findings[0]?.code).toBe('missing');
    expect(it.state.broken).toEqual([]);
    it.close();
  });
});

describe('the export', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@x', "'@x"],
    [' =x', "' =x"],
    ['\t=x', '"\'\t=x"'],
    ['a,b', '"a,b"'],
    ['a"b', '"a""b"'],
    ['a\nb', '"a\nb"'],
    ['＝x', "'＝x"],
    ['plain', 'plain'],
    [-5, '-5'],
    [null, ''],
  ] as const)('%j in a cell is %j', (value, text) => {
    expect(cell(value)).toBe(text);
  });

  it('as CSV is read back as what was written, and no cell is a formula', () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 6 }), (texts) => {
        const line = texts.map((text) => cell(text)).join(',');
        const read = readCsv(line);
        expect(read).toHaveLength(texts.length);
        for (const [index, text] of texts.entries()) {
          expect(read[index]).not.toMatch(/^\s*[=+\-@]/);
          expect(read[index] === text || read[index] === `'${text}`).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** One record of RFC 4180. */
function readCsv(line: string): string[] {
  const cells: string[] = [];
  let text = '';
  let quoted = false;
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (quoted && char === '"' && line.charAt(at + 1) === '"') text += line.charAt(at++);
    else if (char === '"') quoted = !quoted;
    else if (char === ',' && !quoted) {
      cells.push(text);
      text = '';
    } else text += char;
  }
  return [...cells, text];
}
