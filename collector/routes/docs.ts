/** The description of every route, made from the schemas that the routes use, and a page to try them. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import manifest from '../../package.json' with { type: 'json' };

const OPENAPI = '/api/v1/openapi.json';

/** Registered before the routes that it describes. */
export async function docsRoutes(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Muster collector', version: manifest.version, description: 'What devices send, and what administrators decide.' },
      components: {
        securitySchemes: {
          proof: { type: 'apiKey', in: 'header', name: 'DPoP', description: 'A proof signed by the device key; see agent/wire.ts.' },
          token: { type: 'http', scheme: 'bearer', description: 'A token of an administrator.' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: '__Host-muster-session',
            description:
              'Of an administrator who signed in; without https its name is muster-session. What changes something comes from a page of the collector, or with the header Muster-Csrf.',
          },
        },
      },
    },
    transform: jsonSchemaTransform,
  });
  // Without the bar of Swagger UI, which would load the description of anywhere.
  const theme = { title: 'Muster collector: API', css: [{ filename: 'muster.css', content: '.swagger-ui .topbar { display: none; }' }] };
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, theme, uiConfig: { url: OPENAPI } });
  // Made once: anybody may ask for it.
  let description: string | null = null;
  app.get(OPENAPI, { schema: { hide: true } }, async (_request, reply) => {
    description ??= JSON.stringify(app.swagger());
    return reply.type('application/json').send(description);
  });
}
