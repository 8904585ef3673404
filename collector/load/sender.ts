/** Sends what simulated devices say: proofs by the agent's own code, bodies packed as an agent packs them, over kept connections. */
import { gzipSync } from 'node:zlib';
import { proofOf } from '../../agent/sync/proof.ts';
import { BOUNDS, PATHS } from '../../agent/wire.ts';
import { createConnections } from './connections.ts';
import type { Device, Key } from './device.ts';

/** Hundreds are packed a second here, and an agent packs one: a window of this size holds all of a few changes, and costs a tenth of the usual memory. */
const PACKING = { windowBits: 12, memLevel: 5 };

export type Sent = {
  /** 0: no answer came. */
  readonly status: number;
  /** The problem's code, or how the connection failed; null: fine. */
  readonly code: string | null;
  readonly body: unknown;
  readonly bytes: number;
  /** Seconds, where the answer says when to come again. */
  readonly retryAfterS: number | null;
};

export type SendOptions = {
  readonly as?: Key;
  readonly kid?: string;
  /** Milliseconds by which the device's clock is wrong. */
  readonly skewMs?: number;
  readonly proof?: string;
};

export type Sender = {
  post(path: keyof typeof PATHS, device: Device, body: unknown, options?: SendOptions): Promise<Sent>;
  /** For a body that is sent with it later. */
  proof(path: keyof typeof PATHS, device: Device, body: unknown): Promise<string>;
  close(): void;
};

/** `url` on loopback, with a port. Without `keepAlive` each request is a connection of its own, so that a balancer
 * sends each elsewhere; `at` is where to connect to instead, past the balancer. */
export function createSender(
  url: string,
  { connections = 64, keepAlive = true, at = url }: { connections?: number; keepAlive?: boolean; at?: string } = {},
): Sender {
  const { hostname, port, host } = new URL(at);
  const kept = createConnections(hostname.replace(/^\[|\]$/g, ''), Number(port), { most: connections, keepAlive });
  function packed(value: unknown): { body: Buffer; gzipped: boolean } {
    const text = Buffer.from(JSON.stringify(value));
    const gzipped = text.length > BOUNDS.compressAbove;
    return { body: gzipped ? gzipSync(text, PACKING) : text, gzipped };
  }
  const prove = (path: keyof typeof PATHS, device: Device, body: Buffer, { as, kid, skewMs = 0 }: SendOptions = {}) =>
    proofOf(
      as ?? device.key(),
      { url: `${url}${PATHS[path]}`, body, at: new Date(Date.now() + skewMs) },
      path === 'enroll' ? 'key' : { kid: kid ?? device.id },
    );
  return {
    proof: async (path, device, value) => prove(path, device, packed(value).body),
    async post(path, device, value, options = {}) {
      const { body, gzipped } = packed(value);
      const dpop = options.proof ?? (await prove(path, device, body, options));
      // Each device has an address of its own, as behind a balancer.
      const address = `10.${(device.index >> 16) & 255}.${(device.index >> 8) & 255}.${device.index & 255}`;
      const encoding = gzipped ? 'Content-Encoding: gzip\r\n' : '';
      const head = `POST ${PATHS[path]} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${encoding}DPoP: ${dpop}\r\nX-Forwarded-For: ${address}\r\n`;
      try {
        const answer = await kept.post(head, body);
        return { ...read(answer.status, answer.body), bytes: body.length, retryAfterS: answer.retryAfterS };
      } catch (error) {
        return {
          status: 0,
          code: (error as NodeJS.ErrnoException).code ?? (error as Error).name,
          body: null,
          bytes: body.length,
          retryAfterS: null,
        };
      }
    },
    close: () => kept.close(),
  };
}

function read(status: number, bytes: Buffer): Pick<Sent, 'status' | 'code' | 'body'> {
  try {
    const body: unknown = JSON.parse(bytes.toString('utf8'));
    const code = status === 200 ? null : String((body as { code?: unknown }).code ?? status);
    return { status, code, body };
  } catch {
    return { status, code: 'not-json', body: null };
  }
}
