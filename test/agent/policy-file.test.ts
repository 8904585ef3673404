/** The plain policy file: a broken one loosens nothing, also after a new start, and a removed one leaves nothing behind. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createPolicyFile } from '../../agent/policy/policy-file.ts';
import { createProblems } from '../../agent/problems.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'muster-policy-file-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const good = JSON.stringify({ schema: 'muster.policy/1', rev: 7, stance: 'prohibited' });
const put = (text: string) => writeFileSync(path.join(folder, 'policy.json'), text);
/** As a new process reads it. */
const start = (readOnly = false) => {
  const problems = createProblems();
  const lastGood = { file: path.join(folder, 'last-good.json'), readOnly };
  const file = createPolicyFile(path.join(folder, 'policy.json'), undefined, problems, lastGood);
  return { rev: () => file.reload().policy?.rev ?? null, policy: () => file.current().policy, problems };
};

it('keeps the last good one in force when the file is broken before the next start', () => {
  put(good);
  expect(start().rev()).toBe(7);
  if (process.platform !== 'win32') expect(statSync(path.join(folder, 'last-good.json')).mode & 0o777).toBe(0o600);
  put('{"schema": "muster.policy/1", "rev": 8,,');
  for (const readOnly of [false, true]) {
    const next = start(readOnly);
    expect(next.rev()).toBe(7);
    expect(next.problems.list().map(({ code }) => code)).toEqual(['policy-invalid']);
  }
});

it('keeps every rule as it was understood, and neither notes nor what nobody knows', () => {
  const match = { npm: '@acme/files', versions: '>=1.2 <2 || 3.x' };
  const rule = { id: 'm1', match, status: 'approved', pin: 'launch', conditions: 'Only in demos.' };
  const whole = {
    ...JSON.parse(good),
    clauses: [{ id: '2', title: 'Tools', text: 'Words.', byPeople: 'The desk.' }],
    mcp: { rules: [rule] },
  };
  put(JSON.stringify({ ...whole, secret: 'hunter2', tools: [{ id: 't1', tool: 'codex', status: 'approved', note: 'hunter2' }] }));
  const first = start();
  first.rev();
  put('{');
  const { note: _, ...tool } = first.policy()?.tools[0] ?? {};
  const next = start();
  next.rev();
  expect(next.policy()).toEqual({ ...first.policy(), tools: [tool] });
  expect(readFileSync(path.join(folder, 'last-good.json'), 'utf8')).not.toContain('hunter2');
});

it('forgets it with the file, and keeps nothing where nothing may be written', () => {
  put(good);
  expect(start(true).rev()).toBe(7);
  expect(existsSync(path.join(folder, 'last-good.json'))).toBe(false);
  const running = start();
  expect(running.rev()).toBe(7);
  rmSync(path.join(folder, 'policy.json'));
  expect(running.rev()).toBeNull();
  put('{');
  expect(start().rev()).toBeNull();
});

it('reads no copy that is itself broken', () => {
  put('{');
  writeFileSync(path.join(folder, 'last-good.json'), '{"schema":"muster.policy/1"}');
  expect(start().rev()).toBeNull();
});
