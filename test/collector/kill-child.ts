/**
 * A collector that is killed at one moment of its first check-in: `node kill-child.ts DATABASE_URL PUBLIC_URL WHEN WHAT`. WHEN is `before` or `after`; WHAT the number
 * of a statement, counted from the arrival of the check-in, or how one begins. It prints its address; a check-in that meets no such moment is answered.
 */
import http from 'node:http';
import pg from 'pg';
import { createLog } from '../../collector/log.ts';
import { startCollector } from '../../collector/start.ts';

const [url = '', publicUrl = '', when = '', what = ''] = process.argv.slice(2);
let statements = 0;
let isArmed = false;

const isIt = (text: string) => (/^\d+$/.test(what) ? statements === Number(what) : text.trim().startsWith(what));
const die = () => process.kill(process.pid, 'SIGKILL');

type Query = (this: pg.Client, ...args: unknown[]) => unknown;
const query = pg.Client.prototype.query as Query;
function watched(this: pg.Client, ...args: unknown[]): unknown {
  const [given] = args as [string | { readonly text: string }];
  if (!isArmed) return query.apply(this, args);
  const text = typeof given === 'string' ? given : given.text;
  statements++;
  const isHere = isIt(text);
  if (isHere && when === 'before') die();
  const answered = query.apply(this, args);
  if (!isHere || !(answered instanceof Promise)) return answered;
  return answered.then((result: unknown) => {
    die();
    return result;
  });
}
Object.assign(pg.Client.prototype, { query: watched });

const { emit } = http.Server.prototype;
http.Server.prototype.emit = function (this: http.Server, event: string | symbol, ...args: unknown[]) {
  if (event === 'request' && (args[0] as http.IncomingMessage).url === '/v1/check-in') isArmed = true;
  return emit.apply(this, [event, ...args] as Parameters<typeof emit>);
} as typeof emit;

const collector = await startCollector({ where: { url, connections: 2 }, log: createLog(() => {}), tenant: 'acme', port: 0, publicUrl });
console.log(collector.url);
