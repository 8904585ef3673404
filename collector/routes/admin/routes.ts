/** The admin API under `/api/v1`: every route behind the guard, with the schemas that the OpenAPI description is made of. */
import type { FastifyInstance } from 'fastify';
import type { Context } from '../../app.ts';
import { readCatalog } from '../../catalog.ts';
import type { SignInSettings } from '../../sign-in/settings.ts';
import { guard } from './access.ts';
import { deviceRoutes } from './devices.ts';
import { fleetRoutes } from './fleet.ts';
import { groupRoutes } from './groups.ts';
import { adminParts } from './parts.ts';
import { peopleRoutes } from './people.ts';
import { policyRoutes } from './policy.ts';
import { recordRoutes } from './records.ts';
import { requestRoutes } from './requests.ts';
import { settingRoutes } from './settings.ts';
import { signInRoutes } from './sign-in.ts';

/** A policy is the largest thing that an administrator sends. */
const BODY = 2 * 1024 * 1024;

/** `signIn`: how administrators sign in; without it tokens alone count. */
export async function adminRoutes(
  app: FastifyInstance,
  context: Context,
  { signIn = null }: { signIn?: SignInSettings | null } = {},
): Promise<void> {
  const parts = adminParts(context, readCatalog());
  app.addHook('onClose', () => parts.grants.stop());
  await app.register(
    async (api) => {
      guard(api, context, signIn);
      api.addHook('onRoute', (route) => {
        route.bodyLimit = BODY;
      });
      deviceRoutes(api, parts);
      fleetRoutes(api, parts);
      requestRoutes(api, parts);
      policyRoutes(api, parts);
      peopleRoutes(api, parts);
      groupRoutes(api, parts);
      recordRoutes(api, parts);
      settingRoutes(api, context);
      signInRoutes(api, context, signIn);
    },
    { prefix: '/api/v1' },
  );
}
