/** Everything that the collector refuses, as a table: the status, the words and the remedy of each problem document (RFC 9457). */

type Row = { readonly status: number; readonly title: string; readonly remedy: string };

export const PROBLEMS = {
  'too-busy': { status: 429, title: 'The collector has more to do than it takes on at once.', remedy: 'Try again after Retry-After.' },
  'too-fast': { status: 429, title: 'This address sends more than its share.', remedy: 'Try again after Retry-After.' },
  stopping: { status: 503, title: 'The collector is being stopped.', remedy: 'Try again after Retry-After.' },
  'too-large': { status: 413, title: 'The body is larger than 1 MiB.', remedy: 'Send a full inventory in more parts.' },
  'unpacks-too-large': { status: 413, title: 'The body unpacks to more than 8 MiB.', remedy: 'Send a full inventory in more parts.' },
  'not-unpacked': { status: 400, title: 'The body is not the gzip that it says it is.', remedy: 'Send it again.' },
  'wrong-encoding': { status: 415, title: 'The body has an encoding that is not known here.', remedy: 'Send plain JSON or gzip.' },
  'wrong-type': { status: 415, title: 'The body is not said to be JSON.', remedy: 'Send Content-Type: application/json.' },
  'not-json': { status: 400, title: 'The body is not JSON.', remedy: 'Send one JSON object in UTF-8.' },
  'not-understood': {
    status: 422,
    title: 'The body is not of the form that this collector knows.',
    remedy: 'Correct the field that is named.',
  },
  'proof-missing': { status: 401, title: 'The request carries no proof.', remedy: 'Send the header DPoP.' },
  'proof-invalid': { status: 401, title: 'The proof is not one of this protocol.', remedy: 'Make it as agent/wire.ts says.' },
  'proof-signature': { status: 401, title: 'The proof was not signed by the key that it names.', remedy: 'Enrol this device again.' },
  'proof-elsewhere': {
    status: 401,
    title: 'The proof was made for another address or method.',
    remedy: 'See that the address configured on the device is the collector’s own.',
  },
  'proof-time': {
    status: 401,
    title: 'The proof is too old or from the future.',
    remedy: 'Correct the clock by the time in this answer and make a new proof.',
  },
  'proof-replayed': { status: 401, title: 'The proof was used before.', remedy: 'Make a new proof for each request.' },
  'proof-body': { status: 401, title: 'The proof is of another body.', remedy: 'Make a new proof over the bytes as sent.' },
  'unknown-device': { status: 401, title: 'No device of this id is enrolled here.', remedy: 'Enrol it.' },
  'device-pending': {
    status: 403,
    title: 'The device waits for an administrator’s approval.',
    remedy: 'Ask the administrator, then try again after Retry-After.',
  },
  'device-revoked': { status: 403, title: 'The device was revoked.', remedy: 'Ask the administrator.' },
  'seq-reused': {
    status: 409,
    title: 'Another check-in has come with this number.',
    remedy: 'Send everything, in parts, under the next number.',
  },
  'secret-refused': {
    status: 403,
    title: 'The enrolment secret is not valid.',
    remedy: 'Ask the administrator for a new one: it may be misspelled, expired, revoked or used up.',
  },
  'wrong-tenant': { status: 403, title: 'This collector serves another organization.', remedy: 'Correct the tenant or the address.' },
  'id-taken': {
    status: 409,
    title: 'This id is enrolled with another key.',
    remedy: 'Make a new id and key on one of the two devices; the administrator has been told.',
  },
  'key-taken': { status: 409, title: 'This key is enrolled under another id.', remedy: 'Make a new id and key on this device.' },
  'not-found': { status: 404, title: 'There is nothing at this address.', remedy: 'See /api/v1/openapi.json.' },
  'wrong-method': { status: 405, title: 'This address does not take that method.', remedy: 'See /api/v1/openapi.json.' },
  'not-ready': { status: 503, title: 'The database does not answer.', remedy: 'See that it runs.' },
  unexpected: { status: 500, title: 'A bug in the collector.', remedy: 'Try again, and report the time of it if it stays.' },
} as const satisfies Readonly<Record<string, Row>>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Thrown by a route and answered as its document. `detail` quotes nothing of the request. */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
  readonly detail: string | undefined;
  /** Seconds for `Retry-After`. */
  readonly retryAfter: number | undefined;

  /** `row` is for the problems that other tables hold. */
  constructor(code: ProblemCode, more?: { detail?: string; retryAfter?: number });
  constructor(code: string, more: { detail?: string; retryAfter?: number }, row: Row);
  constructor(code: string, more: { detail?: string; retryAfter?: number } = {}, row: Row = PROBLEMS[code as ProblemCode]) {
    super(row.title);
    this.code = code;
    this.status = row.status;
    this.title = row.title;
    this.remedy = row.remedy;
    this.detail = more.detail;
    this.retryAfter = more.retryAfter;
  }
}

/** The document as it leaves; `now` lets a device whose clock is wrong correct its next proof. */
export function documentOf(problem: Problem, now: Date): Record<string, unknown> {
  return {
    type: `urn:muster:problem:${problem.code}`,
    title: problem.title,
    status: problem.status,
    ...(problem.detail === undefined ? {} : { detail: problem.detail }),
    code: problem.code,
    remedy: problem.remedy,
    time: now.toISOString(),
  };
}
