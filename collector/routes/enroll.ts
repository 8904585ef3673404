/** `POST /v1/enroll`: a key that proves itself becomes a device, against an enrolment secret. */
import type { FastifyInstance } from 'fastify';
import { Enrolment, EnrolmentAnswer, PATHS, ProblemDocument } from '../../agent/wire.ts';
import type { Context } from '../app.ts';
import { enroll } from '../enroll.ts';
import { Problem } from '../problem.ts';
import { firstIssue } from '../read-check-in.ts';
import { createTurns } from '../turns.ts';
import { deviceRequests, UNCHECKED } from './device-request.ts';

/** What a wrong secret costs an address, in requests: guessing is hopeless, and this keeps it quiet. So does a taken id or key, each of which is an alarm. */
const REFUSED_COST = 50;
const COSTLY: readonly string[] = ['secret-refused', 'id-taken', 'key-taken'];

/** No enrolment has more. */
const MOST_BYTES = 16 * 1024;
/** Enrolments under way; fewer than what is under way in all. */
const STRANGERS = 64;

/** Enrolments with one secret wait for each other in the database; more at once would only hold the connections that check-ins need. */
const AT_ONCE = 3;

export function enrollRoute(app: FastifyInstance, context: Context): void {
  const turns = createTurns(AT_ONCE);
  app.register(async (scope) => {
    let strangers = 0;
    // Anybody can make a key: these bodies are small, and however slowly they come, they leave room for devices that are known.
    const read = deviceRequests(scope, context.prover, {
      by: 'jwk',
      most: MOST_BYTES,
      enter() {
        if (strangers >= STRANGERS) throw new Problem('too-busy', { retryAfter: 5 + Math.ceil(Math.random() * 30) });
        strangers++;
        return () => void strangers--;
      },
    });
    scope.post(
      PATHS.enroll,
      {
        ...UNCHECKED,
        schema: {
          tags: ['devices'],
          summary: 'Enrol a device',
          description: 'Posted until it is acknowledged: the same key and id get the same answer, without the secret being used again.',
          security: [{ proof: [] }],
          body: Enrolment,
          response: { 200: EnrolmentAnswer, '4xx': ProblemDocument },
        },
      },
      async (request, reply) => {
        const { proven, json } = await read(request);
        const body = Enrolment.safeParse(json);
        if (!body.success) throw new Problem('not-understood', { detail: firstIssue(body.error) });
        if (body.data.key.x !== proven.keyX) throw new Problem('proof-signature');
        try {
          const tenant = await context.tenant.read();
          const { answer, made } = await turns(() => enroll(context.db, tenant, body.data, context.now(), context.everyS));
          if (made) context.log.info('device.enrolled', { state: answer.state });
          return reply.type('application/json').send(JSON.stringify(answer));
        } catch (error) {
          if (error instanceof Problem && COSTLY.includes(error.code)) context.admission.charge(request.ip, REFUSED_COST);
          throw error;
        } finally {
          context.deviceKeys.forget(body.data.id.toLowerCase());
        }
      },
    );
  });
}
