/** Whether the process lives, whether it can serve, and what it counts. None of it says anything of a device or a person. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ProblemDocument } from '../../agent/wire.ts';
import type { Context } from '../app.ts';
import { Problem } from '../problem.ts';

const Fine = z.object({ status: z.literal('ok') });
const Ready = Fine.extend({
  signer: z.enum(['ok', 'away', 'none']).describe('Without it devices check in, and nothing is published or granted.'),
});

const DATABASE_MS = 5000;
const SIGNER_MS = 2000;
/** Anybody may ask, as often as they like: the signer is asked no more often. */
const SIGNER_EVERY_MS = 10_000;

export function healthRoutes(app: FastifyInstance, { database, metrics, signer, now }: Context): void {
  const pinged = together(() => within(DATABASE_MS, database.ping()));
  const counted = together(() => metrics.registry.metrics());
  const asked = together(async () => {
    const there = !signer
      ? ('none' as const)
      : await within(SIGNER_MS, signer.identity()).then(
          () => 'ok' as const,
          () => 'away' as const,
        );
    seen = { at: now().getTime(), there };
    return there;
  });
  let seen: { at: number; there: z.infer<typeof Ready>['signer'] } | null = null;
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
    {
      config,
      schema: {
        tags: ['operation'],
        summary: 'The database answers; and whether the signer does',
        response: { 200: Ready, 503: ProblemDocument },
      },
    },
    async () => {
      try {
        await pinged();
      } catch {
        throw new Problem('not-ready', { retryAfter: 5 });
      }
      const recent = seen && now().getTime() - seen.at < SIGNER_EVERY_MS ? seen.there : null;
      return { status: 'ok' as const, signer: recent ?? (await asked()) };
    },
  );
  app.get('/metrics', { config, schema: { tags: ['operation'], summary: 'For Prometheus' } }, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await counted()),
  );
}

/** Whoever asks while an answer is under way gets that one: asking often costs no more than asking once. */
function together<T>(ask: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => {
    running ??= ask().finally(() => {
      running = null;
    });
    return running;
  };
}

/** Rejects where it takes longer. */
function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('It takes too long.')), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
