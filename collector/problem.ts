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
  'not-http': { status: 400, title: 'What came is no HTTP request.', remedy: 'Send HTTP/1.1, with TLS where this address has it.' },
  'headers-too-large': { status: 431, title: 'The headers are larger than 16 KiB.', remedy: 'Send what is large in the body.' },
  'too-slow': { status: 408, title: 'The request did not come whole in time.', remedy: 'Send it again.' },
  'not-expected': { status: 417, title: 'The request expects what is not known here.', remedy: 'Send it without Expect.' },
  'not-found': { status: 404, title: 'There is nothing at this address.', remedy: 'See /api/v1/openapi.json.' },
  // What administrators meet.
  'no-token': {
    status: 401,
    title: 'The request carries no token, and its browser has no session.',
    remedy: 'Send Authorization: Bearer with a token of this collector, or sign in at /api/v1/sign-in.',
  },
  'token-refused': {
    status: 401,
    title: 'The token is not valid.',
    remedy: 'Ask an owner for a new one: it may be misspelled, expired or revoked.',
  },
  'session-over': { status: 401, title: 'The session is over.', remedy: 'Sign in again at /api/v1/sign-in.' },
  'other-origin': {
    status: 403,
    title: 'The request was made by another site, or doesn’t say by which.',
    remedy: 'Send it from a page of this collector, or with the header Muster-Csrf as /api/v1/me gives it.',
  },
  forbidden: {
    status: 403,
    title: 'The role or the token’s scopes don’t reach this.',
    remedy: 'Ask an owner for a token or a role with the permission that is named.',
  },
  'no-sign-in': {
    status: 404,
    title: 'This collector doesn’t know the organization’s own accounts.',
    remedy: 'Use a token, or set MUSTER_OIDC_ISSUER and what belongs to it.',
  },
  'no-terminal-sign-in': {
    status: 404,
    title: 'The organization’s sign-in offers nothing for terminals.',
    remedy: 'Use a token, or have the device authorization grant allowed for this client there.',
  },
  'issuer-away': {
    status: 503,
    title: 'The organization’s sign-in doesn’t answer.',
    remedy: 'Try again, or use a token meanwhile; see that MUSTER_OIDC_ISSUER is its address.',
  },
  'no-attempt': {
    status: 400,
    title: 'This browser didn’t begin to sign in here, or more than ten minutes ago.',
    remedy: 'Begin again at /api/v1/sign-in.',
  },
  'attempt-used': { status: 409, title: 'This sign-in was used before.', remedy: 'Begin again at /api/v1/sign-in.' },
  'not-proven': {
    status: 401,
    title: 'The organization’s sign-in doesn’t prove who this is.',
    remedy: 'Begin again at /api/v1/sign-in; if it stays so, compare the client’s settings there and here.',
  },
  'no-address': {
    status: 403,
    title: 'The organization’s sign-in doesn’t vouch for an e-mail address.',
    remedy: 'Have the address verified there: by it the collector knows whose request is whose.',
  },
  'no-role': {
    status: 403,
    title: 'None of this person’s groups has a role here.',
    remedy: 'Ask an owner which group it takes, or add the group to the settings of signing in.',
  },
  'no-session': { status: 409, title: 'A token is no session.', remedy: 'Take the token back with DELETE /api/v1/tokens/ID.' },
  'own-request': { status: 403, title: 'Nobody decides their own request.', remedy: 'Ask another approver.' },
  'nobody-decides': {
    status: 403,
    title: 'The token is tied to no person, and only an owner’s may decide so.',
    remedy: 'Make a token with the approver’s address in “person”.',
  },
  'owner-decides': {
    status: 403,
    title: 'The device is tied to no person, so an owner decides.',
    remedy: 'Ask an owner, or tie the device to its person.',
  },
  'if-match-missing': {
    status: 428,
    title: 'The request doesn’t say what it was made for.',
    remedy: 'Read it, and send the ETag of the answer as If-Match.',
  },
  'changed-meanwhile': { status: 412, title: 'It was changed since you read it.', remedy: 'Read it again and decide anew.' },
  'already-decided': {
    status: 409,
    title: 'The request is not open.',
    remedy: 'Revoke the grant to take an approval back; else ask for a new request.',
  },
  'wrong-cursor': { status: 422, title: 'The cursor is not one of this list.', remedy: 'Begin without one.' },
  'no-person': {
    status: 422,
    title: 'The device is tied to no person.',
    remedy: 'Choose the scope device, or tie the device to its person.',
  },
  'no-such-group': { status: 422, title: 'There is no such group.', remedy: 'Choose one of the list of groups.' },
  'no-identity': {
    status: 422,
    title: 'Nothing tells which server it is, so an approval could be used for any.',
    remedy: 'Ask the employee to use a published package or an https address.',
  },
  'not-a-choice': { status: 422, title: 'The decision names something that is not known here.', remedy: 'Correct what is named.' },
  'wrong-end': { status: 422, title: 'The end has passed or is more than two years away.', remedy: 'Give an end within two years.' },
  'policy-invalid': { status: 422, title: 'The policy is not valid.', remedy: 'Correct what is named and check it again.' },
  'not-simulated': {
    status: 409,
    title: 'Nobody has simulated this draft as it is now.',
    remedy: 'Simulate it, look at what changes, then publish.',
  },
  'no-signer': {
    status: 503,
    title: 'The signer can’t sign now.',
    remedy: 'See that it runs and that its key set is current, then try again.',
  },
  'last-owner': { status: 409, title: 'This is the last token of an owner.', remedy: 'Make another owner’s token first.' },
  exists: { status: 409, title: 'There is one of this name already.', remedy: 'Choose another name.' },
  'wrong-state': { status: 409, title: 'The device is not in a state that allows this.', remedy: 'Look at its state.' },
  'not-ready': { status: 503, title: 'The database does not answer.', remedy: 'See that it runs.' },
  unexpected: { status: 500, title: 'A bug in the collector.', remedy: 'Try again, and report the time of it if it stays.' },
} as const satisfies Readonly<Record<string, Row>>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Thrown by a route and answered as its document. `detail` quotes nothing of the request, and nothing that a device or an issuer sent. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
  readonly detail: string | undefined;
  /** Seconds for `Retry-After`. */
  readonly retryAfter: number | undefined;

  constructor(code: ProblemCode, more: { detail?: string; retryAfter?: number } = {}) {
    const row: Row = PROBLEMS[code];
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
