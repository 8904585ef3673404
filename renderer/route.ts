/** Which page is shown: the address after `#`, so that a link, the back key and a test can name it. */
import type { View } from '../electron/contract.ts';

export type Route =
  | { readonly view: View }
  | { readonly view: 'tool'; readonly id: string }
  | { readonly view: 'servers' | 'sent'; readonly id: string };

const views: readonly string[] = ['home', 'approved', 'servers', 'policy', 'requests', 'sees', 'sent'] satisfies View[];

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** An address that names no page is Home. */
export function parseRoute(hash: string): Route {
  const [view = '', ...rest] = hash.replace(/^#/, '').split('/');
  const id = decode(rest.join('/'));
  if (view === 'tool' && id) return { view, id };
  if ((view === 'servers' || view === 'sent') && id) return { view, id };
  return { view: views.includes(view) ? (view as View) : 'home' };
}

export const toolLink = (id: string): string => `#tool/${encodeURIComponent(id)}`;
export const serverLink = (id: string): string => `#servers/${encodeURIComponent(id)}`;
export const sentLink = (id: string): string => `#sent/${encodeURIComponent(id)}`;
