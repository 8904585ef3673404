/**
 * The network that main lends to the agent: one POST to the collector that the agent names in its state, by Chromium, which knows the desktop's proxy
 * scripts, its sign-in and its certificates. Main moves bytes and reads none of them; it follows no redirect and keeps no cookie, cache or password.
 */
import { type ClientRequest, net, type Session } from 'electron';
import type { NetworkApi } from '../contract.ts';
import { RpcError } from '../rpc.ts';
import { isCollectors } from './collector-address.ts';

const TIMEOUT_MS = 30_000;
const MAX_ANSWER = 4 * 1024 * 1024;
/** What an agent's request may say of itself; everything else is Chromium's. */
const HEADERS: ReadonlySet<string> = new Set(['content-type', 'content-encoding', 'accept', 'dpop']);
const ANSWERS = ['retry-after', 'content-type'];

/** `collector` is the address that the agent shows to the employee; a request to any other is refused. */
export function network(session: Session, collector: () => string | null): NetworkApi {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  void session.setProxy({ mode: 'system' });
  // It fetches its dictionaries.
  session.setSpellCheckerEnabled(false);
  session.webRequest.onBeforeRequest(({ url, method }, answer) => answer({ cancel: method !== 'POST' || !isCollectors(url, collector()) }));
  return {
    post({ url, headers, body }) {
      if (!isCollectors(url, collector())) return Promise.reject(new RpcError('unreachable', 'not the collector’s address'));
      return new Promise((resolve, reject) => {
        const request: ClientRequest = net.request({
          method: 'POST',
          url,
          session,
          redirect: 'manual',
          credentials: 'omit',
          cache: 'no-store',
        });
        const over = (reason: string) => {
          clearTimeout(timer);
          reject(new RpcError('unreachable', reason));
          request.abort();
        };
        const timer = setTimeout(() => over('no answer in time'), TIMEOUT_MS);
        for (const [name, value] of Object.entries(headers)) if (HEADERS.has(name.toLowerCase())) request.setHeader(name, value);
        request.on('redirect', (status) => {
          clearTimeout(timer);
          // As an answer, so that the agent says what is wrong; it isn't followed.
          resolve({ status, headers: {}, body: '' });
          request.abort();
        });
        // A proxy that asks for a name and a password which the system doesn't give: there is nobody here to ask.
        request.on('login', (_info, answer) => answer());
        request.on('error', ({ message }) => over(/net::ERR_[A-Z0-9_]+/.exec(message)?.[0] ?? 'failed'));
        request.on('response', (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk) => {
            size += chunk.byteLength;
            if (size > MAX_ANSWER) over('its answer is too long');
            else chunks.push(chunk);
          });
          response.on('error', () => over('the answer was cut'));
          response.on('aborted', () => over('the answer was cut'));
          response.on('end', () => {
            clearTimeout(timer);
            const told = ANSWERS.flatMap((name) => {
              const value = [response.headers[name]].flat()[0];
              return value === undefined ? [] : [[name, value] as const];
            });
            resolve({ status: response.statusCode, headers: Object.fromEntries(told), body: Buffer.concat(chunks).toString('base64') });
          });
        });
        request.end(Buffer.from(body, 'base64'));
      });
    },
  };
}
