/** `muster policy verify`: whether a signed document holds, against keys that are named or as this computer would take it. */
import { readFileSync } from 'node:fs';
import { decodeProtectedHeader } from 'jose';
import { readMigrations } from '../../assets.ts';
import { databaseFile, refuseFiles } from '../../data-folder.ts';
import { readDeviceId } from '../../device.ts';
import { type DocumentKind, type KeySet, KINDS, NAME, type PublicKey, publicKeys, TYP } from '../../policy/documents.ts';
import { NO_FLOOR } from '../../policy/floor.ts';
import { parsePolicy } from '../../policy/policy.ts';
import { type Refused, refused, type Verified, verify } from '../../policy/trust.ts';
import { createProblems } from '../../problems.ts';
import { dataDirOf, knownTools, loadCatalog, policySourceOf, settingsOf } from '../../session.ts';
import { DatabaseError } from '../../sqlite.ts';
import { openStore } from '../../store/store.ts';
import { type Command, EXIT, type Invocation, option, UsageError } from '../command.ts';
import { namedFile } from './named-file.ts';

type Answer = {
  readonly ok: boolean;
  readonly kind: DocumentKind | null;
  readonly rev: number | null;
  readonly code: string | null;
  readonly reason: string;
};

export const command: Command = {
  usage: [
    'Usage: muster policy verify FILE [--root-key FILE] [--key-set FILE]',
    '',
    'Says whether a signed policy, key set or grants hold. Exit code 5, with the reason, when they don’t. Without a key, it is whether this computer',
    'would take the document now; it takes nothing.',
    '',
    '  --root-key FILE   the public root keys: proves a key set',
    '  --key-set FILE    the signed key set: proves a policy and grants, and is itself proven by --root-key',
  ].join('\n'),
  options: { 'root-key': { type: 'string' }, 'key-set': { type: 'string' } },
  async run(invocation) {
    const { file, text } = namedFile('verify', invocation);
    const jws = text.trim();
    const kind = kindOf(jws);
    const rootKeys = rootKeysOf(invocation);
    const keySetFile = option(invocation, 'key-set');
    let answer: Answer;
    if (kind === null) {
      const reason = 'It is no signed policy, key set or grants (a compact JWS); sign it with “muster policy sign”.';
      answer = { ok: false, kind, rev: null, code: 'not-jws', reason };
    } else if (rootKeys === null && keySetFile === null) answer = await here(invocation, kind, jws);
    else answer = await against(kind, jws, rootKeys, keySetFile === null ? null : readText(keySetFile).trim());
    const { ok, reason } = answer;
    invocation.answer({ schema: 'muster.verified/1', file, ...answer }, () => reason);
    return ok ? EXIT.done : EXIT.no;
  },
};

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} can’t be read (${(error as NodeJS.ErrnoException).code}); name a file that exists.`);
  }
}

function rootKeysOf(invocation: Invocation): readonly PublicKey[] | null {
  const file = option(invocation, 'root-key');
  if (file === null) return null;
  const { data } = publicKeys().safeParse(readText(file));
  if (!data)
    throw new UsageError(
      `${file} holds no public Ed25519 keys; name the line that “muster policy keygen” prints, never the key file itself.`,
    );
  return data;
}

function kindOf(jws: string): DocumentKind | null {
  try {
    const { typ } = decodeProtectedHeader(jws);
    return KINDS.find((kind) => TYP[kind] === typ) ?? null;
  } catch {
    return null;
  }
}

/** As this computer would: its root keys, the key set in force, the highest revisions that were here. */
async function here(invocation: Invocation, kind: DocumentKind, jws: string): Promise<Answer> {
  const dataDir = dataDirOf(invocation);
  refuseFiles(dataDir);
  const problems = createProblems();
  const settings = settingsOf(invocation, dataDir, problems);
  const store = openIfThere(dataDir);
  try {
    const trusted = store ?? { trusted: () => [], trust: () => {} };
    const device = readDeviceId(dataDir) ?? '';
    const source = policySourceOf({ dataDir, catalog: loadCatalog(), problems, settings, store: trusted, device, readOnly: true });
    await source.reload();
    const [outcome] = await source.weigh({ [kind]: jws });
    const { rev = null, error = null, status } = outcome ?? { status: 'refused' };
    const said = status === 'unchanged' ? 'is in force here' : 'would be taken here';
    return {
      ok: error === null,
      kind,
      rev,
      code: error?.code ?? null,
      reason: error?.reason ?? `The ${NAME[kind]} of revision ${rev} ${said}.`,
    };
  } finally {
    store?.close();
  }
}

function openIfThere(dataDir: string) {
  try {
    return openStore(databaseFile(dataDir), { migrations: readMigrations(), readOnly: true });
  } catch (error) {
    if (error instanceof DatabaseError && error.code === 'absent') return null;
    throw error;
  }
}

async function against(kind: DocumentKind, jws: string, roots: readonly PublicKey[] | null, keySetJws: string | null): Promise<Answer> {
  const now = new Date();
  const state = { audience: null, floor: NO_FLOOR, roots: roots ?? [] };
  let keySet: KeySet | null = null;
  if (kind !== 'keySet') {
    if (keySetJws === null || roots === null)
      throw new UsageError(`A ${NAME[kind]} is proven by a key set, and that by a root key; name both, with --key-set and --root-key.`);
    const verified = await verify('keySet', keySetJws, { ...state, device: '', keySet: null }, now);
    if (!verified.ok) return answerOf('keySet', verified);
    keySet = verified.document;
  } else if (roots === null) throw new UsageError('A key set is proven by a root key; name it with --root-key.');
  const found = await verify(kind, jws, { ...state, audience: keySet?.audience ?? null, device: deviceIn(jws), keySet }, now);
  if (found.ok && kind === 'policy') {
    const parsed = parsePolicy(found.text, knownTools(loadCatalog()));
    if (!parsed.ok) return answerOf(kind, refused('not-understood', `The policy is not valid: ${parsed.issues[0] ?? 'not as expected.'}`));
  }
  return answerOf(kind, found);
}

/** For whichever device they are: whoever publishes them asks whether they hold, not whether they are for here. */
function deviceIn(jws: string): string {
  try {
    const { device } = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8')) as { device?: unknown };
    return typeof device === 'string' ? device : '';
  } catch {
    return '';
  }
}

function answerOf(kind: DocumentKind, found: Verified | Refused): Answer {
  if (!found.ok) return { ok: false, kind, rev: null, code: found.code, reason: found.reason };
  const { mark, signer, document } = found;
  const under = kind === 'keySet' ? '' : ` under key set ${mark.keySetRev}`;
  const reason = `The ${NAME[kind]} of revision ${mark.rev}${under} holds, for ${document.audience}, until ${document.expiresAt}; signed by ${signer}.`;
  return { ok: true, kind, rev: mark.rev, code: null, reason };
}
