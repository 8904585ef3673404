/** Asking for approval: what a good request is, and how its state may change. Pure but for the id. */
import { randomBytes } from 'node:crypto';
import type { ApprovalRequest, ErrorCode, RequestInput, RequestState } from '../electron/contract.ts';

/** A refusal that reaches the person who asked, with its code. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}

/** Longer reasons are letters; the collector's page has no room for them. */
const MAX_TEXT = 2000;

/** So many one check-in tells of, and nobody answers more. */
const MOST_OPEN = 200;

/** RFC 9562: 48 bits of Unix milliseconds first, so that ids sort by time. */
export function uuidv7(now: Date): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now.getTime(), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function text(value: unknown, what: string): string {
  const trimmed = typeof value === 'string' ? value.trim() : '';
  if (!trimmed) throw new Refusal('usage', `A request needs ${what}; write a sentence or two.`);
  if (trimmed.length > MAX_TEXT)
    throw new Refusal('usage', `The text has ${trimmed.length} characters; ${MAX_TEXT} is the most, so shorten it.`);
  return trimmed;
}

/** Longer ids and names are none. */
const MAX_NAME = 300;

function named(value: string | null | undefined, what: string): string | null {
  if (value == null) return null;
  if (value.length > MAX_NAME)
    throw new Refusal('usage', `The ${what} has ${value.length} characters; ${MAX_NAME} is the most, so name it by its id.`);
  return value;
}

/** A calendar day (`2027-01-31`, its end in UTC) or a whole ISO time with its zone, later than `now`. */
function endDate(value: string, now: Date): string {
  if (value.length > 40) throw new Refusal('usage', `A date of ${value.length} characters is none; write it as 2027-01-31.`);
  const day = /^\d{4}-\d{2}-\d{2}$/.test(value);
  // JavaScript reads far more than that: 12/11/2027 as an American would, and a time without a zone by this computer's.
  const whole = /^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})$/.test(value);
  const end = new Date(day ? `${value}T23:59:59.000Z` : whole ? value : Number.NaN);
  if (Number.isNaN(end.getTime()) || (day && end.toISOString().slice(0, 10) !== value)) {
    throw new Refusal('usage', `“${value}” is no date; write it as 2027-01-31.`);
  }
  if (end <= now) throw new Refusal('usage', `${value} is in the past; name a later day or leave it out.`);
  return end.toISOString();
}

export type Askable = {
  /** The item's id and name as it is known here, or null: there is no such tool or server. */
  readonly find: (item: string) => { id: string; name: string; tiers: readonly string[] } | null;
  readonly dataClasses: readonly string[];
  readonly requests: readonly ApprovalRequest[];
};

/** A new open request; throws a `Refusal` that says what to change. */
export function newRequest(input: RequestInput, { find, dataClasses, requests }: Askable, now: Date): ApprovalRequest {
  const item = typeof input.item === 'string' ? find(input.item) : null;
  if (!item) {
    throw new Refusal(
      'unknown-item',
      `Muster knows no tool or MCP server “${String(input.item).slice(0, 80)}”; “muster status” lists those on this computer.`,
    );
  }
  const reason = text(input.reason, 'a reason');
  const tier = named(input.tier, 'tier');
  if (tier !== null && item.tiers.length > 0 && !item.tiers.includes(tier)) {
    throw new Refusal('usage', `${item.name} has no tier “${tier}”; it has ${item.tiers.join(', ')}.`);
  }
  const dataClass = named(input.dataClass, 'data class');
  if (dataClass !== null && !dataClasses.includes(dataClass)) {
    const have = dataClasses.length ? `it has ${dataClasses.join(', ')}` : 'no policy is in force';
    throw new Refusal('usage', `The policy has no data class “${dataClass}”; ${have}.`);
  }
  const open = requests.find((other) => other.item === item.id && other.tier === tier && isOpen(other.state));
  if (open) {
    throw new Refusal(
      'duplicate',
      `${item.name} has been asked for already, on ${open.createdAt.slice(0, 10)}; withdraw that request first to change it.`,
    );
  }
  if (requests.filter(({ state }) => isOpen(state)).length >= MOST_OPEN)
    throw new Refusal('wrong-state', `${MOST_OPEN} requests wait for an answer already; withdraw one that you no longer need.`);
  const at = now.toISOString();
  return {
    id: uuidv7(now),
    item: item.id,
    itemName: item.name,
    tier,
    dataClass,
    until: input.until == null ? null : endDate(input.until, now),
    reason,
    state: 'open',
    createdAt: at,
    updatedAt: at,
    answer: null,
    added: null,
  };
}

/** A request that somebody still has to answer. */
export function isOpen(state: RequestState): boolean {
  return state === 'open' || state === 'needs-info';
}

function known(requests: readonly ApprovalRequest[], id: string): ApprovalRequest {
  const found = requests.find((request) => request.id === id);
  if (!found) throw new Refusal('unknown-request', `There is no request ${String(id).slice(0, 40)}; “muster requests” lists yours.`);
  return found;
}

/** What changes when the employee takes a request back. */
export function withdrawn(requests: readonly ApprovalRequest[], id: string, now: Date) {
  const request = known(requests, id);
  if (!isOpen(request.state))
    throw new Refusal('wrong-state', `The request for ${request.itemName} is ${request.state} already and can’t be withdrawn.`);
  return { state: 'withdrawn', updatedAt: now.toISOString() } as const;
}

/** What changes when the employee answers IT's question. */
export function answered(requests: readonly ApprovalRequest[], id: string, words: string, now: Date) {
  const request = known(requests, id);
  if (request.state !== 'needs-info')
    throw new Refusal('wrong-state', `The request for ${request.itemName} is ${request.state}; nobody has asked you anything about it.`);
  return { state: 'open', added: text(words, 'an answer'), updatedAt: now.toISOString() } as const;
}

const DAY_MS = 86_400_000;
/** How long a request waits for an answer. */
const WAITS_DAYS = 90;

/** When an open request ends by itself: 90 days after it was made, or with the day it is for. */
export function dueAt({ createdAt, until }: Pick<ApprovalRequest, 'createdAt' | 'until'>): Date {
  const waited = Date.parse(createdAt) + WAITS_DAYS * DAY_MS;
  return new Date(until === null ? waited : Math.min(waited, Date.parse(until)));
}

/** What changes of the open requests that nobody has answered in time, each with why. */
export function lapsed(requests: readonly ApprovalRequest[], now: Date) {
  return requests
    .filter((request) => isOpen(request.state) && dueAt(request) <= now)
    .map((request) => {
      const waited = Date.parse(request.createdAt) + WAITS_DAYS * DAY_MS <= now.getTime();
      const why = waited
        ? `Nobody decided within ${WAITS_DAYS} days; ask again if you still need it.`
        : 'The day that you asked for has passed.';
      return { request, change: { state: 'expired', why, updatedAt: now.toISOString() } } as const;
    });
}

/** What IT decided about one request. For display: what may be used is said by the policy and by signed grants. */
export type Decision = {
  /** The request's id. */
  readonly request: string;
  readonly state: 'approved' | 'denied' | 'needs-info';
  readonly answer: string | null;
  /** When it was decided, in IT's time. */
  readonly at: string;
};

/**
 * What a decision changes, or null where it changes nothing: the request is another's, was withdrawn, or this was said before. A request that
 * ended here because nobody answered in time is still IT's to decide.
 */
export function decided(requests: readonly ApprovalRequest[], { request: id, state, answer }: Decision, now: Date) {
  const request = requests.find((one) => one.id === id);
  if (!request || (!isOpen(request.state) && request.state !== 'expired')) return null;
  const words = answer?.trim().slice(0, MAX_TEXT) || null;
  if (request.state === state && request.answer === words) return null;
  // Nothing can be asked about a request whose day has passed.
  if (request.state === 'expired' && state === 'needs-info') return null;
  return { request, change: { state, answer: words, why: null, updatedAt: now.toISOString() } } as const;
}
