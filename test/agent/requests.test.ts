/** Asking for approval: what is refused and in which words, and which states follow which. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answered, decided, dueAt, lapsed, newRequest, Refusal, uuidv7, withdrawn } from '../../agent/requests.ts';
import type { ApprovalRequest, RequestInput, RequestState } from '../../electron/contract.ts';

const now = new Date('2026-11-22T10:00:00.000Z');
const find = (item: string) => (item === 'cursor' ? { id: 'cursor', name: 'Cursor', tiers: ['pro', 'business'] } : null);
const ask = (input: Partial<RequestInput>, requests: readonly ApprovalRequest[] = []) =>
  newRequest({ item: 'cursor', reason: 'For the compiler work', ...input }, { find, dataClasses: ['public'], requests }, now);
const refusal = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'accepted';
};

describe('a new request', () => {
  it('is open, trimmed, and ends with the last moment of the day that was named', () => {
    expect(ask({ reason: '  For the compiler work \n', tier: 'pro', dataClass: 'public', until: '2027-01-31' })).toMatchObject({
      item: 'cursor',
      itemName: 'Cursor',
      reason: 'For the compiler work',
      state: 'open',
      until: '2027-01-31T23:59:59.000Z',
      createdAt: now.toISOString(),
    });
  });

  it.each([
    ['an unknown tool', { item: 'nothing' }, 'unknown-item'],
    ['no reason', { reason: '   ' }, 'usage'],
    ['a reason as long as a book', { reason: 'x'.repeat(2001) }, 'usage'],
    ['a tier the tool doesn’t have', { tier: 'gold' }, 'usage'],
    ['a data class the policy doesn’t have', { dataClass: 'secret' }, 'usage'],
    ['a day in the past', { until: '2026-11-21' }, 'usage'],
    ['no such day', { until: '2027-02-30' }, 'usage'],
    ['no date at all', { until: 'soon' }, 'usage'],
    ['a day written as some countries do', { until: '12/11/2027' }, 'usage'],
    ['a time of no zone', { until: '2027-01-31T10:00' }, 'usage'],
  ] as const)('is refused with %s', (_name, input, code) => {
    expect(refusal(() => ask(input))).toBe(code);
  });

  it('stands alone for a tool and a tier while it is open', () => {
    const first = ask({ tier: 'pro' });
    expect(refusal(() => ask({ tier: 'pro' }, [first]))).toBe('duplicate');
    expect(refusal(() => ask({ tier: 'business' }, [first]))).toBe('accepted');
    expect(refusal(() => ask({ tier: 'pro' }, [{ ...first, state: 'denied' }]))).toBe('accepted');
  });
});

describe('states', () => {
  const of = (state: RequestState) => [{ ...ask({}), id: 'r', state }];
  it.each(['open', 'needs-info', 'approved', 'denied', 'withdrawn', 'expired'] as const)('%s', (state) => {
    expect(refusal(() => withdrawn(of(state), 'r', now))).toBe(state === 'open' || state === 'needs-info' ? 'accepted' : 'wrong-state');
    expect(refusal(() => answered(of(state), 'r', 'More', now))).toBe(state === 'needs-info' ? 'accepted' : 'wrong-state');
  });
  it('knows no other request', () => {
    expect(refusal(() => withdrawn(of('open'), 'other', now))).toBe('unknown-request');
  });
});

describe('ids', () => {
  it('are UUIDs of version 7 that sort by time', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
        fc.integer({ min: 1, max: 1e9 }),
        (first, later) => {
          const a = uuidv7(first);
          expect(a).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
          expect(a < uuidv7(new Date(first.getTime() + later))).toBe(true);
        },
      ),
    );
  });
});

describe('what nobody answers', () => {
  const days = (count: number) => new Date(now.getTime() + count * 86_400_000);

  it('ends after 90 days, or with the day it is for, and only while it is open', () => {
    const waits = { ...ask({}), id: 'waits' };
    const soon = { ...ask({ until: '2026-12-01' }), id: 'soon' };
    const late = { ...ask({ until: '2027-12-01' }), id: 'late' };
    const ended = (at: Date) =>
      lapsed([waits, soon, late, { ...soon, id: 'done', state: 'denied' as const }], at).map(({ request }) => request.id);
    expect(ended(new Date('2026-12-01T23:59:58.000Z'))).toEqual([]);
    expect(ended(new Date('2026-12-01T23:59:59.000Z'))).toEqual(['soon']);
    expect(ended(new Date(days(90).getTime() - 1))).toEqual(['soon']);
    expect(ended(days(90))).toEqual(['waits', 'soon', 'late']);
    expect(dueAt(waits)).toEqual(days(90));
    for (const { change } of lapsed([waits], days(91)))
      expect(change).toMatchObject({ state: 'expired', why: expect.stringMatching(/90 days/) });
  });
});

describe('a decision', () => {
  const decision = { request: 'r', state: 'approved', answer: ' For the pilot. ', at: now.toISOString() } as const;
  const of = (state: RequestState) => [{ ...ask({}), id: 'r', state }];

  it.each([
    ['open', 'approved', 'approved'],
    ['open', 'denied', 'denied'],
    ['open', 'needs-info', 'needs-info'],
    ['needs-info', 'approved', 'approved'],
    ['expired', 'approved', 'approved'],
    ['expired', 'needs-info', null],
    ['withdrawn', 'approved', null],
    ['approved', 'denied', null],
    ['denied', 'approved', null],
  ] as const)('on a request that is %s: %s → %s', (was, state, becomes) => {
    expect(decided(of(was), { ...decision, state }, now)?.change.state ?? null).toBe(becomes);
  });

  it('is taken once, and of a known request', () => {
    const [request] = of('needs-info');
    const asking = { ...decision, state: 'needs-info' } as const;
    expect(decided([{ ...ask({}), ...request, answer: 'For the pilot.', state: 'needs-info' }], asking, now)).toBeNull();
    expect(decided(of('open'), { ...decision, request: 'other' }, now)).toBeNull();
    expect(decided(of('open'), decision, now)?.change).toMatchObject({ answer: 'For the pilot.', why: null });
  });

  it('and everything else leads only along the states’ arrows, whatever comes in whatever order', () => {
    const arrows: Record<RequestState, readonly RequestState[]> = {
      open: ['approved', 'denied', 'needs-info', 'withdrawn', 'expired'],
      'needs-info': ['open', 'approved', 'denied', 'withdrawn', 'expired'],
      expired: ['approved', 'denied'],
      approved: [],
      denied: [],
      withdrawn: [],
    };
    const step = fc.record({
      do: fc.constantFrom('decide', 'withdraw', 'answer', 'wait'),
      state: fc.constantFrom('approved', 'denied', 'needs-info'),
      days: fc.nat(60),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let request: ApprovalRequest = { ...ask({}), id: 'r' };
        let at = now.getTime();
        for (const { do: what, state, days } of steps) {
          at += days * 86_400_000;
          const time = new Date(at);
          let change: { readonly state: RequestState } | undefined;
          try {
            if (what === 'decide') change = decided([request], { ...decision, state }, time)?.change;
            else if (what === 'withdraw') change = withdrawn([request], 'r', time);
            else if (what === 'answer') change = answered([request], 'r', 'More.', time);
            else change = lapsed([request], time)[0]?.change;
          } catch (error) {
            if (!(error instanceof Refusal)) throw error;
          }
          if (!change) continue;
          if (change.state !== request.state) expect(arrows[request.state]).toContain(change.state);
          request = { ...request, state: change.state };
        }
      }),
      { numRuns: 300 },
    );
  });
});
