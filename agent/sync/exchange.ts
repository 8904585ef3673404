/** One round with the collector: joining it, sending what waits, and taking in what it answers. Whatever ends it at any moment, the next round goes on. */
import { randomUUID } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { DeviceKey } from '../device-key.ts';
import type { DocumentKind } from '../policy/documents.ts';
import type { Payload, SyncRows, SyncState, Told } from '../store/sync-rows.ts';
import { BOUNDS, CheckInAnswer, type Decision, type Enrolment, EnrolmentAnswer, PATHS, ProblemDocument } from '../wire.ts';
import { type Composed, compose, type Draft, type Now } from './compose.ts';
import type { Joined, Membership } from './joined.ts';
import { type Answered, type Post, Unreachable } from './post.ts';
import { proofOf } from './proof.ts';

/** Why a round ended early. `refused`: the collector answers, and wants nothing of this computer. */
export class Trouble extends Error {
  readonly kind: 'failed' | 'refused';
  readonly code: string;
  readonly retryAfterS: number | null;
  constructor(kind: Trouble['kind'], code: string, message: string, retryAfterS: number | null = null) {
    super(message);
    this.name = 'Trouble';
    this.kind = kind;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

export type ExchangeParts = {
  readonly rows: SyncRows;
  readonly device: string;
  readonly key: () => DeviceKey;
  readonly post: Post;
  readonly now: () => Date;
  /** How things stand here, with the rows of evidence after the one given. */
  readonly gather: (state: SyncState) => Now;
  readonly takeDocuments: (documents: { readonly [Kind in DocumentKind]?: string }) => Promise<void>;
  /** Safe to repeat. */
  readonly takeDecision: (decision: Decision) => void;
  readonly noteTime: (at: Date) => void;
};

export type Exchange = {
  /** Posts key, id and secret. The secret is in no message and nowhere on the disk. Throws a `Trouble`. */
  enroll(
    url: string,
    about: Omit<Enrolment, 'proto' | 'id' | 'key'>,
    signal: AbortSignal,
  ): Promise<{ joined: Joined; answer: EnrolmentAnswer }>;
  /** Sends everything that there is to say. Returns in how many seconds the collector wants to hear more. Throws a `Trouble` or a `DatabaseError`. */
  round(member: Membership, signal: AbortSignal): Promise<number>;
  /** What would be sent now; changes nothing. */
  preview(member: Pick<Membership, 'url'> | null): Draft['body'][];
};

/** `full`: everything has to be sent. `documents`: some came, and what became of them is told at once. */
type Settled = 'agreed' | 'documents' | 'full';

/** How often the collector may say that it holds something else before this ends as a failure. */
const TRIES = 4;
/** Check-ins of one round; what is left after so many waits for the next. */
const MOST = 200;

export function createExchange(parts: ExchangeParts): Exchange {
  const { rows, now } = parts;
  let skewMs = 0;

  const stateFor = (url: string): SyncState | null => {
    const state = rows.state();
    return state?.collector === `${url} ${parts.key().thumbprint}` ? state : null;
  };
  const fresh = (collector: string, lastAt: string | null): SyncState => ({
    ...{ collector, epoch: randomUUID(), seq: 0, head: null, evidence: 0, usage: null, agent: null, skewMs, lastAt },
  });

  async function send(
    url: string,
    sent: { body: Buffer; packed: boolean; by: 'key' | { kid: string } },
    signal: AbortSignal,
  ): Promise<Answered> {
    for (let attempt = 0; ; attempt++) {
      const proof = await proofOf(parts.key(), { url, body: sent.body, at: new Date(now().getTime() + skewMs) }, sent.by);
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json',
        DPoP: proof,
        ...(sent.packed ? { 'content-encoding': 'gzip' } : {}),
      };
      let answered: Answered;
      try {
        answered = await parts.post({ url, headers, body: sent.body }, signal);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        throw new Trouble('failed', 'unreachable', error.message);
      }
      if (answered.status === 200 || answered.status === 201) return answered;
      const problem = problemOf(answered);
      // The clock of this computer is wrong, and the answer says by how much: once more, with a proof for that time.
      if (problem.code === 'proof-time' && problem.time !== null && attempt === 0) skewMs = problem.time - now().getTime();
      else throw troubleOf(answered, problem);
    }
  }

  function queue(state: SyncState, { drafts }: Composed): Payload[] {
    const madeAt = now().toISOString();
    const payloads = drafts.map(({ body, effect }) => {
      const text = Buffer.from(JSON.stringify(body));
      const packed = text.byteLength > BOUNDS.compressAbove;
      return { seq: body.seq, madeAt, body: packed ? gzipSync(text) : text, packed, effect };
    });
    rows.queue(payloads, { ...state, seq: payloads.at(-1)?.seq ?? state.seq });
    return rows.waiting();
  }

  /** What follows from an answer. */
  async function settle(payload: Payload, answer: CheckInAnswer): Promise<Settled> {
    const time = new Date(answer.time);
    skewMs = time.getTime() - now().getTime();
    parts.noteTime(time);
    if (answer.trust !== 'current') await parts.takeDocuments(documentsOf(answer.trust));
    for (const decision of answer.decisions) parts.takeDecision(decision);

    const before = rows.state();
    if (before === null) throw new Error('The state of the exchange vanished while an answer was taken in.');
    if (answer.ackSeq > payload.seq) {
      rows.drop('the collector is ahead');
      rows.save({ ...before, seq: answer.ackSeq, head: null, skewMs });
      return 'full';
    }
    const { effect } = payload;
    const agreed = answer.want === 'none';
    const { held: _, head: __, ...others } = effect;
    const state: SyncState = {
      ...before,
      head: agreed ? (effect.head ?? before.head) : null,
      // Where it holds none it says nothing: then it is told all of it again.
      evidence: answer.evidence?.count ?? 0,
      usage: effect.usage ?? before.usage,
      agent: effect.agent ?? before.agent,
      skewMs,
      lastAt: now().toISOString(),
    };
    rows.acknowledge({ ...payload, effect: agreed ? effect : others }, state, parkedOf(answer, payload));
    if (!agreed) rows.drop('the collector asks for everything');
    return !agreed ? 'full' : answer.trust === 'current' ? 'agreed' : 'documents';
  }

  return {
    async enroll(url, about, signal) {
      const key = parts.key();
      const body: Enrolment = { proto: 1, id: parts.device, key: key.publicJwk, ...about };
      const answered = await send(url + PATHS.enroll, { body: Buffer.from(JSON.stringify(body)), packed: false, by: 'key' }, signal);
      const answer = EnrolmentAnswer.safeParse(jsonOf(answered)).data;
      if (!answer) throw notUnderstood();
      if (answer.device !== parts.device) throw new Trouble('refused', 'other-device', 'The collector answered for another device.');
      return { answer, joined: { url, tenant: answer.tenant, key: key.thumbprint, state: answer.state, at: now().toISOString() } };
    },

    async round({ url }, signal) {
      let state = stateFor(url);
      if (state === null) rows.begin(fresh(`${url} ${parts.key().thumbprint}`, null));
      else skewMs ||= state.skewMs;
      let full = 0;
      let nextCheckInS = 0;
      let mark = '';
      for (let sent = 0; sent < MOST; ) {
        state = rows.state();
        if (state === null) throw new Error('The state of the exchange can’t be read.');
        let waiting = rows.waiting();
        // What a round before this one left says nothing of how things are now.
        let more = true;
        if (waiting.length === 0) {
          const composed = compose(state, parts.gather(state), now());
          const told = [state.evidence, state.usage, rows.told().size].join(' ');
          // What is left over goes on at once, as long as that leads somewhere.
          more = composed.more && told !== mark;
          mark = told;
          waiting = queue(state, composed);
        }
        let went: Settled = 'agreed';
        for (const payload of waiting) {
          sent++;
          const answer = await checkIn(url, payload, signal);
          went = answer === null ? 'full' : await settle(payload, answer);
          if (answer !== null) nextCheckInS = answer.nextCheckInS;
          if (went === 'full') break;
          more ||= went === 'documents';
        }
        if (went === 'full') {
          if (++full < TRIES) continue;
          throw new Trouble(
            'failed',
            'no-agreement',
            'The collector asked for the whole inventory again and again; Muster tries again by itself.',
          );
        }
        if (!more) break;
      }
      return nextCheckInS;
    },

    preview(member) {
      const state = (member && stateFor(member.url)) ?? fresh('', null);
      const waiting = member && state.collector !== '' ? rows.waiting() : [];
      if (waiting.length > 0) return waiting.map(({ body, packed }) => JSON.parse((packed ? gunzipSync(body) : body).toString('utf8')));
      const held = state.collector === '' ? { held: new Map(), told: new Map() } : {};
      return compose(state, { ...parts.gather(state), ...held }, now()).drafts.map(({ body }) => body);
    },
  };

  /** Null: the number was used for another body, and everything is sent under the next. */
  async function checkIn(url: string, payload: Payload, signal: AbortSignal): Promise<CheckInAnswer | null> {
    let answered: Answered;
    try {
      answered = await send(url + PATHS.checkIn, { ...payload, by: { kid: parts.device } }, signal);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      const state = rows.state();
      if (error.code === 'seq-reused' && state) {
        rows.drop('refused (seq-reused)');
        rows.save({ ...state, head: null });
        return null;
      }
      // Sent again as it is it would be refused again: its words are composed anew, and nothing that they were about is lost.
      if (UNUSABLE.has(error.code) && state) {
        rows.drop(`refused (${error.code})`);
        rows.save({ ...state, head: null });
      }
      throw error;
    }
    const answer = CheckInAnswer.safeParse(jsonOf(answered)).data;
    if (!answer) throw notUnderstood();
    return answer;
  }
}

const UNUSABLE: ReadonlySet<string> = new Set([
  'not-understood',
  'too-large',
  'unpacks-too-large',
  'not-unpacked',
  'not-json',
  'wrong-encoding',
  'wrong-type',
]);

function documentsOf(trust: Exclude<CheckInAnswer['trust'], 'current'>): { readonly [Kind in DocumentKind]?: string } {
  const { keySet, policy, grants } = trust;
  return {
    ...(keySet === undefined ? {} : { keySet }),
    ...(policy === undefined ? {} : { policy }),
    ...(grants === undefined ? {} : { grants }),
  };
}

/** Requests that could not be used, with why; they are told again when they change. */
function parkedOf({ parked = [] }: CheckInAnswer, { effect }: Payload): ReadonlyMap<string, Told> {
  const sent = new Map(effect.requests);
  return new Map(
    parked.flatMap(({ what, why }) => {
      const id = what.replace(/^request:/, '');
      const hash = sent.get(id);
      return hash === undefined ? [] : [[id, { hash, parked: why }] as const];
    }),
  );
}

function jsonOf({ body }: Answered): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
}

const notUnderstood = () => new Trouble('failed', 'bad-answer', 'What answers at the collector’s address is no collector of this version.');

type Told4xx = { readonly code: string | null; readonly time: number | null };

function problemOf(answered: Answered): Told4xx {
  const json = jsonOf(answered);
  const { data } = ProblemDocument.safeParse(json);
  const time =
    typeof json === 'object' && json !== null && 'time' in json && typeof json.time === 'string' ? Date.parse(json.time) : Number.NaN;
  return { code: data?.code.slice(0, 50) ?? null, time: Number.isNaN(time) ? null : time };
}

/** The employee reads our words: what another server says is no text for them. */
const WORDS: Readonly<Record<string, string>> = {
  'device-pending': 'An administrator has to approve this computer before the collector talks to it.',
  'device-revoked': 'The collector no longer accepts this computer; ask your administrator.',
  'unknown-device': 'The collector doesn’t know this computer; an administrator can join it again with “muster enroll”.',
  'secret-refused': 'The collector didn’t accept the enrolment secret: it is misspelled, expired, revoked or used up.',
  'wrong-tenant': 'The collector belongs to another organization than the managed settings name.',
  'id-taken': 'The collector knows this computer’s id with another key.',
  'key-taken': 'The collector knows this computer’s key under another id.',
  'proof-elsewhere': 'The collector is known under another address than the one that is set here.',
  'proof-time': 'The clock of this computer is wrong, and the collector didn’t say what time it is.',
};

function troubleOf({ status, headers }: Answered, { code }: Told4xx): Trouble {
  const retryAfter = headers['retry-after'];
  const at =
    retryAfter === undefined
      ? Number.NaN
      : /^\d{1,9}$/.test(retryAfter)
        ? Number(retryAfter)
        : (Date.parse(retryAfter) - Date.now()) / 1000;
  const retryAfterS = Number.isNaN(at) ? null : at;
  const isCode = code !== null && /^[a-z-]+$/.test(code);
  if (status >= 300 && status < 400) {
    return new Trouble(
      'failed',
      'redirected',
      'The collector’s address leads elsewhere, and Muster follows no redirect; set its own address.',
      retryAfterS,
    );
  }
  // Whoever stands between: the collector was not even asked.
  if (status === 407)
    return new Trouble(
      'failed',
      'proxy-password',
      'The proxy on the way to the collector wants a password that Muster doesn’t have.',
      retryAfterS,
    );
  if (status === 429 || status >= 500) {
    return new Trouble(
      'failed',
      isCode ? code : `status-${status}`,
      `The collector is busy or out of order (${status}); Muster tries again by itself.`,
      retryAfterS,
    );
  }
  const words = (isCode && WORDS[code]) || `The collector refused this computer’s check-in (${status}${isCode ? `, ${code}` : ''}).`;
  return new Trouble('refused', isCode ? code : `status-${status}`, words, retryAfterS);
}
