/** What the admin API lets somebody do, and from which role on. A token may be narrowed to some of these, never widened. */
import type { Role } from './store/schema.ts';

export const PERMISSIONS = {
  'devices:read': 'viewer',
  'inventory:read': 'viewer',
  'requests:read': 'viewer',
  'policy:read': 'viewer',
  'groups:read': 'viewer',
  'requests:decide': 'approver',
  'policy:write': 'policy-admin',
  'policy:publish': 'policy-admin',
  'evidence:read': 'policy-admin',
  'audit:read': 'policy-admin',
  'devices:write': 'owner',
  'groups:write': 'owner',
  'secrets:read': 'owner',
  'secrets:write': 'owner',
  'tokens:read': 'owner',
  'tokens:write': 'owner',
  'settings:read': 'owner',
  'settings:write': 'owner',
} as const satisfies Readonly<Record<string, Role>>;

export type Permission = keyof typeof PERMISSIONS;
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as [Permission, ...Permission[]];
