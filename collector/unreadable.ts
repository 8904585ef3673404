/** What never becomes a request of a route: bytes that are no HTTP, headers that are too long or too slow, an address that can't be read. Same documents, by hand. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { documentOf, Problem, type ProblemCode } from './problem.ts';

/** By the code of Node's own error; everything else is no HTTP. */
const CODES: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'too-slow',
};
const REASONS: Readonly<Record<number, string>> = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' };

/** Says why, and ends the connection: nobody knows where the next request would begin. */
export function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const problem = new Problem(CODES[error.code ?? ''] ?? 'not-http');
  const text = JSON.stringify(documentOf(problem, new Date()));
  socket.end(
    `HTTP/1.1 ${problem.status} ${REASONS[problem.status]}\r\nContent-Type: application/problem+json\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

/** Node would answer an `Expect` that it doesn't know without a word. */
export function refuseExpectations(server: Server, problems: (code: ProblemCode) => void): void {
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    problems('not-expected');
    const text = JSON.stringify(documentOf(new Problem('not-expected'), new Date()));
    response
      .writeHead(417, { 'content-type': 'application/problem+json', connection: 'close', 'content-length': Buffer.byteLength(text) })
      .end(text);
  });
}
