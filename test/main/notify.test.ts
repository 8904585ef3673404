/** When the employee is told something, and when not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../electron/contract.ts';
import { notices } from '../../electron/main/notify.ts';
import { anySnapshot, FIRST, request, snapshot, statuses, tool, verdict } from './snapshots.ts';

const LATER = '2026-11-22T10:00:00.000Z';
const fresh = { firstSeen: LATER };

describe('notices', () => {
  it('tells the first inventory once, with its count', () => {
    const tools = [
      tool('a', 'unreviewed'),
      tool('b', 'approved'),
      tool('c', 'unreviewed', fresh),
      tool('gone', 'unreviewed', { present: false }),
    ];
    expect(notices(null, snapshot(tools, { told: {} }))).toEqual([
      {
        title: 'Muster found three AI tools',
        body: 'Two of your three AI tools need something from you.',
        view: 'home',
        tool: null,
        items: ['inventory', 'c'],
      },
    ]);
    expect(notices(null, snapshot(tools, { told: { inventory: FIRST, c: LATER } }))).toEqual([]);
  });

  it('waits until the first look has ended, and keeps quiet about an empty list', () => {
    const look = { state: 'looking', at: null, durationMs: null, firstAt: null } as const;
    expect(notices(null, snapshot([tool('a', 'unreviewed')], { told: {}, look }))).toEqual([]);
    expect(notices(null, snapshot([], { told: {} }))).toEqual([]);
  });

  it('tells of one that is new and needs something', () => {
    const after = snapshot([tool('old', 'unreviewed'), tool('cursor', 'unreviewed', { name: 'Cursor', ...fresh })]);
    expect(notices(snapshot([tool('old', 'unreviewed')]), after)).toEqual([
      {
        title: 'Cursor is new on this computer',
        body: 'Not reviewed yet. Nobody has looked at it yet.',
        view: 'home',
        tool: 'cursor',
        items: ['cursor'],
      },
    ]);
  });

  it('tells of several that came together in one notice, three by name', () => {
    const after = snapshot(['Cursor', 'Jan', 'LM Studio', 'Windsurf', 'Zed'].map((name) => tool(name, 'unreviewed', fresh)));
    expect(notices(null, after)).toEqual([
      {
        title: 'Five AI tools are new on this computer',
        body: 'Cursor, Jan, LM Studio and two more need something from you.',
        view: 'home',
        tool: null,
        items: ['Cursor', 'Jan', 'LM Studio', 'Windsurf', 'Zed'],
      },
    ]);
  });

  it.each(statuses)('new and %s: tells only where something is needed', (status) => {
    const told = ['wrong-tier', 'tier-unknown', 'unreviewed', 'prohibited', 'expired'].includes(status);
    expect(notices(null, snapshot([tool('x', status, fresh)]))).toHaveLength(told ? 1 : 0);
  });

  it.each([
    ['a rule that only records', { verdict: verdict('prohibited', { mode: 'monitor' }), ...fresh }, 0],
    ['a rule that enforces', { verdict: verdict('prohibited', { mode: 'enforce' }), ...fresh }, 1],
    ['a mere trace', { confidence: 'possible', ...fresh }, 0],
    ['one that is gone again', { present: false, ...fresh }, 0],
    ['one that was there at the first look', {}, 0],
  ] as const)('%s', (_what, more, count) => {
    expect(notices(null, snapshot([tool('x', 'unreviewed', more)]))).toHaveLength(count);
  });

  it('says nothing of the first inventory where every rule only records', () => {
    const quiet = tool('x', 'unreviewed', { verdict: verdict('unreviewed', { mode: 'monitor' }) });
    expect(notices(null, snapshot([quiet], { told: {} }))).toEqual([]);
  });

  it.each([
    ['approved', 'Cursor is approved', 'You may use it as you asked.'],
    ['denied', 'Cursor isn’t approved', 'Your request was read, and the answer is no.'],
    ['needs-info', 'A question about Cursor', 'IT needs to know more before it can answer your request.'],
  ] as const)('tells that a request was answered: %s', (state, title, body) => {
    const before = snapshot([], { requests: [request('r', 'open')] });
    const after = snapshot([], { requests: [request('r', state)] });
    expect(notices(before, after)).toEqual([{ title, body, view: 'requests', tool: null, items: [] }]);
    expect(notices(after, after)).toEqual([]);
    // After a restart the window shows it; a notice that may be a week late would only confuse.
    expect(notices(null, after)).toEqual([]);
    const said = snapshot([], { requests: [request('r', state, { answer: 'In\nour words.' })] });
    expect(notices(before, said)[0]?.body).toBe('In our words.');
  });

  it('tells several answers in one notice, and nothing of what the employee did', () => {
    const before = snapshot([], { requests: ['a', 'b', 'c', 'd'].map((id) => request(id, 'open', { itemName: id.toUpperCase() })) });
    const states = ['approved', 'denied', 'withdrawn', 'expired'] as const;
    const after = snapshot([], { requests: before.requests.map((each, at) => ({ ...each, state: states[at] ?? 'open' })) });
    expect(notices(before, after)).toMatchObject([{ title: 'Two of your requests were answered', body: 'A and B.' }]);
  });

  it('never tells of a tool twice, nor two notices about tools at once, over any sequence of states', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anySnapshot, fc.integer({ min: 0, max: 100_000_000 })), { maxLength: 12 }), (steps) => {
        let before: Snapshot | null = null;
        let at = Date.parse(FIRST);
        const told: Record<string, string> = {};
        for (const [state, passed] of steps) {
          at += passed;
          const after: Snapshot = { ...state, told: { ...told } };
          const found = notices(before, after);
          expect(found.filter((notice) => notice.view === 'home').length).toBeLessThanOrEqual(1);
          expect(found.length).toBeLessThanOrEqual(2);
          for (const notice of found) {
            expect(notice.title).toMatch(/^[^\p{Cc}\p{Cf}]+$/u);
            expect(notice.body).toMatch(/^[^\p{Cc}\p{Cf}]+$/u);
            expect(notice.title.length + notice.body.length).toBeLessThan(1000);
            for (const item of notice.items) {
              expect(told, `${item} was told before`).not.toHaveProperty([item]);
              told[item] = new Date(at).toISOString();
            }
          }
          before = after;
        }
      }),
      { numRuns: 300 },
    );
  });
});
