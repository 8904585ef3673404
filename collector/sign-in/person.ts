/** Who somebody is here and what they may do, from what the issuer says of them. */
import { z } from 'zod';
import { atLeast } from '../roles.ts';
import type { Role } from '../store/schema.ts';
import type { Claims } from './issuer.ts';
import type { SignInSettings } from './settings.ts';

const Address = z.email().max(300);

/** Their address, by which it is known whose request is whose; null where the issuer doesn't vouch for it. */
export function personOf({ email, email_verified: verified }: Claims, { trustEmail }: Pick<SignInSettings, 'trustEmail'>): string | null {
  const vouched = verified === true || verified === 'true' || (verified === undefined && trustEmail);
  const address = Address.safeParse(email);
  return vouched && address.success ? address.data.toLowerCase() : null;
}

/** The highest role of their groups; null: none of them is named in the settings. */
export function roleOf(claims: Claims, { groupsClaim, roles }: Pick<SignInSettings, 'groupsClaim' | 'roles'>): Role | null {
  const said = Object.hasOwn(claims, groupsClaim) ? claims[groupsClaim] : [];
  let highest: Role | null = null;
  for (const group of Array.isArray(said) ? said : [said]) {
    const role = typeof group === 'string' ? roles.get(group) : undefined;
    if (role !== undefined && (highest === null || atLeast(role, highest))) highest = role;
  }
  return highest;
}
