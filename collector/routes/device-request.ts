/** What the requests of devices have alike: the proof is checked before the body is read, the body is read within its bounds, then matched. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readBytes, unpack } from '../body.ts';
import { Problem } from '../problem.ts';
import { matchBody, type Proven, type Prover } from '../proof.ts';
import { whenOver } from '../when-over.ts';

export type DeviceRequest = { readonly proven: Proven; readonly json: unknown };

/** For documentation only: these routes read their bodies themselves, row by row. */
export const UNCHECKED = {
  validatorCompiler: () => (value: unknown) => ({ value }),
  serializerCompiler: () => (value: unknown) => JSON.stringify(value),
} as const;

/** On what terms a request is read. */
export type Terms = {
  readonly by: 'kid' | 'jwk';
  /** Bytes as sent and unpacked; default those of the protocol. */
  readonly most?: number;
  /** Throws the `Problem` for which nothing of the body is read; what it returns is called when the request is over. */
  readonly enter: (proven: Proven) => () => void;
};

/** Adds the hook and the reader of bodies to a scope of routes; the returned function gives a route its request. */
export function deviceRequests(
  scope: FastifyInstance,
  prover: Prover,
  { by, most, enter }: Terms,
): (request: FastifyRequest) => Promise<DeviceRequest> {
  const proofs = new WeakMap<FastifyRequest, Proven>();
  scope.addHook('onRequest', async (request, reply) => {
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) throw new Problem('wrong-type');
    const proven = await prover.prove(request.headers['dpop'], request.routeOptions.url ?? '', by);
    whenOver(request, reply, enter(proven));
    proofs.set(request, proven);
  });
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
    readBytes(payload, request.headers['content-length'], most),
  );
  return async (request) => {
    const proven = proofs.get(request);
    if (!proven) throw new Problem('proof-missing');
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    matchBody(proven, bytes);
    return { proven, json: await unpack(bytes, request.headers, most) };
  };
}
