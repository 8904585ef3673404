/** What of the stored documents still counts, proven anew from the root keys and the floor at every start: a database is not believed. */
import type { TrustedRow } from '../store/trust-rows.ts';
import { type DocumentKind, type Documents, type KeySet, KINDS, type PublicKey, thumbprint } from './documents.ts';
import { compareMarks, type Floor, NO_FLOOR, raised } from './floor.ts';
import { type Policy, parsePolicy } from './policy.ts';
import { followRoots, type Verified, verifySignature } from './trust.ts';

export type Held<Kind extends DocumentKind> = { readonly row: TrustedRow; readonly document: Documents[Kind]; readonly signer: string };
export type HeldAll = {
  readonly keySet: Held<'keySet'> | null;
  readonly policy: (Held<'policy'> & { readonly policy: Policy }) | null;
  readonly grants: Held<'grants'> | null;
};
export type Roots = { readonly now: readonly PublicKey[]; readonly all: readonly PublicKey[] };

export type Proven = {
  readonly held: HeldAll;
  readonly roots: Roots;
  readonly audience: string | null;
  /** Raised to what is held; of this organization's marks only. */
  readonly floor: Floor;
  /** Why a stored document doesn't count, in words without its content. */
  readonly issues: readonly { readonly kind: DocumentKind; readonly why: string }[];
};

/** `audience` null: nobody said for whom, and the first key set did. Never rejects. */
export async function proveStored(stored: {
  readonly rows: readonly TrustedRow[];
  readonly floor: Floor;
  readonly roots: readonly PublicKey[];
  readonly audience: string | null;
  readonly device: string;
  readonly known: Parameters<typeof parsePolicy>[1];
}): Promise<Proven> {
  const issues: { kind: DocumentKind; why: string }[] = [];
  const issue = (kind: DocumentKind, why: string) => void issues.push({ kind, why: why.replace(/\.$/, '') });
  let roots: Roots = await followRoots(stored.roots, stored.floor.rotations);
  const has = (keys: readonly PublicKey[], id: string) => keys.some((key) => thumbprint(key) === id);
  const isOurs =
    (stored.audience === null || stored.floor.audience === null || stored.audience === stored.floor.audience) &&
    (stored.floor.root === null || has(roots.all, stored.floor.root));
  let floor: Floor = isOurs ? stored.floor : { ...NO_FLOOR, serverTime: stored.floor.serverTime };
  let audience = stored.audience ?? floor.audience;
  let held: HeldAll = { keySet: null, policy: null, grants: null };

  const proven = async <Kind extends DocumentKind>(
    kind: Kind,
    row: TrustedRow,
    keySet: KeySet | null,
  ): Promise<(Verified<Kind> & Held<Kind>) | null> => {
    const verified = await verifySignature(kind, row.jws, { roots: roots.all, keySet }, null);
    if (!verified.ok) {
      issue(kind, verified.reason);
      return null;
    }
    if (audience !== null && verified.document.audience !== audience) return null;
    const { mark } = verified;
    const lowest = floor[kind];
    const order = lowest === null ? 1 : compareMarks(mark, lowest);
    if (order < 0 || (order === 0 && mark.hash !== lowest?.hash))
      issue(kind, `revision ${mark.rev} is not the highest that was in force here`);
    // A root that has handed over proves only what was taken in before.
    else if (order > 0 && kind === 'keySet' && !has(roots.now, verified.signer)) issue(kind, 'a root that has handed over has signed it');
    else return { ...verified, row: { ...row, mark } };
    return null;
  };

  for (const row of [...stored.rows].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind))) {
    if (row.kind === 'keySet') {
      const keySet = await proven('keySet', row, null);
      if (!keySet) continue;
      held = { ...held, keySet };
      audience ??= keySet.document.audience;
      floor = { ...floor, root: keySet.signer };
      const { nextRoots } = keySet.document;
      if (nextRoots && !floor.rotations.includes(row.jws)) {
        // The floor was not written any more when this was taken in.
        roots = { now: nextRoots, all: [...roots.all, ...nextRoots] };
        floor = { ...floor, rotations: [...floor.rotations, row.jws] };
      }
      continue;
    }
    const under = row.keySet === null ? null : await verifySignature('keySet', row.keySet, { roots: roots.all, keySet: null }, null);
    if (!under?.ok) {
      issue(row.kind, 'no root key of this computer has signed the key set that it came with');
      continue;
    }
    if (row.kind === 'grants') {
      const grants = await proven('grants', row, under.document);
      if (grants?.document.device === stored.device) held = { ...held, grants };
      continue;
    }
    const verified = await proven('policy', row, under.document);
    if (!verified) continue;
    const parsed = parsePolicy(verified.text, stored.known);
    // What this catalog doesn't know was known to the one that took it in.
    const policy = parsed.ok ? parsed : parsePolicy(verified.text);
    if (policy.ok) held = { ...held, policy: { ...verified, policy: policy.policy } };
    else issue('policy', 'this version of Muster doesn’t understand it');
  }
  const marks = { keySet: held.keySet?.row.mark ?? null, policy: held.policy?.row.mark ?? null, grants: held.grants?.row.mark ?? null };
  return { held, roots, audience, floor: { ...raised(floor, marks), audience }, issues };
}
