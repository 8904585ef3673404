/** `muster watch` for real: one agent a data folder, its stream, its clients, and every way in which it ends. */

import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ApprovalRequest, Inventory } from '../../electron/contract.ts';
import { asked, client, endLater, muster, start, temporary, until, watching, write } from './muster.ts';

const stdio = (name: string) => ({ mcpServers: { [name]: { command: 'npx', args: ['-y', 'server-x'] } } });

/** A home whose agent polls twice a second. */
function quick(name: string): { home: string; data: string } {
  const home = temporary(name);
  const data = path.join(home, '.local/share/muster');
  write(path.join(data, 'settings.json'), { pollSeconds: 0.5 });
  return { home, data };
}

describe('a watching agent', () => {
  it('tells each change once, keeps history over restarts, and never moves a first sighting', async () => {
    const { home, data } = quick('stream');
    const agent = await watching(home);
    const window = await client(agent.socket);
    await until(() => window.state().look.at !== null, 'the first look ended');
    expect(window.state().problems).toEqual([]);

    // A config is saved: its server appears; saved anew without it: it stays as history.
    const config = write(path.join(home, '.cursor/mcp.json'), stdio('first'));
    await until(() => window.state().mcpServers.some(({ name }) => name === 'first'), 'the server appeared');
    write(config, stdio('second'));
    await until(() => window.state().mcpServers.some(({ name, present }) => name === 'first' && !present), 'the first server went');

    // A tool is started: it runs, and it no longer runs when it ends.
    const binary = path.join(home, 'tools/gptme');
    copyFileSync('/bin/sleep', write(binary, '', 0o755));
    const tool = spawn(binary, ['300']);
    endLater(tool);
    const row = () => window.state().tools.find(({ id }) => id === 'gptme');
    await until(() => row()?.running === true, 'the tool was seen running');
    const firstSeen = row()?.firstSeen;
    expect(row()?.evidence[0]).toMatchObject({ kind: 'process', pid: tool.pid, path: '~/tools/gptme' });
    tool.kill();
    await until(() => row()?.running === false, 'the tool was seen to end');

    // Other commands go through the socket, and the window sees what they did.
    const request = await asked<ApprovalRequest>(home, ['request', 'gptme', '--reason', 'Trying it']);
    await until(() => window.state().requests[0]?.id === request.id, 'the request came to the window');
    await until(() => row()?.verdict.status === 'pending', 'the verdict followed');
    const before = window.state().look.at;
    const scanned = await asked<Inventory>(home, ['scan']);
    await until(() => window.state().look.at !== before, 'the look of another command was told');
    expect(scanned.mcpServers.map(({ name, present }) => [name, present])).toEqual([
      ['second', true],
      ['first', false],
    ]);
    expect((await muster(home, ['doctor'])).out).toContain('An agent is running and answers.');
    for (const [at, frame] of window.frames.entries()) {
      if (at > 0) expect(Object.keys(frame).length).toBeGreaterThan(0);
    }

    agent.kill('SIGTERM');
    expect((await agent.done).code).toBe(0);
    await window.closed;
    expect(existsSync(agent.socket)).toBe(false);
    expect(existsSync(path.join(data, 'muster.db-wal'))).toBe(false);
    const after = await asked<Inventory>(home, ['scan']);
    expect(after.tools.find(({ id }) => id === 'gptme')).toMatchObject({ firstSeen, present: false, running: false });
    expect(readFileSync(path.join(data, 'agent.log'), 'utf8')).toMatch(/info started: version .*\n.* info ended: in good order\n$/);
  });

  it('follows a policy that appears, breaks, is mended and goes', async () => {
    const { home, data } = quick('policy');
    write(path.join(home, '.npm-global/lib/node_modules/opencommit/package.json'), { name: 'opencommit', version: '1.0.0' });
    const agent = await watching(home);
    const window = await client(agent.socket);
    const status = () => window.state().tools.find(({ id }) => id === 'opencommit')?.verdict.status;
    const codes = () => window.state().problems.map(({ code }) => code);
    await until(() => status() === 'unreviewed', 'the tool was found');
    const policy = (rev: number, verdict: string) => ({
      schema: 'muster.policy/1',
      rev,
      tools: [{ id: 'r', tool: 'opencommit', status: verdict }],
    });
    const file = write(path.join(data, 'policy.json'), policy(1, 'approved'));
    await until(() => status() === 'approved' && window.state().policy.rev === 1, 'the policy came into force');
    write(file, '{\n "schema": "muster.policy/1",\n "rev": "two"\n}');
    await until(() => codes().includes('policy-invalid'), 'the broken policy was told');
    expect(window.state().problems[0]).toMatchObject({
      path: '~/.local/share/muster/policy.json',
      message: expect.stringContaining('line 3, rev'),
    });
    expect(status()).toBe('approved');
    write(file, policy(3, 'prohibited'));
    await until(() => status() === 'prohibited' && codes().length === 0, 'the mended policy came into force');
    rmSync(file);
    await until(() => status() === 'unreviewed' && window.state().policy.rev === null, 'the policy went');
    agent.stdin?.end();
    expect((await agent.done).code).toBe(0);
  });

  it('is the only one: another refuses, a supervised one names the first', async () => {
    const { home } = quick('second');
    const agent = await watching(home);
    const second = await muster(home, ['watch']);
    expect([second.code, second.err]).toEqual([4, expect.stringMatching(/^muster: An agent runs already for .*; end it first, or .*\n$/)]);
    const supervised = await muster(home, ['watch', '--supervised']);
    expect([supervised.code, JSON.parse(supervised.out)]).toEqual([0, { ready: true, socket: agent.socket, existing: true }]);
    expect(agent.exitCode).toBe(null);
    expect(statSync(agent.socket).mode & 0o777).toBe(0o600);

    // It ends at once, even with a client that never closes its end.
    const mute = net.connect({ path: agent.socket, allowHalfOpen: true });
    let told = 0;
    mute.on('data', (chunk) => {
      told += chunk.length;
    });
    await new Promise((resolve) => mute.once('connect', resolve));
    const window = await client(agent.socket);
    // Whoever has only connected is told nothing, though it came first.
    expect(told).toBe(0);
    mute.write('\n');
    await until(() => told > 0, 'whoever has written is told the state');
    await window.api.stop();
    expect((await agent.done).code).toBe(0);
    mute.destroy();
  });

  it('killed, leaves neither lock nor socket in the way of the next, nor a damaged database', async () => {
    const { home } = quick('killed');
    const agent = await watching(home);
    await asked(home, ['request', 'cursor', '--reason', 'Kept']);
    agent.kill('SIGKILL');
    await agent.done;
    expect(existsSync(agent.socket)).toBe(true);
    const status = await asked<Inventory>(home, ['status']);
    expect(status.problems).toEqual([]);
    const next = await watching(home);
    const window = await client(next.socket);
    expect(window.state().requests).toHaveLength(1);
    next.kill('SIGTERM');
    expect((await next.done).code).toBe(0);
  });

  it('that is stopped is named, instead of being waited for without end', async () => {
    const { home } = quick('stopped');
    const agent = await watching(home);
    agent.kill('SIGSTOP');
    const { code, err } = await muster(home, ['status']);
    expect([code, err]).toEqual([4, expect.stringMatching(/has not answered for 10 seconds; end that process, and try again\.\n$/)]);
    agent.kill('SIGKILL');
  });

  it('ends where its socket can’t be made, though whoever supervises it still holds its standard input', async () => {
    const { home, data } = quick('in-the-way');
    write(path.join(data, 'agent.sock/something'), '');
    const { code, err } = await start(home, ['watch', '--supervised']).done;
    expect([code, err]).toEqual([4, expect.stringMatching(/^muster: The agent’s socket .*agent\.sock can’t be made \(.*\); clear what/)]);
  });

  it('works in a data folder whose path is too long for a socket', async () => {
    const { home } = quick('long');
    const data = path.join(home, 'd'.repeat(120));
    const agent = await watching(home, ['--data', data]);
    expect(Buffer.byteLength(agent.socket)).toBeLessThan(100);
    expect((await muster(home, ['doctor', '--data', data])).out).toContain('An agent is running and answers.');
    agent.kill('SIGTERM');
    expect((await agent.done).code).toBe(0);
    expect(existsSync(agent.socket)).toBe(false);
  });

  it('answers what it doesn’t understand with a sentence, and goes on', async () => {
    const { home } = quick('border');
    const agent = await watching(home);
    const window = await client(agent.socket);
    const call = window.api as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    for (const [name, args] of [
      ['scan', [{ homes: 'here' }]],
      ['scan', [{ homes: ['relative'] }]],
      ['request', [null]],
      ['request', [{ item: 7, reason: 'x' }]],
      ['withdraw', []],
      ['told', ['all']],
    ] as const) {
      await expect(call[name]?.(...args)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(name) });
    }
    await expect(call['scan']?.({ policy: { path: 'p.json', text: '{' } })).rejects.toMatchObject({ code: 'policy-invalid' });
    const socket = net.connect(agent.socket);
    socket.write('not json\n{"call":"constructor","id":1}\n\u0000\n[]\n');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    await until(() => text.includes('has no call named'), 'the unknown call was refused');
    socket.destroy();
    expect(await window.api.scan()).toMatchObject({ schema: 'muster.inventory/1' });
    agent.kill('SIGTERM');
    await agent.done;
  });
});

describe('many at once', () => {
  it('all end well, or say in words why not, and leave one sound database', async () => {
    const { home } = quick('crowd');
    write(path.join(home, '.cursor/mcp.json'), stdio('one'));
    const ended = await Promise.all(
      Array.from(
        { length: 12 },
        (_, at) => start(home, at % 3 === 0 ? ['request', 'cursor', '--reason', 'x', '--tier', `t${at}`] : ['scan', '--json']).done,
      ),
    );
    for (const { code, out, err } of ended) {
      if (code !== 0)
        expect([code, out + err]).toEqual([
          expect.toSatisfy((one) => one === 4 || one === 2),
          expect.stringMatching(/^(muster: |\{"error")/),
        ]);
    }
    const status = await asked<Inventory>(home, ['status']);
    expect(status.mcpServers.map(({ name }) => name)).toEqual(['one']);
    expect(status.problems).toEqual([]);
  }, 90_000);
});
