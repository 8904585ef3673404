/** Asking for approval: what is refused and in which words, and which states follow which. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answered, newRequest, Refusal, uuidv7, withdrawn } from '../../agent/requests.ts';
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
