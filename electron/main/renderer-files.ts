/** What the `app://` protocol serves: the files of the bundled renderer, and nothing else, with headers that close every other way out. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

export const SCHEME = 'app';
export const ORIGIN = `${SCHEME}://muster`;
export const PAGE = `${ORIGIN}/index.html`;

/** Nothing from elsewhere, nothing inline, no connection at all: the window speaks through the preload's port only. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  // Text from outside can't become markup or a script, not even by a mistake in the page.
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const kinds: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** The file behind an address, or null where the address isn't ours, leaves the folder, or is of a kind that isn't served. */
export function rendererFile(address: string, folder: string): { readonly file: string; readonly type: string } | null {
  let asked: string;
  try {
    const url = new URL(address);
    if (url.protocol !== `${SCHEME}:` || url.host !== 'muster') return null;
    asked = decodeURIComponent(url.pathname);
  } catch {
    return null;
  }
  // A backslash is a separator on Windows, a colon names another stream there, and no file of ours has either.
  if (/[\\:\0]/.test(asked)) return null;
  const file = path.resolve(folder, `.${asked === '/' ? '/index.html' : asked}`);
  const inside = path.relative(folder, file);
  if (inside === '' || inside.startsWith('..') || path.isAbsolute(inside)) return null;
  const type = kinds[path.extname(file)];
  return type === undefined ? null : { file, type };
}

/** Answers a request of the protocol. */
export async function serveRenderer(request: { readonly url: string; readonly method: string }, folder: string): Promise<Response> {
  const found = request.method === 'GET' ? rendererFile(request.url, folder) : null;
  if (!found) return new Response('Not found', { status: 404, headers: { 'content-type': 'text/plain' } });
  try {
    return new Response(await readFile(found.file), {
      headers: {
        'content-type': found.type,
        'content-security-policy': CONTENT_SECURITY_POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      },
    });
  } catch {
    return new Response('Not found', { status: 404, headers: { 'content-type': 'text/plain' } });
  }
}
