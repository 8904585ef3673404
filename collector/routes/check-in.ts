/** `POST /v1/check-in`: a device tells what it has, and hears what was decided. */
import type { FastifyInstance } from 'fastify';
import { CheckIn, CheckInAnswer, PATHS, ProblemDocument } from '../../agent/wire.ts';
import type { Context } from '../app.ts';
import { checkIn } from '../check-in.ts';
import { Problem } from '../problem.ts';
import { readCheckIn } from '../read-check-in.ts';
import { deviceRequests, UNCHECKED } from './device-request.ts';

export function checkInRoute(app: FastifyInstance, context: Context): void {
  app.register(async (scope) => {
    const read = deviceRequests(scope, context.prover, {
      by: 'kid',
      enter({ device, state }) {
        if (state === 'pending') throw new Problem('device-pending', { retryAfter: 300 });
        if (state === 'revoked') throw new Problem('device-revoked', { retryAfter: 3600 });
        return context.admission.enterDevice(device ?? '');
      },
    });
    scope.post(
      PATHS.checkIn,
      {
        ...UNCHECKED,
        schema: {
          tags: ['devices'],
          summary: 'Check in',
          description: 'One round trip; safe to repeat. A row that is not understood is parked and does not hold up the others.',
          security: [{ proof: [] }],
          body: CheckIn,
          response: { 200: CheckInAnswer, '4xx': ProblemDocument },
        },
      },
      async (request, reply) => {
        const { proven, json } = await read(request);
        const { device } = proven;
        if (device === null) throw new Problem('proof-invalid');
        const arrived = readCheckIn(json, proven, context.now());
        try {
          const { answer, took, alarms } = await checkIn(context, device, arrived);
          context.metrics.checkIn(took, answer.parked?.length ?? 0, alarms);
          if (alarms > 0) context.log.info('check-in.alarm', { device, alarms });
          return reply.type('application/json').send(JSON.stringify(answer));
        } catch (error) {
          // Its state changed since its key was read.
          if (error instanceof Problem && error.status !== 429) context.deviceKeys.forget(device);
          throw error;
        }
      },
    );
  });
}
