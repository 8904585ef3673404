/** A real PostgreSQL for tests and the bench: a cluster of its own in a temporary folder, on a free port of loopback, under an account that is not root. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { postgresPrograms } from '../../build/capabilities.mjs';

export type Cluster = {
  readonly port: number;
  /** A new empty database; resolves with its address for `DATABASE_URL`: on loopback, or by the server's `socket` file. */
  database(by?: 'loopback' | 'socket'): Promise<string>;
  /** `pg_ctl restart -m immediate`: every connection is cut and the log is replayed, as after a crash. Resolves when it answers again. */
  crash(): Promise<void>;
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  start(): Promise<void>;
  /** Processor time of all its processes that live, in ms. */
  processorMs(): number;
  /** Ends it and removes its folder. */
  end(): void;
};

/** `durable` waits for the disk as production does; otherwise a crash of the machine, which no test makes, could lose something. */
export async function startPostgres({
  durable = false,
  settings = {},
}: {
  durable?: boolean;
  settings?: Record<string, string | number>;
} = {}): Promise<Cluster> {
  const programs = postgresPrograms();
  if (programs === null) throw new Error('There is no PostgreSQL here; install the package postgresql.');
  const account: { uid?: number; gid?: number } = process.getuid?.() === 0 ? unprivileged() : {};
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-postgres-'));
  if (account.uid !== undefined && account.gid !== undefined) chownSync(folder, account.uid, account.gid);
  const data = path.join(folder, 'data');
  const env = { ...process.env, LC_ALL: 'C', HOME: folder, TMPDIR: folder };
  // Its output goes nowhere: the server keeps what it inherits, and a pipe would never end.
  const options = { ...account, cwd: folder, env, stdio: 'ignore' } as const;
  async function run(program: string, ...args: string[]): Promise<void> {
    const [code] = (await once(spawn(path.join(programs ?? '', program), args, options), 'exit')) as [number | null];
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}.${logOf(folder)}`);
  }
  // What wasn't synced now is written by the system half a minute later, beside what is measured then.
  const unsynced = durable ? [] : ['--no-sync'];
  await run('initdb', '-D', data, '-U', 'muster', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-instructions', ...unsynced);
  const port = await freePort();
  const all = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder,
    fsync: durable ? 'on' : 'off',
    // A commit that was answered is in the log, also where the disk is not waited for.
    synchronous_commit: 'on',
    max_connections: 60,
    ...settings,
  };
  const given = Object.entries(all).map(([name, value]) => `-c ${name}=${value}`);
  const control = (...args: string[]) => run('pg_ctl', '-D', data, '-s', '-w', '-t', '50', ...args);
  const starting = ['-l', path.join(folder, 'log'), '-o', given.join(' ')];
  await control('start', ...starting);
  let running = true;
  const url = (name: string) => `postgres://muster@127.0.0.1:${port}/${name}`;
  let made = 0;
  return {
    port,
    async database(by = 'loopback') {
      const client = new pg.Client({ connectionString: url('postgres') });
      await client.connect();
      const name = `muster_${++made}`;
      await client.query(`create database ${name}`);
      await client.end();
      return by === 'loopback' ? url(name) : `postgres://muster@localhost/${name}?host=${encodeURIComponent(folder)}&port=${port}`;
    },
    crash: () => control('restart', '-m', 'immediate', ...starting),
    async stop(mode) {
      await control('stop', '-m', mode);
      running = false;
    },
    async start() {
      await control('start', ...starting);
      running = true;
    },
    processorMs: () => processorMs(data),
    end() {
      if (running) spawnSync(path.join(programs, 'pg_ctl'), ['-D', data, '-s', '-w', 'stop', '-m', 'immediate'], options);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}

/** PostgreSQL refuses to run as root; the package makes an account, and every system has `nobody`. */
function unprivileged(): { uid: number; gid: number } {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const found = ['postgres', 'nobody'].map((name) => accounts.find((fields) => fields[0] === name)).find((fields) => fields !== undefined);
  if (!found) throw new Error('There is no account postgres or nobody under which PostgreSQL could run.');
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/** From `/proc`; its ticks are hundredths of a second. */
function processorMs(data: string): number {
  const [postmaster = ''] = readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n');
  const ticks = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        // What follows the program's name in brackets: state, parent, …
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
        return pid === postmaster || fields[1] === postmaster ? Number(fields[11]) + Number(fields[12]) : 0;
      } catch {
        // It ended meanwhile.
        return 0;
      }
    });
  return ticks.reduce((sum, each) => sum + each, 0) * 10;
}

function logOf(folder: string): string {
  try {
    return `\n${readFileSync(path.join(folder, 'log'), 'utf8').slice(-2000)}`;
  } catch {
    return '';
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
