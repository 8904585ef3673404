/** `muster doctor`: each thing outside that Muster depends on, how it is, and what mends it. Changes nothing. */
import { accessSync, constants, statfsSync } from 'node:fs';
import path from 'node:path';
import { readMigrations } from '../assets.ts';
import { DataFolderError, databaseFile, entry, refuseOthers } from '../data-folder.ts';
import { reach } from '../local.ts';
import { createForegroundObserver } from '../observe/foreground.ts';
import { createProblems } from '../problems.ts';
import { dataDirOf, homesOf, loadCatalog, policyFileOf } from '../session.ts';
import { readSettings } from '../settings.ts';
import { DatabaseError } from '../sqlite.ts';
import { openStore } from '../store/store.ts';
import { type Command, EXIT, type Invocation, takesNoWords } from './command.ts';
import { table } from './table.ts';

/** `fail` makes the command answer no; `warn` is worth knowing and keeps nothing from working. */
type Check = { id: string; state: 'ok' | 'warn' | 'fail'; message: string; fix: string | null };

const MIN_FREE_BYTES = 64 * 1024 * 1024;
/** A clock before the first release of this program is wrong. */
const EARLIEST = Date.parse('2026-11-01T00:00:00Z');

const ok = (id: string, message: string): Check => ({ id, state: 'ok', message, fix: null });

function dataFolder(dataDir: string): Check {
  const id = 'data-folder';
  const there = entry(dataDir);
  if (!there) return ok(id, `${dataDir} doesn’t exist yet; the first look makes it.`);
  if (!there.isDirectory())
    return {
      id,
      state: 'fail',
      message: `${dataDir} is not a folder.`,
      fix: 'Move the file away, or name another folder with --data DIR.',
    };
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return { id, state: 'fail', message: `${dataDir} can’t be written.`, fix: 'Give your account back the right to write there.' };
  }
  return ok(id, dataDir);
}

function disk(dataDir: string): Check {
  const id = 'disk';
  let folder = dataDir;
  while (!entry(folder) && path.dirname(folder) !== folder) folder = path.dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const text = `${Math.round(free / 1024 / 1024).toLocaleString('en')} MiB are free at ${folder}.`;
  return free < MIN_FREE_BYTES ? { id, state: 'warn', message: text, fix: 'Make room: Muster needs up to 64 MiB.' } : ok(id, text);
}

function database(dataDir: string): Check {
  const id = 'database';
  const file = databaseFile(dataDir);
  try {
    const store = openStore(file, { migrations: readMigrations(), readOnly: true });
    const { at } = store.lastLook();
    const count = store.tools().length;
    store.close();
    return ok(id, at === null ? 'The database is there and empty.' : `${count} tools; the last look was at ${at}.`);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (error.code === 'absent') return ok(id, 'There is no database yet; the first look makes it.');
    return { id, state: 'fail', message: error.message, fix: null };
  }
}

async function running(dataDir: string): Promise<Check> {
  let connection: Awaited<ReturnType<typeof reach>>;
  try {
    connection = await reach(dataDir);
  } catch (error) {
    if (!(error instanceof DataFolderError)) throw error;
    return { id: 'agent', state: 'fail', message: error.message, fix: null };
  }
  connection?.close();
  return connection
    ? ok('agent', 'An agent is running and answers.')
    : {
        id: 'agent',
        state: 'warn',
        message: 'No agent is running, so changes are noticed only when somebody scans.',
        fix: 'Start the Muster app, or “muster watch”.',
      };
}

function display({ os }: Invocation): Check {
  const there = os.platform !== 'linux' || Boolean(os.env['DISPLAY'] || os.env['WAYLAND_DISPLAY']);
  return there
    ? ok('display', 'There is a display for the tray and the window.')
    : {
        id: 'display',
        state: 'warn',
        message: 'There is no display here.',
        fix: 'The command line does everything; the tray and the window need a desktop session.',
      };
}

async function foreground({ os }: Invocation): Promise<Check> {
  const available = (await createForegroundObserver(os, { titles: false })).available();
  return available.ok
    ? ok('foreground', 'Which program is in front can be read.')
    : { id: 'foreground', state: 'warn', message: available.why, fix: 'Everything but the time in front is still known.' };
}

function clock(): Check {
  const now = Date.now();
  return now < EARLIEST
    ? {
        id: 'clock',
        state: 'fail',
        message: `The computer’s clock says ${new Date(now).toISOString()}.`,
        fix: 'Set the clock; dates of first sighting depend on it.',
      }
    : ok('clock', new Date(now).toISOString());
}

function settings(dataDir: string): Check {
  const { values, sources, file, issue } = readSettings(dataDir);
  if (issue)
    return { id: 'settings', state: 'warn', message: `${file}: ${issue}; the defaults are used.`, fix: 'Correct or delete the file.' };
  const list = Object.entries(values).map(
    ([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') || 'none' : value} (${sources[name as keyof typeof sources]})`,
  );
  return ok('settings', list.join(', '));
}

function policyAndCatalog(dataDir: string): Check[] {
  const catalog = loadCatalog();
  const problems = createProblems();
  const { policy, source } = policyFileOf(dataDir, catalog, problems).reload();
  const [wrong] = problems.list();
  const policyCheck: Check = wrong
    ? { id: 'policy', state: 'fail', message: wrong.message, fix: wrong.fix }
    : ok(
        'policy',
        policy ? `Revision ${policy.rev}, mode ${policy.mode}, from ${source}.` : 'No policy is in force: everything is unreviewed.',
      );
  return [policyCheck, ok('catalog', `${catalog.entries.size} tools are known.`)];
}

export const command: Command = {
  usage: 'Usage: muster doctor\n\nChecks each thing outside that Muster depends on. Exit code 5 when one of them keeps it from working.',
  options: {},
  async run(invocation) {
    takesNoWords('doctor', invocation);
    const dataDir = dataDirOf(invocation);
    refuseOthers(dataDir, invocation.os);
    const checks: Check[] = [
      ok('version', `Muster ${invocation.version} on Node ${process.versions.node}, ${invocation.os.platform} ${invocation.os.arch}.`),
      ok('homes', homesOf(invocation).join(', ')),
      dataFolder(dataDir),
      disk(dataDir),
      database(dataDir),
      await running(dataDir),
      display(invocation),
      await foreground(invocation),
      clock(),
      settings(dataDir),
      ...policyAndCatalog(dataDir),
      ok('collector', 'This build joins no collector; nothing leaves this computer.'),
    ];
    invocation.answer({ schema: 'muster.doctor/1', ok: checks.every(({ state }) => state !== 'fail'), checks }, () =>
      table(
        ['Check', 'State', 'What'],
        checks.map(({ id, state, message, fix }) => [id, state, fix ? `${message} ${fix}` : message]),
        160,
      ),
    );
    return checks.some(({ state }) => state === 'fail') ? EXIT.no : EXIT.done;
  },
};
