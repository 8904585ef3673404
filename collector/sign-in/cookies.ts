/** Cookies of administrators' browsers: read strictly, and written so that no other site, subdomain or script gets at them. */

export type CookieName = 'session' | 'sign-in';

/** With https the browser itself sees to it that only this host set it, for all its paths. */
const nameOf = (name: CookieName, secure: boolean) => `${secure ? '__Host-' : ''}muster-${name}`;

/** Null: there is none, or several of one name, which only somebody else can have brought about. */
export function readCookie(header: string | undefined, name: CookieName, secure: boolean): string | null {
  const begins = `${nameOf(name, secure)}=`;
  const found = (header ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(begins));
  return found.length === 1 ? (found[0]?.slice(begins.length) ?? null) : null;
}

/** The header's value; without a value the browser removes the cookie. Lax, because the browser comes back from the issuer by a link. */
export function writeCookie(name: CookieName, secure: boolean, value: { readonly text: string; readonly seconds: number } | null): string {
  const ends = `Max-Age=${value === null ? 0 : Math.floor(value.seconds)}`;
  return [`${nameOf(name, secure)}=${value?.text ?? ''}`, 'Path=/', ends, 'HttpOnly', 'SameSite=Lax', ...(secure ? ['Secure'] : [])].join(
    '; ',
  );
}
