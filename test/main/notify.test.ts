/** When the employee is told something, and when not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Action, GrantInForce, Snapshot } from '../../electron/contract.ts';
import { notices } from '../../electron/main/notify.ts';
import { anySnapshot, FIRST, request, snapshot, statuses, tool, verdict } from './snapshots.ts';

const LATER = '2026-11-22T10:00:00.000Z';
const fresh = { firstSeen: LATER };

describe('notices', () => {
  it('tells of what Muster is about to do, and of what it did, once each', () => {
    const action = (state: Action['state'], more: Partial<Action> = {}): Action => ({
      ...{ id: 'a1', kind: 'disable-entry', item: 'mcp:files', itemName: 'files', server: 's', rule: 'm1', mode: 'enforce', state },
      ...{
        reason: 'Not allowed.',
        why: null,
        preview: { path: null, before: [], after: [] },
        endsAt: null,
        mayKeep: false,
        mayUndo: false,
      },
      ...{ createdAt: FIRST, updatedAt: FIRST, ...more },
    });
    const now = (...actions: readonly Action[]) => snapshot([], { actions });
    const titles = (before: Snapshot | null, after: Snapshot) => notices(before, after).map(({ title, view }) => `${title} (${view})`);
    const waiting = action('waiting');
    expect(titles(now(), now(waiting))).toEqual(['Muster turns the MCP server files off in a minute (servers)']);
    expect(titles(null, now(waiting))).toEqual(titles(now(), now(waiting)));
    expect(titles(now(waiting), now(waiting))).toEqual([]);
    expect(titles(now(waiting), now(action('done')))).toEqual(['Muster turned the MCP server files off (servers)']);
    expect(titles(null, now(action('done')))).toEqual([]);
    expect(titles(now(), now(action('would'), action('refused', { id: 'a2' })))).toEqual([]);
    const program = action('waiting', { id: 'a2', kind: 'end-process', item: 'x', itemName: 'X' });
    expect(titles(now(), now(program))).toEqual(['Muster closes X in a minute (home)']);
    expect(titles(now(), now(waiting, program))).toEqual(['Muster stops two things soon (servers)']);
  });

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

  const policy = (rev: number | null, more: Partial<Snapshot['policy']> = {}) => ({ ...snapshot([]).policy, rev, ...more });

  it('sums up in one notice what a new policy changes', () => {
    const ids = ['Ada', 'Bob', 'Cyd', 'Dan', 'Eve'];
    const before = snapshot(
      ids.map((id) => tool(id, id === 'Eve' ? 'prohibited' : 'unreviewed')),
      { policy: policy(1) },
    );
    const after = snapshot(
      ids.map((id) => tool(id, id < 'D' ? 'prohibited' : 'approved')),
      { policy: policy(2) },
    );
    expect(notices(before, after)).toEqual([
      {
        title: 'The policy has changed',
        body: 'Five of your AI tools stand differently now; Ada, Bob and Cyd need something from you.',
        view: 'home',
        tool: null,
        items: [],
      },
    ]);
    expect(notices(after, after)).toEqual([]);
    const better = notices(
      before,
      snapshot(
        ids.map((id) => tool(id, 'approved')),
        { policy: policy(2) },
      ),
    );
    expect(better).toMatchObject([{ body: 'Five of your AI tools stand differently now; nothing is needed from you.' }]);
  });

  it('says of one tool what holds for it now', () => {
    const before = snapshot([tool('a', 'approved', { name: 'Cursor' }), tool('b', 'approved')], { policy: policy(1) });
    const tools = [tool('a', 'prohibited', { name: 'Cursor' }), tool('b', 'approved')];
    const said = { body: 'Not allowed. Nobody has looked at it yet.', tool: 'a', view: 'home' };
    expect(notices(before, snapshot(tools, { policy: policy(2) }))).toEqual([
      { title: 'The policy has changed for Cursor', items: [], ...said },
    ]);
    // An account did it, or the end of something.
    expect(notices(before, snapshot(tools, { policy: policy(1) }))).toEqual([
      { title: 'What holds for Cursor has changed', items: [], ...said },
    ]);
  });

  it.each([
    [
      'a rule that only records',
      [tool('a', 'approved')],
      [tool('a', 'prohibited', { verdict: verdict('prohibited', { mode: 'monitor' }) })],
      0,
    ],
    [
      'a rule that records no longer',
      [tool('a', 'prohibited', { verdict: verdict('prohibited', { mode: 'monitor' }) })],
      [tool('a', 'prohibited')],
      1,
    ],
    ['what the employee asked for', [tool('a', 'unreviewed')], [tool('a', 'pending')], 0],
    ['what the employee withdrew', [tool('a', 'pending')], [tool('a', 'unreviewed')], 0],
    ['one that is gone', [tool('a', 'approved')], [tool('a', 'prohibited', { present: false })], 0],
    ['one that came back', [tool('a', 'approved', { present: false })], [tool('a', 'prohibited')], 0],
    ['what waited and was approved by a policy', [tool('a', 'pending')], [tool('a', 'approved')], 1],
    ['two words for what is fine', [tool('a', 'approved')], [tool('a', 'conditional')], 1],
  ] as const)('a change of a verdict: %s', (_what, was, now, count) => {
    expect(notices(snapshot(was, { policy: policy(1) }), snapshot(now, { policy: policy(2) }))).toHaveLength(count);
  });

  it('tells an answer once, and not again as a change of the tool', () => {
    const before = snapshot([tool('cursor', 'pending')], { requests: [request('r', 'open')] });
    const after = snapshot([tool('cursor', 'approved')], { requests: [request('r', 'approved')] });
    expect(notices(before, after).map(({ title }) => title)).toEqual(['Cursor is approved']);
  });

  const grant = (id: string, standing: GrantInForce['standing'], more: Partial<GrantInForce> = {}): GrantInForce => ({
    ...{
      id,
      item: 'cursor',
      itemName: 'Cursor',
      status: 'approved',
      until: '2027-04-30T23:59:59.000Z',
      reason: 'For the pilot.',
      standing,
    },
    ...more,
  });

  it('tells a week before an approval ends, once, and when it has ended', () => {
    const soon = policy(1, { grants: [grant('g1', 'ending')] });
    const over = policy(1, { grants: [grant('g1', 'ended')] });
    const cursor = [tool('cursor', 'approved')];
    const ended = [tool('cursor', 'expired')];
    const [first] = notices(null, snapshot(cursor, { policy: soon }));
    expect(first).toEqual({
      title: 'Your approval of Cursor ends on 30 April',
      body: 'Ask again before then if you still need it.',
      view: 'approved',
      tool: null,
      items: ['grant-ending:g1'],
    });
    const told = { inventory: FIRST, 'grant-ending:g1': LATER };
    const before = snapshot(cursor, { policy: soon, told });
    expect(notices(null, before)).toEqual([]);
    const after = snapshot(ended, { policy: over, told });
    const said = notices(before, after);
    expect(said).toMatchObject([{ title: 'Your approval of Cursor has ended', items: ['grant-ended:g1'] }]);
    // Also where it ended while nothing ran; and never again.
    expect(notices(null, after)).toEqual(said);
    expect(notices(before, { ...after, told: { ...told, 'grant-ended:g1': LATER } }).map(({ view }) => view)).not.toContain('approved');
    const longAgo = { ...after, look: { ...after.look, at: '2027-05-08T00:00:00.000Z' } };
    expect(notices(null, longAgo)).toEqual([]);
  });

  it('tells several ends in one notice, none of a prohibition, and none where the policy only records', () => {
    const grants = [grant('g1', 'ending'), grant('g2', 'ending', { itemName: 'Jan' }), grant('g3', 'ending', { status: 'prohibited' })];
    const several = snapshot([], { policy: policy(1, { grants }) });
    expect(notices(null, several)).toMatchObject([
      {
        title: 'Two of your approvals end',
        body: 'Ending soon: Cursor on 30 April and Jan on 30 April.',
        items: ['grant-ending:g1', 'grant-ending:g2'],
      },
    ]);
    expect(notices(null, snapshot([], { policy: policy(1, { grants, mode: 'monitor' }) }))).toEqual([]);
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

  it('tells once of a policy that asks to be read, together with what it changes', () => {
    const asks = (version: string, acknowledgedAt: string | null = null, required = true, mode: 'warn' | 'monitor' = 'warn') => {
      const { policy } = snapshot([]);
      return { policy: { ...policy, rev: 2, mode, acknowledge: { version, required, acknowledgedAt } } };
    };
    const before = snapshot([tool('cursor', 'unreviewed', { name: 'Cursor' })]);
    const told = (was: Partial<Snapshot>, is: Partial<Snapshot>, tools = before.tools) =>
      notices({ ...before, ...was }, { ...before, tools, ...is });
    expect(told({}, asks('2026-11'))).toEqual([
      {
        title: 'The policy asks to be read',
        body: 'Read version 2026-11 in Muster, and say that you have.',
        view: 'policy',
        tool: null,
        items: [],
      },
    ]);
    const [both, ...more] = told({}, asks('2026-11'), [tool('cursor', 'prohibited', { name: 'Cursor' })]);
    expect(more).toEqual([]);
    expect(both?.title).toBe('The policy has changed for Cursor');
    expect(both?.body).toMatch(/ The policy asks to be read\.$/);
    expect(both?.view).toBe('policy');
    expect(told(asks('2026-11'), asks('2026-11'))).toEqual([]);
    expect(told(asks('2026-10', LATER), asks('2026-11'))).toHaveLength(1);
    for (const quiet of [asks('2026-11', LATER), asks('2026-11', null, false), asks('2026-11', null, true, 'monitor')])
      expect(told({}, quiet)).toEqual([]);
    expect(notices(null, { ...before, ...asks('2026-11') })).toEqual([]);
  });
});
