/** What an administrator may do: each role may do what those before it may. */
import type { Role } from './store/schema.ts';

export const ROLES: readonly Role[] = ['viewer', 'approver', 'policy-admin', 'owner'];

export function atLeast(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
