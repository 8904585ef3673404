/** What another process does to a database in the tests of the store: `node store-child.ts TASK FILE`. Prints one line of JSON per step. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { readMigrations } from '../../agent/assets.ts';
import { deviceKey } from '../../agent/device-key.ts';
import { createEvidence } from '../../agent/evidence.ts';
import { uuidv7 } from '../../agent/requests.ts';
import { DatabaseError, openDatabase } from '../../agent/sqlite.ts';
import { openOrRebuild, openStore } from '../../agent/store/store.ts';

const [task, file = ''] = process.argv.slice(2);
const migrations = readMigrations();
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

function attempt(work: () => unknown): void {
  try {
    say({ ok: work() ?? true });
  } catch (error) {
    const code = error instanceof DatabaseError ? error.code : `not a DatabaseError: ${error}`;
    say({ code, message: error instanceof Error ? error.message : '' });
  }
}

switch (task) {
  case 'hold': {
    const database = openDatabase(file, { migrations });
    database.pragma('locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
    say('holding');
    // It is named here so that it lives as long: a connection that nobody could use any more is collected, and its lock with it.
    process.stdin.resume().on('end', () => process.exit(database.open ? 0 : 1));
    break;
  }
  // Both ways of opening, as the account that this process runs under.
  case 'open':
    attempt(() => openStore(file, { migrations, busyMs: 50 }).close());
    attempt(() => {
      const store = openStore(file, { migrations, readOnly: true });
      const found = store.requests().map(({ id }) => id);
      store.close();
      return found;
    });
    say(readdirSync(path.dirname(file)).sort());
    break;
  // Leaves the log and its index behind, as a process that is killed does.
  case 'crash': {
    const store = openStore(file, { migrations });
    store.tell(['inventory'], new Date(0));
    process.kill(process.pid, 'SIGKILL');
    break;
  }
  // Writes until it is killed; each line names a request that must be there afterwards.
  case 'write': {
    const { store, rebuilt } = openOrRebuild(file, { migrations, now: new Date() });
    const dataDir = path.dirname(file);
    let broken: string | null = null;
    const evidence = createEvidence({
      ...{ store, dataDir, key: () => deviceKey(dataDir), now: () => new Date(), userNames: () => 'hash' },
      device: { id: 'd', platform: 'linux', hostname: 'h', user: 'ada' },
      onBehind: (error) => {
        throw error;
      },
      onBroken: (what) => {
        broken = what;
      },
      bounds: { rows: 300, bytes: 5_000_000 },
    });
    evidence.open();
    say({ rebuilt, requests: store.requests().length, broken });
    for (let count = 0; ; count++) {
      const id = uuidv7(new Date());
      const at = new Date().toISOString();
      const none = { tier: null, dataClass: null, until: null, answer: null, added: null };
      evidence.write((note) => {
        store.addRequest({
          ...none,
          id,
          item: 'ollama',
          itemName: 'Ollama',
          reason: 'x'.repeat(700),
          state: 'open',
          createdAt: at,
          updatedAt: at,
        });
        note({ kind: 'request', item: 'ollama', decision: 'open', detail: { request: id } });
      });
      say(id);
      const trace = { strength: 'certain', surface: 'cli', target: null, home: '~', version: null, manager: null, name: null } as const;
      store.see([{ ...trace, tool: `tool-${count % 50}`, kind: 'process', path: `~/bin/${count % 200}` }], new Date(), [
        `tool-${count % 50}`,
      ]);
      store.addUsage([{ day: at.slice(0, 10), tool: 'ollama', runS: 15, frontS: 0, launches: 0 }]);
      evidence.write((note) => {
        store.updateRequest(id, { state: 'withdrawn', updatedAt: at });
        note({ kind: 'request', item: 'ollama', was: 'open', decision: 'withdrawn', detail: { request: id } });
      });
      evidence.retain(400);
      if (count % 100 === 99) store.sweep({ kinds: ['process'], homes: ['~'], since: new Date() }, new Date());
    }
  }
}
