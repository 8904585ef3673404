/** `muster doctor`: each thing outside that Muster depends on, how it is, and what mends it. Changes nothing. */
import { accessSync, constants, statfsSync } from 'node:fs';
import path from 'node:path';
import type { Setting } from '../../electron/contract.ts';
import { readMigrations } from '../assets.ts';
import { DataFolderError, databaseFile, entry, refuseOthers } from '../data-folder.ts';
import { readDeviceId } from '../device.ts';
import { keyName } from '../device-key.ts';
import { reach } from '../local.ts';
import { createForegroundObserver } from '../observe/foreground.ts';
import type { Trust } from '../policy/policy-source.ts';
import { createProblems, type Problems } from '../problems.ts';
import { dataDirOf, homesOf, loadCatalog, policySourceOf, settingsOf } from '../session.ts';
import type { SettingsRead } from '../settings.ts';
import { DatabaseError } from '../sqlite.ts';
import { openStore } from '../store/store.ts';
import type { TrustedRow, TrustRows } from '../store/trust-rows.ts';
import { membership, readJoined } from '../sync/joined.ts';
import { type Command, EXIT, type Invocation, takesNoWords } from './command.ts';
import { table } from './table.ts';

/** `fail` makes the command answer no; `warn` is worth knowing and keeps nothing from working. */
type Check = { id: string; state: 'ok' | 'warn' | 'fail'; message: string; fix: string | null };

/** A computer that was on for a day has checked in by then. */
const SILENT_MS = 24 * 3_600_000;
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
    return ok(
      id,
      at === null ? 'The database is there and empty.' : `${count} ${count === 1 ? 'tool' : 'tools'}; the last look was at ${at}.`,
    );
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

/** What an administrator, the user and nobody has set, and whose word holds. */
function settingChecks({ settings }: SettingsRead, problems: Problems): Check[] {
  const wrong = problems.list().filter(({ code }) => code === 'settings-invalid' || code === 'managed-settings-refused');
  const set = settings.filter(({ source }) => source !== 'default');
  const rest = settings.filter(({ source }) => source === 'default');
  const said = ({ source, from, value }: Pick<Setting, 'source' | 'from' | 'value'>) =>
    source === 'default' ? `the default ${value}` : `${value} (${source}, ${from})`;
  return [
    ...(rest.length > 0 ? [ok('settings', `Defaults hold for ${rest.map(({ name, value }) => `${name} ${value}`).join(', ')}.`)] : []),
    ...set.map((setting) => {
      const over = setting.overrides.map(said).join(', then ');
      return ok('settings', `${setting.name} ${said(setting)}${over ? `, over ${over}` : ''}.`);
    }),
    ...wrong.map(({ message, fix }): Check => ({ id: 'settings', state: 'warn', message, fix })),
  ];
}

const DAY_MS = 86_400_000;

function age(at: string | null, now: Date): string {
  const days = Math.floor((now.getTime() - Date.parse(at ?? '')) / DAY_MS);
  return days < 1 ? 'today' : days === 1 ? 'a day ago' : `${days} days ago`;
}

function trustCheck(trust: Trust | null, now: Date): Check {
  const id = 'trust';
  if (trust === null) return ok(id, 'No root key is known here, so a policy counts without a signature.');
  const whose = `root keys ${trust.rootIds.map((one) => one.slice(0, 12)).join(' ')} (${trust.roots}, ${trust.rootsFrom})`;
  const { revs, acceptedAt, expiresAt } = trust;
  const what = `policy ${revs.policy} under key set ${revs.keySet}, taken ${age(acceptedAt, now)}`;
  const more = `for ${trust.audience}, grants ${revs.grants ?? 'none'}, ${whose}`;
  switch (trust.state) {
    case 'none':
      return {
        id,
        state: 'warn',
        message: `Nothing that these prove has come yet: ${whose}.`,
        fix: 'Whoever publishes the policy needs to send it.',
      };
    case 'expired':
      return {
        ...{ id, state: 'warn', message: `Proven: ${what}; it ended at ${expiresAt} and stays in force; ${more}.` },
        fix: 'Whoever publishes the policy needs to send a newer one.',
      };
    case 'withdrawn':
      return {
        ...{ id, state: 'warn', message: `Proven: ${what}; its key has been withdrawn since, and it stays in force; ${more}.` },
        fix: 'Whoever publishes the policy needs to sign it with a key of the new key set.',
      };
    case 'current':
      return ok(id, `Proven: ${what}, until ${expiresAt}; ${more}.`);
  }
}

const POLICY_FAILS = new Set(['policy-invalid', 'policy-not-proven', 'root-keys-unusable']);

/** Settings, policy and trust, read together as the agent reads them; changes nothing. */
async function organization(invocation: Invocation, dataDir: string) {
  const catalog = loadCatalog();
  const problems = createProblems();
  const settings = settingsOf(invocation, dataDir, problems);
  const rows = storedTrust(dataDir);
  const checks: Check[] = [];
  let device = '';
  try {
    device = readDeviceId(dataDir) ?? '';
  } catch (error) {
    // A folder that is none, or that may not be read, has a line of its own.
    if (!(error instanceof DatabaseError)) throw error;
  }
  const policySource = policySourceOf({ dataDir, catalog, problems, settings, store: rows, device, readOnly: true });
  try {
    await policySource.reload();
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    checks.push({ id: 'trust', state: 'fail', message: error.message, fix: null });
  }
  const { policy, source } = policySource.current();
  const trust = policySource.trust();
  const concerns = problems.list().filter(({ code }) => /^(policy|root-keys|trust)-/.test(code));
  checks.unshift(
    ...settingChecks(settings.current(), problems),
    ...concerns.map(({ code, message, fix }): Check => ({ id: 'policy', state: POLICY_FAILS.has(code) ? 'fail' : 'warn', message, fix })),
  );
  if (concerns.length === 0) {
    const text = policy
      ? `Revision ${policy.rev}, mode ${policy.mode}, from ${source}.`
      : 'No policy is in force: everything is unreviewed.';
    checks.push(ok('policy', text));
  }
  checks.push(
    trustCheck(trust, new Date(Math.max(Date.now(), policySource.serverTime()?.getTime() ?? 0))),
    ok('catalog', `${catalog.entries.size} tools are known.`),
  );
  return { checks, settings: settings.current().settings, trust, collector: collectorCheck(dataDir, settings.current().values) };
}

/** Read from what is stored: nothing is asked of the collector. */
function collectorCheck(dataDir: string, settings: SettingsRead['values']): Check {
  const id = 'collector';
  const whose = membership(settings, readJoined(dataDir), keyName(dataDir));
  if (whose === null) return ok(id, 'This computer belongs to no collector; nothing leaves it.');
  const fix = 'Run “muster sync” to see how it answers now.';
  if (whose.joined === null) return { id, state: 'warn', message: `${whose.url} has not taken this computer on yet.`, fix };
  const last = lastCheckIn(dataDir, whose.url);
  if (last === null) return { id, state: 'warn', message: `There was no check-in with ${whose.url} yet.`, fix };
  const message = `${whose.url} acknowledged the last check-in at ${last}.`;
  return Date.now() - Date.parse(last) > SILENT_MS ? { id, state: 'warn', message, fix } : ok(id, message);
}

function lastCheckIn(dataDir: string, url: string): string | null {
  try {
    const store = openStore(databaseFile(dataDir), { migrations: readMigrations(), readOnly: true });
    const state = store.sync.state();
    store.close();
    return state?.collector.startsWith(`${url} `) ? state.lastAt : null;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return null;
  }
}

/** What is in force as it is stored; a database that can't be read has a line of its own. */
function storedTrust(dataDir: string): TrustRows {
  let rows: readonly TrustedRow[] = [];
  try {
    const store = openStore(databaseFile(dataDir), { migrations: readMigrations(), readOnly: true });
    rows = store.trusted();
    store.close();
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
  }
  return { trusted: () => [...rows], trust: () => {} };
}

export const command: Command = {
  usage: 'Usage: muster doctor\n\nChecks each thing outside that Muster depends on. Exit code 5 when one of them keeps it from working.',
  options: {},
  async run(invocation) {
    takesNoWords('doctor', invocation);
    const dataDir = dataDirOf(invocation);
    refuseOthers(dataDir, invocation.os);
    const told = await organization(invocation, dataDir);
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
      ...told.checks,
      told.collector,
    ];
    const { settings, trust } = told;
    invocation.answer({ schema: 'muster.doctor/1', ok: checks.every(({ state }) => state !== 'fail'), checks, settings, trust }, () =>
      table(
        ['Check', 'State', 'What'],
        checks.map(({ id, state, message, fix }) => [id, state, fix ? `${message} ${fix}` : message]),
        160,
      ),
    );
    return checks.some(({ state }) => state === 'fail') ? EXIT.no : EXIT.done;
  },
};
