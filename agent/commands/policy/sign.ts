/** `muster policy sign`: reads a policy, a key set or grants as the agent will, and signs them only if they would be understood. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { decodeJwt } from 'jose';
import { type DocumentKind, type KeySet, NAME, readPayload, thumbprint } from '../../policy/documents.ts';
import { parsePolicy } from '../../policy/policy.ts';
import { publicHalf, readSigningKey, type SigningKey, sign } from '../../policy/signing.ts';
import { readSource } from '../../policy/source.ts';
import { Refusal } from '../../requests.ts';
import { knownTools, loadCatalog } from '../../session.ts';
import { type Command, EXIT, type Invocation, option, UsageError } from '../command.ts';
import { namedFile } from './named-file.ts';

const DAY_MS = 86_400_000;
const DAYS = 90;
const KIND_OF: Readonly<Record<string, DocumentKind>> = { policy: 'policy', 'key-set': 'keySet', grants: 'grants' };
const FORM_OF: Readonly<Record<string, DocumentKind>> = {
  'muster.policy/1': 'policy',
  'muster.key-set/1': 'keySet',
  'muster.grants/1': 'grants',
};

export const command: Command = {
  usage: [
    'Usage: muster policy sign FILE --key KEY [--key-set FILE] [--kind KIND] [--audience NAME] [--days N] [--out FILE]',
    '',
    'Signs a policy, a key set or grants, if the agent would understand them. What is missing of issuedAt, expiresAt and audience is filled in.',
    '',
    '  --key KEY         the key file: the root’s for a key set, else one of a key that the key set names',
    '  --key-set FILE    the signed key set that devices have then; needed for a policy and grants',
    '  --kind KIND       policy, key-set or grants (default: what the document’s “schema” says)',
    '  --audience NAME   the organization: devices take only what is for theirs',
    `  --days N          until when it counts, from now (default: ${DAYS})`,
    '  --out FILE        write it to FILE instead of printing it; an earlier signed document is replaced',
  ].join('\n'),
  options: {
    key: { type: 'string' },
    'key-set': { type: 'string' },
    kind: { type: 'string' },
    audience: { type: 'string' },
    days: { type: 'string' },
    out: { type: 'string' },
  },
  async run(invocation) {
    const { file, text } = namedFile('sign', invocation);
    const key = keyOf(invocation);
    const source = readSource(text);
    if ('issues' in source) throw new Refusal('policy-invalid', `${file} can’t be signed: ${source.issues[0]}`);
    const raw = source.raw as Record<string, unknown>;
    const kind = kindOf(invocation, raw, file);
    const complete = JSON.stringify(filledIn(invocation, raw));
    const issue = issueOf(kind, complete);
    if (issue !== null) throw new Refusal('policy-invalid', `${file} can’t be signed: ${issue}`);
    const keySet = kind === 'keySet' ? null : keySetOf(invocation, key);
    const jws = await sign(kind, complete, key, keySet?.rev ?? null);
    const { rev, audience, expiresAt } = JSON.parse(complete) as { rev: number; audience: string; expiresAt: string };
    const signer = thumbprint(publicHalf(key));
    const out = option(invocation, 'out');
    if (out === null) {
      invocation.answer({ schema: 'muster.signed/1', kind, rev, audience, expiresAt, signer, jws }, () => jws);
      return EXIT.done;
    }
    const to = path.resolve(out);
    save(to, jws);
    invocation.answer({ schema: 'muster.signed/1', kind, rev, audience, expiresAt, signer, file: to }, () => {
      const under = keySet ? ` under key set ${keySet.rev}` : '';
      return `Wrote ${to}: the ${NAME[kind]} of revision ${rev}${under}, for ${audience}, until ${expiresAt}.`;
    });
    return EXIT.done;
  },
};

function readNamed(invocation: Invocation, name: string, what: string): string {
  const file = option(invocation, name);
  if (file === null) throw new UsageError(`Name ${what} with --${name} FILE.`);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} can’t be read (${(error as NodeJS.ErrnoException).code}); name ${what} with --${name} FILE.`);
  }
}

function keyOf(invocation: Invocation): SigningKey {
  const key = readSigningKey(readNamed(invocation, 'key', 'the key file'));
  if (!key) throw new UsageError('The file of --key holds no signing key; make one with “muster policy keygen”.');
  return key;
}

function kindOf(invocation: Invocation, raw: Record<string, unknown>, file: string): DocumentKind {
  const form = FORM_OF[String(raw?.['schema'])];
  const named = option(invocation, 'kind');
  if (named !== null && !Object.hasOwn(KIND_OF, named)) throw new UsageError(`--kind takes ${Object.keys(KIND_OF).join(', ')}.`);
  const kind = named === null ? form : KIND_OF[named];
  if (kind === undefined || form !== kind)
    throw new Refusal(
      'policy-invalid',
      `${file} can’t be signed: its “schema” has to be ${Object.keys(FORM_OF).join(', ')}, and as --kind says.`,
    );
  return kind;
}

/** Which key set devices will hold it against; a key that isn't in it would be refused by every one of them. */
function keySetOf(invocation: Invocation, key: SigningKey): KeySet {
  const jws = readNamed(invocation, 'key-set', 'the signed key set').trim();
  let text: string;
  try {
    text = JSON.stringify(decodeJwt(jws));
  } catch {
    throw new UsageError('The file of --key-set is no signed key set; sign one with “muster policy sign --kind key-set”.');
  }
  const read = readPayload('keySet', text);
  if (!read.ok) throw new UsageError('The file of --key-set is no signed key set; sign one with “muster policy sign --kind key-set”.');
  if (!read.document.keys.some((one) => thumbprint(one) === thumbprint(publicHalf(key))))
    throw new UsageError('The key set doesn’t name this key, so every device would refuse what it signs; name another with --key.');
  return read.document;
}

function filledIn(invocation: Invocation, raw: Record<string, unknown>): Record<string, unknown> {
  const named = option(invocation, 'days') ?? String(DAYS);
  const days = Number(named);
  if (!/^\d{1,4}$/.test(named) || days < 1) throw new UsageError('--days takes a whole number from 1 to 9999.');
  const audience = option(invocation, 'audience');
  const now = new Date();
  const { issuedAt = now.toISOString(), expiresAt = new Date(now.getTime() + days * DAY_MS).toISOString() } = raw;
  return { ...raw, ...(audience === null ? {} : { audience }), issuedAt, expiresAt };
}

/** The first thing that a device would not understand. */
function issueOf(kind: DocumentKind, text: string): string | null {
  if (kind === 'policy') {
    const parsed = parsePolicy(text, knownTools(loadCatalog()));
    if (!parsed.ok) return parsed.issues[0] ?? 'it is not as expected.';
  }
  const read = readPayload(kind, text);
  return read.ok ? null : `${read.issue}${/audience/.test(read.issue) ? '; name the organization with --audience' : ''}.`;
}

function save(file: string, jws: string): void {
  try {
    if (existsSync(file) && !/^[\w-]+\.[\w-]+\.[\w-]+\s*$/.test(readFileSync(file, 'latin1')))
      throw new UsageError(`${file} is there already and no signed document; name another file with --out.`);
    writeFileSync(file, `${jws}\n`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} can’t be written (${(error as NodeJS.ErrnoException).code}); name a file in a folder of yours.`);
  }
}
