/** Whether the process lives, whether it can serve, and what it counts. None of it says anything of a device or a person. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ProblemDocument } from '../../agent/wire.ts';
import type { Context } from '../app.ts';
import { Problem } from '../problem.ts';

const Fine = z.object({ status: z.literal('ok') });

export function healthRoutes(app: FastifyInstance, { database, metrics }: Context): void {
  const config = { always: true };
  app.get(
    '/livez',
    { config, schema: { tags: ['operation'], summary: 'The process answers; touches nothing', response: { 200: Fine } } },
    async () => ({
      status: 'ok' as const,
    }),
  );
  app.get(
    '/readyz',
    { config, schema: { tags: ['operation'], summary: 'The database answers', response: { 200: Fine, 503: ProblemDocument } } },
    async () => {
      try {
        await database.ping();
      } catch {
        throw new Problem('not-ready', { retryAfter: 5 });
      }
      return { status: 'ok' as const };
    },
  );
  app.get('/metrics', { config, schema: { tags: ['operation'], summary: 'For Prometheus' } }, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}
