/** Which addresses main lends its network for: pure, so that every trick with one can be tested. */

const PATHS = ['/v1/check-in', '/v1/enroll'];

/** Whether `url` is an address of the collector at `collector`: https, or http on this computer itself; exactly as it is written. */
export function isCollectors(url: string, collector: string | null): boolean {
  if (collector === null || !URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  const isHere = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isHere);
  return isSafe && username === '' && password === '' && PATHS.some((path) => url === collector + path);
}
