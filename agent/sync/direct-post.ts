/**
 * The network, and nothing else of the agent reaches it: one POST to the collector, by this system's trust in certificates and its proxy variables.
 *
 * Inside the app the same question goes to whoever started the agent (`through`), which has Chromium's network: proxy scripts, sign-in, the desktop's trust.
 */
import http from 'node:http';
import https from 'node:https';
import { getCACertificates } from 'node:tls';
import { type Post, Unreachable } from './post.ts';

const TIMEOUT_MS = 30_000;
/** Three signed documents and every decision stay below. */
const MAX_ANSWER = 4 * 1024 * 1024;
const HEADERS = ['retry-after', 'content-type'] as const;

/** `env` names the proxy: HTTPS_PROXY, HTTP_PROXY, NO_PROXY. */
export function directPost(env: Readonly<Record<string, string | undefined>>): Post {
  let agents: { readonly http: http.Agent; readonly https: https.Agent } | null = null;
  const agentFor = (protocol: string) => {
    if (agents === null) {
      // What an administrator names beside the system's; where the system has none, Node's own list counts, with those.
      const system = getCACertificates('system');
      const trusted = system.length > 0 ? [...system, ...getCACertificates('extra')] : undefined;
      // One connection a check-in: the next one is an hour away.
      const options = { keepAlive: false, proxyEnv: { ...env } };
      agents = { http: new http.Agent(options), https: new https.Agent({ ...options, ...(trusted ? { ca: trusted } : {}) }) };
    }
    return protocol === 'https:' ? agents.https : agents.http;
  };
  return ({ url, headers, body }, signal) =>
    new Promise((resolve, reject) => {
      const { protocol } = new URL(url);
      const module = protocol === 'https:' ? https : http;
      const ending = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const failed = (error: NodeJS.ErrnoException) =>
        reject(new Unreachable(ending.aborted && !signal.aborted ? 'no answer in time' : (error.code ?? 'failed')));
      const request = module.request(
        url,
        { method: 'POST', headers: { ...headers, 'content-length': body.byteLength }, agent: agentFor(protocol), signal: ending },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.byteLength;
            if (size > MAX_ANSWER) {
              reject(new Unreachable('its answer is too long'));
              request.destroy();
            } else chunks.push(chunk);
          });
          response.on('error', failed);
          response.on('end', () => {
            // A body that was cut by a sleep of this computer is no answer.
            if (!response.complete) return reject(new Unreachable('the answer was cut'));
            const told = HEADERS.flatMap((name) => (typeof response.headers[name] === 'string' ? [[name, response.headers[name]]] : []));
            resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(told), body: Buffer.concat(chunks) });
          });
          response.on('close', () => reject(new Unreachable('the answer was cut')));
        },
      );
      request.on('error', failed);
      request.end(body);
    });
}
