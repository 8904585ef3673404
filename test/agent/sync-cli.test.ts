/** `muster enroll` and `muster sync` as a person runs them, against a real collector; and no planted secret in anything that leaves. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../collector/log.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import type { Snapshot, SyncStatus } from '../../electron/contract.ts';
import { asked, client, muster, temporary, until, watching, write } from './muster.ts';
import { createPlanting } from './planting.ts';

let collector: Collector;
let secretFile: string;
// A home that looks generated: in what a file says it is blanked, and then no folder in it is known by its name.
const home = path.join(temporary('sync-cli'), 'muster-sync-cli-a1B2c3');
const { secret, found } = createPlanting();
const data = path.join(home, '.local/share/muster');
const managed = path.join(home, 'managed.json');

beforeAll(async () => {
  collector = await startCollector({ where: { folder: null }, log: createLog(() => {}), tenant: 'acme', port: 0 });
  secretFile = write(path.join(home, 'secret'), `${collector.first?.enrolSecret}\n`);
  const project = path.join(home, 'work/merger');
  const server = { command: 'node', args: [`${project}/server.js`, '--token', secret('argument')], env: { API_KEY: secret('variable') } };
  write(path.join(home, '.claude.json'), {
    mcpServers: { files: { command: 'npx', args: ['-y', 'server-files'], env: { TOKEN: secret('variable of the user') } } },
    projects: { [project]: { mcpServers: { deals: server } } },
  });
  write(path.join(project, '.mcp.json'), {
    mcpServers: { more: { url: `https://mcp.example/${secret('address')}?key=${secret('query')}` } },
  });
}, 60_000);
afterAll(() => collector.stop());

const devices = () => collector.context.db.selectFrom('device').selectAll().execute();
type Error = { error: { code: string; message: string } };

describe('the command line', () => {
  it('shows what would leave before anything is set up, creates nothing for it, and refuses to send', async () => {
    expect(await muster(home, ['sync', '--print'])).toMatchObject({ code: 0, out: expect.stringMatching(/no look yet/) });
    expect(existsSync(data)).toBe(false);
    const { code, out } = await muster(home, ['sync', '--json']);
    expect([code, (JSON.parse(out) as Error).error]).toEqual([
      3,
      { code: 'collector', message: expect.stringMatching(/belongs to no collector/) },
    ]);
  });

  it('names each thing that is wrong about joining', async () => {
    const wrong: [string[], number, RegExp][] = [
      [['enroll'], 2, /--url URL/],
      [['enroll', '--url', collector.url], 2, /--secret-file FILE/],
      [['enroll', '--url', collector.url, '--secret-file', '/nowhere'], 2, /there is no such file/],
      [['enroll', '--url', 'http://collector.example', '--secret-file', secretFile], 2, /no https address/],
      [['enroll', '--url', 'http://127.0.0.1:9', '--secret-file', secretFile], 3, /could not be reached \(ECONNREFUSED\)/],
      [
        ['enroll', '--url', collector.url, '--secret-file', write(path.join(home, 'other'), 'mse_this-is-another-secret')],
        3,
        /didn’t accept the enrolment secret/,
      ],
      [['enroll', '--url', collector.url, '--secret-file', secretFile, '--root-key', secretFile], 2, /no list of Ed25519/],
    ];
    for (const [args, code, words] of wrong) {
      const ran = await muster(home, args);
      expect([args, ran.code, ran.err]).toEqual([args, code, expect.stringMatching(words)]);
    }
    expect(await devices()).toEqual([]);
  });

  it('joins, checks in, shows what left, and says nothing of a secret or a project’s name', async () => {
    expect((await muster(home, ['enroll', '--url', collector.url, '--secret-file', secretFile])).code).toBe(0);
    await muster(home, ['scan']);
    const printed = await asked<{ head: string; snapshot: { items: unknown[] } }[]>(home, ['sync', '--print']);
    const status = await asked<SyncStatus>(home, ['sync']);
    expect(status).toMatchObject({ state: 'ok', collector: collector.url });
    const [row] = await devices();
    expect(row).toMatchObject({ head: printed[0]?.head, item_count: printed[0]?.snapshot.items.length, hostname: expect.any(String) });
    const held = await collector.context.db.selectFrom('item_body').selectAll().execute();
    const everything = JSON.stringify([printed, held, await collector.context.db.selectFrom('evidence_row').selectAll().execute(), row]);
    expect(held.length).toBeGreaterThan(2);
    expect(found(Buffer.from(everything))).toEqual([]);
    expect(everything).not.toContain(collector.first?.enrolSecret);
    // Neither the items nor the record; what stands around it says where it comes from.
    expect(everything.match(/.{0,80}merger.{0,40}/g)).toBeNull();
    const doctor = await asked<{ checks: { id: string; state: string; message: string }[] }>(home, ['doctor']);
    expect(doctor.checks.find(({ id }) => id === 'collector')).toMatchObject({
      state: 'ok',
      message: expect.stringContaining(collector.url),
    });
  });

  it('asks the agent that runs, which joins by the managed settings alone and tells its window', async () => {
    const other = temporary('sync-managed');
    write(managed, { collectorUrl: collector.url, enrollSecret: collector.first?.enrolSecret, tenant: 'acme', person: 'ada@acme.example' });
    const agent = await watching(other, ['--managed', managed]);
    const window = await client(agent.socket);
    expect(window.state().sync).toMatchObject({ state: 'joining', collector: collector.url, lastAt: null });
    expect(await asked<SyncStatus>(other, ['sync'])).toMatchObject({ state: 'ok' });
    await until(() => window.state().sync?.state === 'ok', 'the window was told');
    expect((await devices()).map(({ person }) => person)).toContain('ada@acme.example');
    // Another collector is not joined by hand where an administrator has named one.
    const refused = await muster(other, ['enroll', '--url', 'https://collector.example', '--secret-file', secretFile, '--json']);
    expect([refused.code, (JSON.parse(refused.out) as Error).error.code]).toEqual([2, 'wrong-state']);
    const state = await asked<Snapshot['sync']>(other, ['sync']);
    expect(state?.collector).toBe(collector.url);
    agent.stdin?.end();
    expect((await agent.done).code).toBe(0);
  });
});
