/** Lists of the admin API: pages by cursor as JSON, and the whole of it as CSV. */

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { csvLine } from '../../csv.ts';
import type { Permission } from '../../permissions.ts';
import { Problem } from '../../problem.ts';
import { type Caller, callerOf } from './access.ts';

const MOST = 500;
const CSV_PAGE = 1000;

const Paging = {
  cursor: z.string().max(2000).optional().describe('From “next” of the page before.'),
  limit: z.coerce.number().int().min(1).max(MOST).default(100),
  format: z.enum(['json', 'csv']).default('json').describe('csv: the whole list, without pages.'),
};

/** After which row a page begins, by what the list is ordered by. */
export type After = readonly string[] | null;

export type List<Query extends z.ZodRawShape, Params extends z.ZodRawShape, Row extends z.ZodObject> = {
  readonly url: string;
  readonly summary: string;
  readonly permission: Permission;
  readonly query?: Query;
  readonly params?: Params;
  readonly row: Row;
  /** What the list is ordered by, of a row; the next page begins after it. */
  readonly key: (row: z.output<Row>) => readonly string[];
  readonly page: (
    asked: { readonly query: z.output<z.ZodObject<Query>>; readonly params: z.output<z.ZodObject<Params>>; readonly caller: Caller },
    after: After,
    limit: number,
  ) => Promise<readonly z.output<Row>[]>;
  /** Once for each request, also where it is one page of many: for what is itself recorded. */
  readonly noted?: (asked: {
    readonly query: z.output<z.ZodObject<Query>>;
    readonly params: z.output<z.ZodObject<Params>>;
    readonly caller: Caller;
  }) => Promise<void>;
};

export function list<Query extends z.ZodRawShape, Params extends z.ZodRawShape, Row extends z.ZodObject>(
  app: FastifyInstance,
  { url, summary, permission, query, params, row, key, page, noted }: List<Query, Params, Row>,
): void {
  const Page = z.object({ items: z.array(row), next: z.string().nullable().describe('The cursor of the next page; null at the end.') });
  app.route({
    method: 'GET',
    url,
    config: { permission },
    schema: {
      summary,
      tags: [permission.split(':')[0] ?? ''],
      querystring: z.object({ ...query, ...Paging }),
      ...(params ? { params: z.object(params) } : {}),
      response: { 200: Page },
    },
    async handler(request, reply) {
      const { cursor, limit, format, ...rest } = request.query as { cursor?: string; limit: number; format: 'json' | 'csv' };
      const asked = {
        query: rest as z.output<z.ZodObject<Query>>,
        params: request.params as z.output<z.ZodObject<Params>>,
        caller: callerOf(request),
      };
      const after = cursor === undefined ? null : read(cursor);
      await noted?.(asked);
      if (format === 'csv' || wantsCsv(request)) {
        const columns = Object.keys(row.shape);
        const pageOf = (from: After) => page(asked, from, CSV_PAGE);
        // The first page before the first byte, so that what goes wrong at once is still told as a problem.
        const first = await pageOf(after);
        return reply
          .type('text/csv; charset=utf-8; header=present')
          .header('content-disposition', `attachment; filename="${url.replaceAll(/[^a-z]+/g, '-').replaceAll(/^-|-$/g, '')}.csv"`)
          .serializer((value: unknown) => value as string)
          .send(Readable.from(lines(columns, first, pageOf, key as (row: unknown) => readonly string[])));
      }
      const rows = await page(asked, after, limit + 1);
      const items = rows.slice(0, limit);
      const last = items.at(-1);
      return { items, next: rows.length > limit && last ? Buffer.from(JSON.stringify(key(last))).toString('base64url') : null };
    },
  });
}

async function* lines(
  columns: readonly string[],
  first: readonly unknown[],
  pageOf: (after: After) => Promise<readonly unknown[]>,
  key: (row: unknown) => readonly string[],
): AsyncGenerator<string> {
  yield csvLine(columns);
  for (let rows = first; rows.length > 0; rows = rows.length < CSV_PAGE ? [] : await pageOf(key(rows.at(-1)))) {
    yield rows.map((row) => csvLine(columns.map((column) => (row as Record<string, unknown>)[column]))).join('');
  }
}

function wantsCsv({ headers }: FastifyRequest): boolean {
  return /^text\/csv\b/.test(headers.accept ?? '');
}

/** Throws the problem `wrong-cursor`. */
function read(cursor: string): readonly string[] {
  try {
    return z
      .array(z.string().max(1000))
      .min(1)
      .max(4)
      .parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    throw new Problem('wrong-cursor');
  }
}

/** A page of a list that is at hand whole: `rows` in their order. */
export function pageOf<Row>(rows: readonly Row[], key: (row: Row) => string, after: After, limit: number): readonly Row[] {
  const from = after === null ? 0 : rows.findIndex((row) => key(row) === after[0]) + 1;
  if (after !== null && from === 0) throw new Problem('wrong-cursor');
  return rows.slice(from, from + limit);
}

export const moment = (date: Date | null): string | null => date?.toISOString() ?? null;
