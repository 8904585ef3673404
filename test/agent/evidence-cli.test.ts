/** `muster evidence` as somebody types it: over a running agent, over a record that was changed, and into files. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, it } from 'vitest';
import { canonical } from '../../agent/evidence/chain.ts';
import type { ApprovalRequest } from '../../electron/contract.ts';
import { asked, client, muster, temporary, until, watching, write } from './muster.ts';

type Verified = { schema: string; ok: boolean; rows: number; count: number; head: string; findings: { row: number | null }[] };

it('proves and writes out the record while an agent adds to it', async () => {
  const home = temporary('evidence-cli');
  const data = path.join(home, 'data');
  const at = ['--data', data];
  expect((await muster(home, ['evidence', 'verify', ...at])).out).toBe('Nothing has been recorded yet.\n');
  expect(fs.existsSync(data), 'it made nothing').toBe(false);
  write(path.join(home, '.cursor/mcp.json'), { mcpServers: { '=cmd|calc': { command: 'x' } } });
  write(path.join(data, 'policy.json'), { schema: 'muster.policy/1', rev: 1, acknowledge: { version: 'v1', required: true } });
  const agent = await watching(home, at);
  const window = await client(agent.socket);
  await until(() => window.state().mcpServers.length === 1, 'the first look ended');
  const request = await asked<ApprovalRequest>(home, ['request', 'cursor', '--reason', 'planted-reason', ...at]);
  expect(await window.api.acknowledge('v1')).toMatchObject({ version: 'v1' });
  await until(() => window.state().policy.acknowledge?.acknowledgedAt != null, 'the window was told of it');

  const verified = await asked<Verified>(home, ['evidence', 'verify', ...at]);
  expect(verified).toMatchObject({ schema: 'muster.evidence-verify/1', ok: true, findings: [] });
  expect((await muster(home, ['evidence', 'verify', '--head', verified.head, ...at])).code).toBe(0);
  expect((await muster(home, ['evidence', 'verify', '--head', 'f'.repeat(64), ...at])).code).toBe(5);

  const lines = (await muster(home, ['evidence', 'export', '--format', 'jsonl', ...at])).out.trimEnd().split('\n');
  expect(lines).toHaveLength(verified.rows);
  const { hash, ...last } = JSON.parse(lines.at(-1) ?? '');
  expect(hash).toBe(verified.head);
  expect(createHash('sha256').update(canonical(last)).digest('hex')).toBe(hash);
  expect(lines.map((line) => JSON.parse(line).kind)).toEqual(['start', 'policy', 'seen', 'request', 'acknowledgement']);
  expect(lines.join()).toContain(request.id);
  expect(lines.join()).not.toContain('planted-reason');

  const file = path.join(home, 'record.csv');
  const out = await muster(home, ['evidence', 'export', '--format', 'csv', '--out', file, ...at]);
  expect([out.code, out.out]).toEqual([0, `${verified.rows} rows are in ${file} now.\n`]);
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  const csv = fs.readFileSync(file, 'utf8');
  expect(csv.split('\r\n')).toHaveLength(verified.rows + 2);
  expect(csv).toContain(',mcp:=cmd|calc,');
  for (const [args, message] of [
    [['--format', 'csv', '--out', file], /is there already; name a new one/],
    [['--format', 'xml'], /Say in which form/],
    [['--format', 'csv', '--since', 'soon'], /is no date; write it as/],
  ] as const) {
    const { code, err } = await muster(home, ['evidence', 'export', ...args, ...at]);
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
  }
  const none = await muster(home, ['evidence', 'export', '--format', 'jsonl', '--since', '2999-01-01', ...at]);
  expect([none.code, none.out]).toEqual([0, '']);

  window.close();
  agent.kill('SIGTERM');
  await agent.done;
  const database = new Sqlite(path.join(data, 'muster.db'));
  database.prepare("UPDATE evidence_log SET decision = 'approved' WHERE seq = 3").run();
  database.close();
  const broken = await muster(home, ['evidence', 'verify', ...at]);
  expect([broken.code, broken.out]).toEqual([
    5,
    'Row 3 was changed: its hash is not that of what it says.\nThe record is not as it was written.\n',
  ]);
}, 60_000);
