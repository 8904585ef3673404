/** What the admin API refuses, as a table like `problem.ts`: the status, the words and the remedy. */
import { Problem } from '../../problem.ts';

const ROWS = {
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
} as const;

export type AdminProblem = keyof typeof ROWS;

/** `detail` quotes nothing that a device or an issuer sent; `retryAfter` is in seconds. */
export function refusal(code: AdminProblem, detail?: string, retryAfter?: number): Problem {
  return new Problem(
    code,
    { ...(detail === undefined ? {} : { detail }), ...(retryAfter === undefined ? {} : { retryAfter }) },
    ROWS[code],
  );
}

/** As `Retry-After` says when the signer is worth another try. */
export function signerAway(detail: string): Problem {
  return refusal('no-signer', detail, 30);
}
