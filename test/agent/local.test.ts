/** The lock and the socket of a data folder, without a whole agent: who gets in, what is told of failures, and what lies in the way. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Agent } from '../../agent/agent.ts';
import { failureOf, kindOf } from '../../agent/failure.ts';
import { listen, reach, socketPath } from '../../agent/local.ts';
import { takeLock } from '../../agent/lock.ts';
import { createLog } from '../../agent/log.ts';
import { Refusal } from '../../agent/requests.ts';
import { DatabaseError } from '../../agent/sqlite.ts';
import { endLater, temporary, until } from './muster.ts';

/** An agent of which only the answers matter; what it is asked for is written down. */
function stub(scan: () => Promise<never> = () => Promise.reject(new Error('not asked'))) {
  const calls: unknown[] = [];
  const agent = {
    api: { scan, told: async (items: unknown) => void calls.push(items) },
    subscribe: (tell: (state: object) => void) => tell({ tools: [] }),
  } as unknown as Agent;
  return { agent, calls };
}

async function open(agent: Agent) {
  const folder = temporary('local');
  const ending = new AbortController();
  const logged: string[] = [];
  await listen(folder, agent, {
    signal: ending.signal,
    stop: () => ending.abort(),
    log: (what, error) => logged.push(`${what} ${kindOf(error)}`),
  });
  return { folder, ending, logged };
}

describe('the socket', () => {
  it.each<[string, () => unknown, string, RegExp]>([
    ['a refusal', () => new Refusal('duplicate', 'Asked for already.'), 'duplicate', /^Asked for already\.$/],
    ['the database', () => new DatabaseError('full', '/d/muster.db', 'The disk is full.'), 'database', /^The disk is full\.$/],
    ['a bug', () => new TypeError('hunter2 is not a function'), 'bug', /^A bug in Muster \(TypeError at local\.test\.ts:\d+\)/],
    ['a system error', () => Object.assign(new Error('hunter2'), { code: 'EIO' }), 'bug', /^A bug in Muster \(Error EIO/],
    ['no error at all', () => 'hunter2', 'bug', /^A bug in Muster \(string\)/],
  ])('%s is told by code and sentence, and its own text only where we wrote it', async (_what, error, code, message) => {
    const { folder, ending, logged } = await open(stub(() => Promise.reject(error())).agent);
    const connection = await reach(folder);
    const told = await connection?.api.scan().catch((refused: unknown) => refused);
    expect(told).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(JSON.stringify([told, logged])).not.toContain('hunter2');
    expect(logged).toHaveLength(code === 'bug' ? 1 : 0);
    ending.abort();
    await connection?.closed;
    expect(await reach(folder)).toBe(null);
  });

  it('closes on a client whose first state can’t be read, and goes on with others', async () => {
    const { agent } = stub();
    let broken = true;
    const { folder, ending, logged } = await open({
      ...agent,
      subscribe: (tell) => {
        if (broken) throw new DatabaseError('corrupt', '/d/muster.db', 'It is damaged.');
        tell({ tools: [] });
      },
    });
    expect(await reach(folder)).toBe(null);
    expect(logged).toEqual([expect.stringContaining('connection DatabaseError')]);
    broken = false;
    const connection = await reach(folder);
    expect(connection?.state).toEqual({ tools: [] });
    ending.abort();
  });

  it('lets nobody in once it ends, however late a client writes, and takes nothing without a measure', async () => {
    const { agent, calls } = stub();
    const { folder, ending, logged } = await open(agent);
    const connection = await reach(folder);
    await expect(connection?.api.told(['x'.repeat(1001)])).rejects.toMatchObject({ code: 'usage' });
    await expect(connection?.api.told(Array.from({ length: 10_001 }, () => 'codex'))).rejects.toMatchObject({ code: 'usage' });
    await connection?.api.told(['codex']);
    ending.abort();
    await expect(connection?.api.told(['cursor'])).rejects.toMatchObject({ code: 'closed' });
    await connection?.closed;
    expect([calls, logged]).toEqual([[['codex']], []]);
  });

  it('replaces a dead one, and is this account’s alone', async () => {
    const folder = temporary('stale');
    const stale = net.createServer().listen(socketPath(folder));
    await new Promise((resolve) => stale.once('listening', resolve));
    const ending = new AbortController();
    const at = await listen(folder, stub().agent, { signal: ending.signal, stop: () => {}, log: () => {} });
    expect(fs.statSync(at).mode & 0o777).toBe(0o600);
    expect(await reach(folder)).not.toBe(null);
    ending.abort();
    stale.close();
  });

  it('has the same short name for a long path from every terminal, and another for another', () => {
    const long = (letter: string) => path.join('/srv', letter.repeat(150));
    const before = process.env['TMPDIR'];
    const at = socketPath(long('a'));
    process.env['TMPDIR'] = '/elsewhere';
    expect(socketPath(long('a'))).toBe(at);
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    expect(socketPath(long('b'))).not.toBe(at);
    expect(Buffer.byteLength(at)).toBeLessThanOrEqual(100);
  });
});

describe('the lock', () => {
  it('is one process’s, and free as soon as that has ended, however it did', async () => {
    const folder = temporary('lock');
    const lock = new URL('../../agent/lock.ts', import.meta.url).href;
    const holder = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import { takeLock } from ${JSON.stringify(lock)}; globalThis.held = takeLock(${JSON.stringify(folder)}); console.log(held !== null); setInterval(() => {}, 1e6);`,
    ]);
    endLater(holder);
    let said = '';
    holder.stdout.on('data', (chunk) => {
      said += chunk;
    });
    await until(() => said.includes('true'), 'the other process had the lock');
    expect(takeLock(folder)).toBe(null);
    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('close', resolve));
    const mine = takeLock(folder);
    expect(mine).not.toBe(null);
    mine?.release();
    const again = takeLock(folder);
    expect(again).not.toBe(null);
    again?.release();
  });

  it('that can’t be made is a sentence', () => {
    const folder = temporary('no-lock');
    fs.mkdirSync(path.join(folder, 'agent.lock'));
    expect(() => takeLock(folder)).toThrow(DatabaseError);
  });
});

describe('errors and the log', () => {
  it('say the kind and the place, and begin anew at a mebibyte', () => {
    const folder = temporary('log');
    const log = createLog(folder);
    let quoting: unknown;
    try {
      JSON.parse('{"token": hunter2}');
    } catch (error) {
      quoting = error;
    }
    log.error('configs', quoting);
    const file = path.join(folder, 'agent.log');
    expect(fs.readFileSync(file, 'utf8')).toMatch(/ error configs: SyntaxError at [\w.-]+:\d+\n$/);
    expect(fs.readFileSync(file, 'utf8')).not.toContain('hunter2');
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    fs.appendFileSync(file, 'x'.repeat(1024 * 1024));
    log.info('next', 'line');
    expect(fs.readFileSync(file, 'utf8')).toMatch(/^\S+ info next: line\n$/);
    expect(fs.statSync(`${file}.1`).size).toBeGreaterThan(1024 * 1024);
    createLog(path.join(folder, 'nowhere')).info('a', 'log that can’t be written stops nobody');
  });

  it('have no place but in our code', () => {
    expect(kindOf(new Error('\n    at hunter2:1:2'))).toMatch(/^Error at local\.test\.ts:\d+$/);
  });

  it('are one line', () => {
    expect(failureOf(new Refusal('usage', ' two\n lines '))).toEqual({ code: 'usage', message: 'two lines' });
    expect(failureOf(Object.assign(new Error('gone'), { code: 'closed' })).message).toBe(
      'The agent ended before it had answered; try again.',
    );
  });
});
