/** How administrators sign in with the organization's own accounts (OpenID Connect): from a file and the environment, checked before anything starts. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ROLES } from '../roles.ts';
import type { Role } from '../store/schema.ts';

/** `https`, or this machine, where nobody listens in. */
const SAFE = /^https:\/\/[^/\s?#@]+(\/[^\s?#]*)?$|^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/[^\s?#]*)?$/;
const name = z.string().trim().min(1).max(500);

const Shape = z.strictObject({
  issuer: z.string().regex(SAFE, 'is no https address; http is for an issuer on this machine alone'),
  clientId: name,
  /** Of a confidential client; one without a secret proves itself by PKCE alone. */
  clientSecretFile: name.optional(),
  scopes: name.default('openid email profile'),
  groupsClaim: name.default('groups'),
  /** From a group to what its members may do here. Nobody else gets anything. */
  roles: z.record(name, z.enum(ROLES as [Role, ...Role[]])).refine((roles) => Object.keys(roles).length > 0, 'names no group'),
  /** For an issuer that never says `email_verified` and knows its people's addresses itself; one that it calls unverified is refused all the same. */
  trustEmail: z.boolean().default(false),
  idleMinutes: z
    .int()
    .min(1)
    .max(24 * 60)
    .default(60),
  hours: z
    .int()
    .min(1)
    .max(24 * 7)
    .default(12),
});

export type SignInSettings = Omit<z.infer<typeof Shape>, 'clientSecretFile' | 'roles'> & {
  readonly clientSecret: string | null;
  readonly roles: ReadonlyMap<string, Role>;
};

/** One sentence that names the setting and quotes no secret. */
class SignInSettingsError extends Error {}

const VARIABLES = {
  MUSTER_OIDC_ISSUER: 'issuer',
  MUSTER_OIDC_CLIENT_ID: 'clientId',
  MUSTER_OIDC_CLIENT_SECRET_FILE: 'clientSecretFile',
  MUSTER_OIDC_SCOPES: 'scopes',
  MUSTER_OIDC_GROUPS_CLAIM: 'groupsClaim',
  MUSTER_OIDC_ROLES: 'roles',
} as const;

/**
 * Null where nothing is set: then only tokens count. `MUSTER_OIDC_FILE` names a JSON file of the shape above; a variable of its own wins over the file.
 * Throws a `SignInSettingsError`.
 */
export function readSignIn(environment: Readonly<Record<string, string | undefined>>): SignInSettings | null {
  const file = environment['MUSTER_OIDC_FILE'];
  const given: Record<string, unknown> = file ? objectIn(file, 'MUSTER_OIDC_FILE') : {};
  for (const [variable, key] of Object.entries(VARIABLES)) {
    const value = environment[variable];
    if (value) given[key] = key === 'roles' ? parsed(value, variable) : value;
  }
  if (Object.keys(given).length === 0) return null;
  const read = Shape.safeParse(given);
  if (!read.success) {
    const [issue] = read.error.issues;
    const setting = String(issue?.path[0] ?? (issue?.code === 'unrecognized_keys' ? issue.keys[0] : ''));
    const variable = Object.entries(VARIABLES).find(([, key]) => key === setting)?.[0];
    throw new SignInSettingsError(
      `The setting ${JSON.stringify(setting)} of signing in${variable ? ` (${variable})` : ''} is not as it should be: ${issue?.message}; see collector/admin/README.md.`,
    );
  }
  const { clientSecretFile, roles, ...rest } = read.data;
  const clientSecret = clientSecretFile === undefined ? null : textIn(clientSecretFile, 'the client secret').trim();
  if (clientSecret === '')
    throw new SignInSettingsError(`The file of the client secret, ${clientSecretFile}, is empty; write the secret into it.`);
  return { ...rest, clientSecret, roles: new Map(Object.entries(roles)) };
}

function objectIn(file: string, variable: string): Record<string, unknown> {
  const value = parsed(textIn(file, variable), variable);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SignInSettingsError(`${file} (${variable}) holds no JSON object; see collector/admin/README.md.`);
  return { ...value };
}

function parsed(text: string, variable: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SignInSettingsError(`${variable} is no JSON; write it as {"name of a group": "approver"}.`);
  }
}

function textIn(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SignInSettingsError(
      `${file} (${what}) can’t be read (${(error as NodeJS.ErrnoException).code}); name a file that this account may read.`,
    );
  }
}
