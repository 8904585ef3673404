/** What becomes of signed documents that have come: verified, parsed and tried, against what is in force; nothing is changed here. */
import type { TrustedRow } from '../store/trust-rows.ts';
import { type DocumentKind, type Documents, KINDS } from './documents.ts';
import { compareMarks, type Floor, raised } from './floor.ts';
import { type Policy, parsePolicy } from './policy.ts';
import type { HeldAll, Roots } from './proven.ts';
import { type RefusalCode, type Refused, refused, type Verified, verify } from './trust.ts';

/** As they came, all at once: a key set counts for what comes with it. */
export type Incoming = { readonly [Kind in DocumentKind]?: string };

/** What became of a document; `rev` is null where it could not be read. */
export type Outcome = {
  readonly kind: DocumentKind;
  readonly rev: number | null;
  readonly status: 'applied' | 'unchanged' | 'refused';
  readonly error: { readonly code: RefusalCode | 'no-root-key'; readonly reason: string } | null;
};

/** What is in force, and what everything new is held against. */
export type InForce = { readonly held: HeldAll; readonly roots: Roots; readonly floor: Floor };

export type Weighed = InForce & {
  readonly outcomes: readonly Outcome[];
  /** What is to be stored, in one transaction, before any of it counts. */
  readonly rows: readonly TrustedRow[];
};

export type Scales = {
  readonly device: string;
  readonly known: Parameters<typeof parsePolicy>[1];
  /** Why a policy can't be used on this computer, or null. */
  readonly tried: (policy: Policy) => string | null;
  /** Never behind the last time that a server told. */
  readonly now: Date;
  /** What `acceptedAt` says. */
  readonly acceptedAt: string;
};

/** `floor.audience` is whose documents are taken; null: not known yet, and the first key set says it. Never rejects. */
export async function weigh(incoming: Incoming, before: InForce, scales: Scales): Promise<Weighed> {
  const outcomes: Outcome[] = [];
  const rows: TrustedRow[] = [];
  let { held, roots, floor } = before;
  for (const kind of KINDS) {
    const jws = incoming[kind];
    if (jws === undefined) continue;
    const state = { roots: roots.now, keySet: held.keySet?.document ?? null, audience: floor.audience, device: scales.device, floor };
    const verified = await verify(kind, jws, state, scales.now);
    const standing = held[kind]?.row;
    // The one in force may have expired since, or its key set, or its root: that is no news, and no reason to complain of it.
    const isHeld =
      standing?.jws === jws ||
      (verified.ok &&
        standing !== undefined &&
        standing.mark.hash === verified.mark.hash &&
        compareMarks(standing.mark, verified.mark) === 0);
    if (isHeld) {
      outcomes.push({ kind, rev: standing?.mark.rev ?? null, status: 'unchanged', error: null });
      continue;
    }
    const policy = verified.ok && kind === 'policy' ? usable(verified, scales) : null;
    const refusal = !verified.ok ? verified : policy !== null && !policy.ok ? policy : null;
    if (!verified.ok || refusal !== null) {
      const { code, reason } = refusal as Refused;
      outcomes.push({ kind, rev: verified.ok ? verified.mark.rev : null, status: 'refused', error: { code, reason } });
      continue;
    }
    const { mark, document, signer } = verified;
    const keySet = kind === 'keySet' ? null : (held.keySet?.row.jws ?? null);
    const row: TrustedRow = { kind, mark, jws, keySet, acceptedAt: scales.acceptedAt };
    held = { ...held, [kind]: { row, document, signer, ...(policy?.ok ? { policy: policy.policy } : {}) } };
    floor = raised(floor, { [kind]: mark });
    if (kind === 'keySet') {
      const { nextRoots, audience } = document as Documents['keySet'];
      floor = { ...floor, audience, root: signer };
      if (nextRoots) {
        roots = { now: nextRoots, all: [...roots.all, ...nextRoots] };
        floor = { ...floor, rotations: [...floor.rotations, jws] };
      }
    }
    rows.push(row);
    outcomes.push({ kind, rev: mark.rev, status: 'applied', error: null });
  }
  return { held, roots, floor, outcomes, rows };
}

function usable({ text, mark }: Verified, { known, tried }: Scales): { readonly ok: true; readonly policy: Policy } | Refused {
  const parsed = parsePolicy(text, known);
  if (!parsed.ok)
    return refused('not-understood', `The policy of revision ${mark.rev} is not valid: ${parsed.issues[0] ?? 'it is not as expected.'}`);
  const trouble = tried(parsed.policy);
  if (trouble !== null) return refused('trial-failed', `The policy of revision ${mark.rev} can’t be used on this computer: ${trouble}.`);
  return { ok: true, policy: parsed.policy };
}

/** What becomes of them where nothing can be proven. */
export function unprovable(incoming: Incoming): Outcome[] {
  const reason = 'No root key is known here, so nothing that is signed can be proven; name policyRootKeys in the managed settings.';
  return KINDS.filter((kind) => incoming[kind] !== undefined).map((kind) => ({
    kind,
    rev: null,
    status: 'refused',
    error: { code: 'no-root-key', reason },
  }));
}
