/** One definition of what needs the employee, and the sentence that says so. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groups, standing, stateSentence, statusWord, toolStanding } from '../../electron/attention.ts';
import type { VerdictStatus } from '../../electron/contract.ts';
import { anySnapshot, FIRST, snapshot, statuses, tool, verdict } from './snapshots.ts';

const many = (count: number, status: VerdictStatus, from = 0) =>
  Array.from({ length: count }, (_, index) => tool(`${status}-${from + index}`, status));

describe('standing', () => {
  it('knows every status', () => {
    const of = Object.fromEntries(statuses.map((status) => [status, standing(verdict(status))]));
    expect(of).toEqual({
      approved: 'fine',
      conditional: 'fine',
      tolerated: 'fine',
      pending: 'waiting',
      'wrong-tier': 'needs',
      'tier-unknown': 'needs',
      unreviewed: 'needs',
      prohibited: 'needs',
      expired: 'needs',
    });
    expect(Object.keys(statusWord).sort()).toEqual([...statuses].sort());
  });

  it('asks nothing about a mere trace, unless it is not allowed', () => {
    expect(toolStanding(tool('x', 'unreviewed', { confidence: 'possible' }))).toBe('fine');
    expect(toolStanding(tool('x', 'prohibited', { confidence: 'possible' }))).toBe('needs');
  });
});

describe('stateSentence', () => {
  it.each([
    [[], 'No AI tools were found on this computer.'],
    [[...many(4, 'unreviewed'), ...many(10, 'approved')], 'Four of your 14 AI tools need something from you.'],
    [many(14, 'approved'), 'All 14 tools are fine as they are.'],
    [many(5, 'tolerated'), 'All five tools are fine as they are.'],
    [many(2, 'approved'), 'Both of your AI tools are fine as they are.'],
    [many(1, 'approved'), 'Your one AI tool is fine as it is.'],
    [many(1, 'unreviewed'), 'Your one AI tool needs something from you.'],
    [many(2, 'unreviewed'), 'Both of your AI tools need something from you.'],
    [many(3, 'unreviewed'), 'All three of your AI tools need something from you.'],
    [many(13, 'unreviewed'), 'All 13 of your AI tools need something from you.'],
    [[...many(1, 'prohibited'), ...many(1, 'approved')], 'One of your two AI tools needs something from you.'],
    [[...many(13, 'expired'), ...many(1, 'approved')], '13 of your 14 AI tools need something from you.'],
    [[...many(1, 'pending'), ...many(2, 'approved')], 'One of your three AI tools waits for an answer; the others are fine.'],
    [[...many(2, 'pending'), ...many(1, 'approved')], 'Two of your three AI tools wait for an answer; the other is fine.'],
    [many(1, 'pending'), 'Your one AI tool waits for an answer.'],
    [[tool('gone', 'prohibited', { present: false }), ...many(1, 'approved')], 'Your one AI tool is fine as it is.'],
  ])('%# says %s', (tools, sentence) => {
    expect(stateSentence(snapshot(tools))).toBe(sentence);
  });

  it('says that it is looking before the first look has ended', () => {
    const look = { state: 'looking', at: null, durationMs: null, firstAt: null } as const;
    expect(stateSentence({ tools: [], look })).toBe('Looking for the AI tools on this computer.');
    expect(stateSentence({ tools: [], look: { ...look, firstAt: FIRST } })).toBe('No AI tools were found on this computer.');
  });

  it('is one sentence, and counts what the groups count', () => {
    fc.assert(
      fc.property(anySnapshot, (any) => {
        const { needs, waiting, fine, gone } = groups(any.tools);
        expect([...needs, ...waiting, ...fine, ...gone].map((each) => each.id).sort()).toEqual(any.tools.map((each) => each.id).sort());
        const sentence = stateSentence(any);
        expect(sentence).toMatch(/^[A-Z][^.!]*\.$/);
        expect(sentence.includes('something from you')).toBe(needs.length > 0);
      }),
    );
  });
});

describe('groups', () => {
  it('puts what can be mended first, then names in order', () => {
    const tools = [tool('b', 'unreviewed'), tool('A', 'unreviewed'), tool('z', 'wrong-tier'), tool('y', 'prohibited')];
    expect(groups(tools).needs.map((each) => each.id)).toEqual(['z', 'y', 'A', 'b']);
  });
});
