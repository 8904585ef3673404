/** Sends what simulated devices say: proofs by the agent's own code, bodies packed as an agent packs them, over kept connections. */
import { Agent, request } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { proofOf } from '../../agent/sync/proof.ts';
import { BOUNDS, PATHS } from '../../agent/wire.ts';
import type { Device, Key } from './device.ts';

const pack = promisify(gzip);

export type Sent = {
  /** 0: no answer came. */
  readonly status: number;
  /** The problem's code, or how the connection failed; null: fine. */
  readonly code: string | null;
  readonly body: unknown;
  readonly bytes: number;
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
  const { hostname, port } = new URL(at);
  const agent = new Agent({ keepAlive, maxSockets: connections, scheduling: 'fifo' });
  async function packed(value: unknown): Promise<{ body: Buffer; gzipped: boolean }> {
    const text = Buffer.from(JSON.stringify(value));
    const gzipped = text.length > BOUNDS.compressAbove;
    return { body: gzipped ? await pack(text) : text, gzipped };
  }
  const prove = (path: keyof typeof PATHS, device: Device, body: Buffer, { as, kid, skewMs = 0 }: SendOptions = {}) =>
    proofOf(
      as ?? device.key(),
      { url: `${url}${PATHS[path]}`, body, at: new Date(Date.now() + skewMs) },
      path === 'enroll' ? 'key' : { kid: kid ?? device.id },
    );
  return {
    proof: async (path, device, value) => prove(path, device, (await packed(value)).body),
    async post(path, device, value, options = {}) {
      const { body, gzipped } = await packed(value);
      const dpop = options.proof ?? (await prove(path, device, body, options));
      const headers = {
        'content-type': 'application/json',
        'content-length': body.length,
        ...(gzipped ? { 'content-encoding': 'gzip' } : {}),
        dpop,
        // Each device has an address of its own, as behind a balancer.
        'x-forwarded-for': `10.${(device.index >> 16) & 255}.${(device.index >> 8) & 255}.${device.index & 255}`,
      };
      return new Promise((resolve) => {
        const failed = (error: NodeJS.ErrnoException) =>
          resolve({ status: 0, code: error.code ?? error.name, body: null, bytes: body.length });
        const sent = request({ agent, hostname, port, path: PATHS[path], method: 'POST', headers, timeout: 30_000 }, (answer) => {
          const pieces: Buffer[] = [];
          answer.on('data', (piece: Buffer) => pieces.push(piece));
          answer.on('error', failed);
          answer.on('end', () => resolve(read(answer.statusCode ?? 0, Buffer.concat(pieces), body.length)));
        });
        sent.on('timeout', () => sent.destroy(Object.assign(new Error('no answer'), { code: 'no-answer' })));
        sent.on('error', failed);
        sent.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

function read(status: number, bytes: Buffer, size: number): Sent {
  try {
    const body: unknown = JSON.parse(bytes.toString('utf8'));
    const code = status === 200 ? null : String((body as { code?: unknown }).code ?? status);
    return { status, code, body, bytes: size };
  } catch {
    return { status, code: 'not-json', body: null, bytes: size };
  }
}
