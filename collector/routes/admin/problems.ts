/** What the admin API refuses, as a table like `problem.ts`: the status, the words and the remedy. */
import { Problem } from '../../problem.ts';

const ROWS = {
  'no-token': { status: 401, title: 'The request carries no token.', remedy: 'Send Authorization: Bearer with a token of this collector.' },
  'token-refused': {
    status: 401,
    title: 'The token is not valid.',
    remedy: 'Ask an owner for a new one: it may be misspelled, expired or revoked.',
  },
  forbidden: {
    status: 403,
    title: 'The token’s role or scopes don’t reach this.',
    remedy: 'Ask an owner for a token with the permission that is named.',
  },
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

/** `detail` quotes nothing that a device sent. */
export function refusal(code: AdminProblem, detail?: string): Problem {
  return new Problem(code, detail === undefined ? {} : { detail }, ROWS[code]);
}

/** As `Retry-After` says when the signer is worth another try. */
export function signerAway(detail: string): Problem {
  return new Problem('no-signer', { detail, retryAfter: 30 }, ROWS['no-signer']);
}
