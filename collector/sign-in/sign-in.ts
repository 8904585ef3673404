/** A person's identity becomes a session, or doesn't: nothing of HTTP, nothing of the protocol. */
import { Problem } from '../problem.ts';
import { audit } from '../store/audit.ts';
import type { Db } from '../store/devices.ts';
import type { Role } from '../store/schema.ts';
import { endOtherRoles, endSession, makeSession, removeSessions } from '../store/sessions.ts';
import type { Claims } from './issuer.ts';
import { personOf, roleOf } from './person.ts';
import type { SignInSettings } from './settings.ts';

export type SignedIn = { readonly secret: string; readonly role: Role; readonly person: string; readonly expiresAt: Date };

const DAY_MS = 86_400_000;

/**
 * `before` is the session that the browser had, which ends. Throws the problems `no-address`, `no-role` and `attempt-used`; whoever has lost their role
 * has no session after it.
 */
export async function signIn(
  db: Db,
  settings: SignInSettings,
  { claims, attempt, before }: { readonly claims: Claims; readonly attempt: string; readonly before: string | null },
  now: Date,
): Promise<SignedIn> {
  const [person, role] = [personOf(claims, settings), roleOf(claims, settings)];
  const { issuer } = settings;
  const expiresAt = new Date(now.getTime() + settings.hours * 3_600_000);
  // Committed also where nobody is let in: the sessions that end, and the record of it.
  const made = await db.transaction().execute(async (trx) => {
    const ended = await endOtherRoles(trx, issuer, claims.sub, person === null ? null : role, now);
    const about = { at: now, actor: person ?? 'somebody', subject: person, ...(ended > 0 ? { detail: { ended } } : {}) };
    if (person === null || role === null) {
      await audit(trx, { ...about, action: person === null ? 'sign-in.no-address' : 'sign-in.no-role' });
      return person === null ? new Problem('no-address') : new Problem('no-role');
    }
    const session = await makeSession(trx, { attempt, issuer, subject: claims.sub, person, role, expiresAt }, now);
    if (!session) return new Problem('attempt-used');
    if (before !== null) await endSession(trx, { secret: before }, 'signed-in-anew', now);
    await removeSessions(trx, new Date(now.getTime() - DAY_MS));
    await audit(trx, { ...about, actor: `${role}:${person}`, action: 'sign-in.done', detail: { session: session.id, role, ended } });
    return { secret: session.secret, role, person, expiresAt };
  });
  if ('secret' in made) return made;
  throw made;
}
