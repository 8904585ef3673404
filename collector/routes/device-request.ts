/** What the requests of devices have alike: the proof is checked before the body is read, the body is read within its bounds, then matched. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readBytes, unpack } from '../body.ts';
import { Problem } from '../problem.ts';
import { matchBody, type Proven, type Prover } from '../proof.ts';

export type DeviceRequest = { readonly proven: Proven; readonly json: unknown };

/** For documentation only: these routes read their bodies themselves, row by row. */
export const UNCHECKED = {
  validatorCompiler: () => (value: unknown) => ({ value }),
  serializerCompiler: () => (value: unknown) => JSON.stringify(value),
} as const;

/** Adds the hook and the reader of bodies to a scope of routes; the returned function gives a route its request. */
export function deviceRequests(
  scope: FastifyInstance,
  prover: Prover,
  by: 'kid' | 'jwk',
): (request: FastifyRequest) => Promise<DeviceRequest> {
  const proofs = new WeakMap<FastifyRequest, Proven>();
  scope.addHook('onRequest', async (request) => {
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) throw new Problem('wrong-type');
    proofs.set(request, await prover.prove(request.headers['dpop'], request.routeOptions.url ?? '', by));
  });
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
    readBytes(payload, request.headers['content-length']),
  );
  return async (request) => {
    const proven = proofs.get(request);
    if (!proven) throw new Problem('proof-missing');
    const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    matchBody(proven, bytes);
    return { proven, json: await unpack(bytes, request.headers) };
  };
}
