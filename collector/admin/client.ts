/** The admin API as `muster-admin` calls it: one address, one token or none, and a refusal as its problem document says it. */

/** A refusal of the collector, or that it could not be reached. `message` is one sentence with the remedy. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export type Answer = { readonly status: number; readonly body: Record<string, unknown>; readonly etag: string | null };
export type Api = {
  call(method: string, path: string, body?: unknown, ifMatch?: string | null): Promise<Answer>;
  /** All rows of a list, over its pages; `most` of them. */
  rows(path: string, most: number): Promise<Record<string, unknown>[]>;
};

const PATIENCE_MS = 120_000;

/** Rejects with an `ApiError`; `unreachable` where no collector answers. */
export function apiAt(url: string, token: string | null): Api {
  const base = `${url.replace(/\/+$/, '')}/api/v1`;
  const call: Api['call'] = async (method, path, body, ifMatch) => {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${base}${path}`, {
        method,
        redirect: 'error',
        signal: AbortSignal.timeout(PATIENCE_MS),
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(ifMatch ? { 'if-match': ifMatch } : {}),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch {
      throw new ApiError('unreachable', 0, 'The collector can’t be reached; see that it runs and that --url is its address.');
    }
    const json = parsed(text);
    if (response.ok && json) return { status: response.status, body: json, etag: response.headers.get('etag') };
    const { code, title, detail, remedy } = (json ?? {}) as Partial<Record<string, string>>;
    if (!code) throw new ApiError('unreachable', response.status, 'What answers at --url is no collector; correct the address.');
    throw new ApiError(code, response.status, [title, detail, remedy].filter(Boolean).join(' '));
  };
  return {
    call,
    async rows(path, most) {
      const rows: Record<string, unknown>[] = [];
      for (let next: string | null = ''; next !== null && rows.length < most; ) {
        const more = `${path.includes('?') ? '&' : '?'}limit=${Math.min(500, most - rows.length)}${next === '' ? '' : `&cursor=${next}`}`;
        const { body } = await call('GET', `${path}${more}`);
        rows.push(...((body['items'] as Record<string, unknown>[] | undefined) ?? []));
        next = (body['next'] as string | null | undefined) ?? null;
      }
      return rows;
    },
  };
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
