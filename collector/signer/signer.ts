/**
 * The only holder of the keys: signs policies and grants after reading them as a device would, and gives every document its audience, its times and
 * the next revision itself, so that whoever asks can neither go back nor use up the numbers.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { type KeySet, publicKeys, readPayload, thumbprint } from '../../agent/policy/documents.ts';
import { parsePolicy } from '../../agent/policy/policy.ts';
import { keyText, newSigningKey, publicHalf, readSigningKey, type SigningKey, sign } from '../../agent/policy/signing.ts';
import { readSource } from '../../agent/policy/source.ts';
import { verifySignature } from '../../agent/policy/trust.ts';
import { writeFile } from './file.ts';
import { type GrantList, type SignedGrants, type Signer, SignerError } from './protocol.ts';

const DAY_MS = 86_400_000;
/** A key set lasts a year and is renewed two months before its end, where the root key is here. */
const KEY_SET_DAYS = 365;
const RENEW_DAYS = 60;
const POLICY_DAYS = 365;
const MOST_DAYS = 800;
/** A database that is this far ahead of the signer was not written with this signer. */
const MOST_AHEAD = 100_000;
const JOURNAL_BYTES = 64 * 1024 * 1024;

const State = z.strictObject({
  audience: z.string(),
  roots: publicKeys(),
  keySetRev: z.int().positive(),
  policyRev: z.int().nonnegative(),
  grantsRev: z.int().nonnegative(),
});
type State = z.infer<typeof State>;

const FILES = { root: 'root-key.json', online: 'online-key.json', keySet: 'key-set.jws', state: 'state.json', journal: 'signed.jsonl' };

/**
 * Opens the folder, or makes keys and a first key set in an empty one. Where `root-key.json` was taken away to a safe place, a key set that it signed
 * there replaces `key-set.jws` before the old one ends. Rejects with a `SignerError` `folder`.
 */
export async function openSigner(folder: string, audience: string, now: () => Date): Promise<Signer> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const at = (name: keyof typeof FILES) => path.join(folder, FILES[name]);
  const online = existsSync(at('online')) ? readKey(at('online')) : await makeFolder(at, audience, now());
  let state = readState(at('state'));
  if (state.audience !== audience)
    throw new SignerError(
      'folder',
      `The signer’s folder is of “${state.audience}”, not of “${audience}”; name the folder that belongs to it.`,
    );
  let keySet = await readKeySet(at('keySet'), state, online);
  if (keySet.document.rev !== state.keySetRev) save({ keySetRev: keySet.document.rev });

  function save(change: Partial<State>): void {
    state = { ...state, ...change };
    writeFile(at('state'), JSON.stringify(state));
  }

  /** What was signed, for whoever has to compare it one day with what the collector says. */
  function note(rows: readonly Record<string, unknown>[]): void {
    const file = at('journal');
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > JOURNAL_BYTES) renameSync(file, `${file}.1`);
    appendFileSync(file, rows.map((row) => `${JSON.stringify({ at: now().toISOString(), ...row })}\n`).join(''), { mode: 0o600 });
  }

  async function currentKeySet(): Promise<typeof keySet> {
    const left = Date.parse(keySet.document.expiresAt) - now().getTime();
    if (left < RENEW_DAYS * DAY_MS && existsSync(at('root'))) {
      keySet = await signKeySet(at, readKey(at('root')), online, audience, keySet.document.rev + 1, now());
      save({ keySetRev: keySet.document.rev });
      note([{ kind: 'keySet', rev: keySet.document.rev, hash: hashOf(keySet.jws) }]);
    } else if (left <= 0) {
      throw new SignerError(
        'key-set-expired',
        `The key set of revision ${keySet.document.rev} expired at ${keySet.document.expiresAt}; sign a new one with the root key and put it in ${FILES.keySet}.`,
      );
    }
    return keySet;
  }

  /** The next revision; written down before anything of it leaves. */
  function take(kind: 'policyRev' | 'grantsRev', after: number, count: number): number {
    if (after > state[kind] + MOST_AHEAD)
      throw new SignerError(
        'too-far-ahead',
        `Revision ${after} is far beyond what was signed here; restore the signer’s folder that belongs to this database.`,
      );
    const first = Math.max(state[kind], after) + 1;
    save({ [kind]: first + count - 1 });
    return first;
  }

  const hashOf = (text: string) => createHash('sha256').update(text).digest('base64url');

  // One question after the other: a revision that was taken is signed before the next is taken.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work, work);
    last = done.catch(() => {});
    return done;
  };

  return {
    identity: () =>
      inTurn(async () => {
        const { jws, document } = await currentKeySet();
        return {
          audience,
          roots: state.roots,
          keySet: { rev: document.rev, jws, hash: hashOf(jws), expiresAt: document.expiresAt },
          holdsRoot: existsSync(at('root')),
        };
      }),
    policy: (text, after) =>
      inTurn(async () => {
        const set = await currentKeySet();
        const parsed = parsePolicy(text);
        if (!parsed.ok) throw new SignerError('not-understood', `The policy is not signed: ${parsed.issues[0] ?? 'it is not understood'}`);
        const source = readSource(text);
        if ('issues' in source) throw new SignerError('not-understood', `The policy is not signed: ${source.issues[0]}`);
        const expiresAt = endOf(parsed.policy.expiresAt, now());
        const rev = take('policyRev', Math.max(after, Math.min(parsed.policy.rev - 1, state.policyRev + MOST_AHEAD)), 1);
        const payload = JSON.stringify({ ...(source.raw as object), rev, audience, issuedAt: now().toISOString(), expiresAt });
        mustRead('policy', payload);
        const jws = await sign('policy', payload, online, set.document.rev);
        note([{ kind: 'policy', keySet: set.document.rev, rev, hash: hashOf(payload) }]);
        return { keySetRev: set.document.rev, rev, jws, text: payload, hash: hashOf(payload) };
      }),
    grants: (lists) =>
      inTurn(async () => {
        const set = await currentKeySet();
        const issuedAt = now().toISOString();
        const expiresAt = new Date(now().getTime() + MOST_DAYS * DAY_MS).toISOString();
        const documentOf = ({ device, grants }: GrantList, rev: number) =>
          JSON.stringify({ schema: 'muster.grants/1', rev, audience, issuedAt, expiresAt, device, grants });
        for (const list of lists) {
          mustRead('grants', documentOf(list, 1));
          if (list.grants.some(({ expiresAt: end }) => !(Date.parse(String(end)) <= now().getTime() + MOST_DAYS * DAY_MS)))
            throw new SignerError(
              'not-understood',
              `A grant without an end within ${MOST_DAYS} days is not signed; give it an earlier end.`,
            );
        }
        let rev = take('grantsRev', Math.max(...lists.map(({ after }) => after)), lists.length);
        const signed: SignedGrants = [];
        const rows: Record<string, unknown>[] = [];
        for (const list of lists) {
          const payload = documentOf(list, rev);
          signed.push({
            device: list.device,
            keySetRev: set.document.rev,
            rev,
            jws: await sign('grants', payload, online, set.document.rev),
          });
          rows.push({ kind: 'grants', device: list.device, keySet: set.document.rev, rev, hash: hashOf(payload) });
          rev++;
        }
        note(rows);
        return signed;
      }),
  };
}

function mustRead(kind: 'policy' | 'grants', payload: string): void {
  const read = readPayload(kind, payload);
  if (!read.ok) throw new SignerError('not-understood', `What no device would understand is not signed: ${read.issue}.`);
}

function endOf(wanted: string | undefined, now: Date): string {
  const most = now.getTime() + MOST_DAYS * DAY_MS;
  if (wanted === undefined) return new Date(now.getTime() + POLICY_DAYS * DAY_MS).toISOString();
  const end = Date.parse(wanted);
  if (end <= now.getTime() || end > most)
    throw new SignerError(
      'not-understood',
      `The policy is not signed: expiresAt has passed or is more than ${MOST_DAYS} days away; give it another end.`,
    );
  return new Date(end).toISOString();
}

type At = (name: keyof typeof FILES) => string;

async function makeFolder(at: At, audience: string, now: Date): Promise<SigningKey> {
  if (existsSync(at('state')))
    throw new SignerError('folder', `The signer’s folder has a state and no ${FILES.online}; restore the key from its backup.`);
  const [root, online] = [await newSigningKey(), await newSigningKey()];
  writeFile(at('root'), keyText(root));
  await signKeySet(at, root, online, audience, 1, now);
  const state: State = { audience, roots: [publicHalf(root)], keySetRev: 1, policyRev: 0, grantsRev: 0 };
  writeFile(at('state'), JSON.stringify(state));
  // Last, for its being there says that the folder is whole.
  writeFile(at('online'), keyText(online));
  return online;
}

async function signKeySet(at: At, root: SigningKey, online: SigningKey, audience: string, rev: number, now: Date) {
  const expiresAt = new Date(now.getTime() + KEY_SET_DAYS * DAY_MS).toISOString();
  const document: KeySet = {
    schema: 'muster.key-set/1',
    rev,
    audience,
    issuedAt: now.toISOString(),
    expiresAt,
    keys: [publicHalf(online)],
  };
  const jws = await sign('keySet', JSON.stringify(document), root, null);
  writeFile(at('keySet'), jws);
  return { jws, document };
}

async function readKeySet(file: string, state: State, online: SigningKey): Promise<{ jws: string; document: KeySet }> {
  const jws = readText(file).trim();
  // Without the time: one that has ended is still the newest there is, and what is asked next says so.
  const read = await verifySignature('keySet', jws, { roots: state.roots, keySet: null }, null);
  if (!read.ok) throw new SignerError('folder', `${FILES.keySet} is not believed: ${read.reason}`);
  if (read.document.audience !== state.audience)
    throw new SignerError('folder', `${FILES.keySet} is for another organization; put the one of “${state.audience}” there.`);
  if (read.document.rev < state.keySetRev)
    throw new SignerError(
      'folder',
      `${FILES.keySet} is of revision ${read.document.rev}, and ${state.keySetRev} was in use; put the newer one back.`,
    );
  if (!read.document.keys.some((key) => thumbprint(key) === thumbprint(publicHalf(online))))
    throw new SignerError(
      'folder',
      `${FILES.keySet} doesn’t name the key of ${FILES.online}, so no device would believe it; sign one that does.`,
    );
  return { jws, document: read.document };
}

function readState(file: string): State {
  try {
    return State.parse(JSON.parse(readText(file)));
  } catch {
    throw new SignerError(
      'folder',
      `${FILES.state} of the signer is missing or broken, and without it a revision could be used twice; restore it from the newest backup.`,
    );
  }
}

function readKey(file: string): SigningKey {
  const mode = statSync(file).mode;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new SignerError(
      'folder',
      `${path.basename(file)} can be read by other accounts; make it 0600, and new keys if somebody may have read it.`,
    );
  const key = readSigningKey(readText(file));
  if (!key) throw new SignerError('folder', `${path.basename(file)} holds no signing key; restore it from its backup.`);
  return key;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SignerError(
      'folder',
      `${path.basename(file)} of the signer can’t be read (${(error as NodeJS.ErrnoException).code}); give it back to the signer’s account.`,
    );
  }
}
