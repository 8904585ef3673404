/** The collector as one Fastify application: its parts put together, errors as problem documents, and a shutdown that lets what is under way end. */
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { type Admission, createAdmission, LIMITS, type Limits } from './admission.ts';
import type { Opened } from './database.ts';
import { createDeviceKeys, type DeviceKeys } from './device-keys.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createPace } from './pace.ts';
import { documentOf, Problem } from './problem.ts';
import { createProver, createReplays, type Prover } from './proof.ts';
import { checkInRoute } from './routes/check-in.ts';
import { docsRoutes } from './routes/docs.ts';
import { enrollRoute } from './routes/enroll.ts';
import { healthRoutes } from './routes/health.ts';
import type { Signer } from './signer/protocol.ts';
import { createSteps, type Steps } from './steps.ts';
import { type Db, findKeys } from './store/devices.ts';
import { createKnownBodies, type KnownBodies } from './store/items.ts';
import { createSettingsReader, type SettingsReader } from './store/settings.ts';
import { createTenantReader, type TenantReader } from './store/tenant.ts';
import { createTrustDocuments, type TrustDocuments } from './store/trust.ts';
import { refuseExpectations, refuseUnreadable } from './unreadable.ts';
import { whenOver } from './when-over.ts';

export type AppParts = {
  readonly database: Opened;
  readonly log: Log;
  /** The addresses under which agents know this collector, without a slash at the end: proofs are made for one of them. */
  readonly origins: () => readonly string[];
  readonly now?: () => Date;
  /** Default as the settings say. */
  readonly limits?: Partial<Limits>;
  /** Seconds between two check-ins of a device; default as the settings say. */
  readonly everyS?: number;
  /** Signs policies and grants; without one nothing can be published or granted. */
  readonly signer?: Signer | null;
  /** Proxies in front whose `X-Forwarded-For` is believed; default none. */
  readonly trustProxy?: boolean | string;
  /** More routes, as the admin API's. */
  readonly extend?: readonly ((app: FastifyInstance, context: Context) => void | Promise<void>)[];
};

/** What a route may use. */
export type Context = {
  readonly db: Db;
  readonly database: Opened;
  readonly now: () => Date;
  readonly log: Log;
  readonly everyS: number;
  /** Seconds until the check-in after the one that is answered now. */
  readonly nextS: () => number;
  readonly admission: Admission;
  readonly deviceKeys: DeviceKeys;
  readonly prover: Prover;
  readonly trust: TrustDocuments;
  readonly tenant: TenantReader;
  readonly settings: SettingsReader;
  readonly knownBodies: KnownBodies;
  readonly steps: Steps;
  readonly metrics: Metrics;
  readonly signer: Signer | null;
  /** Under which others know this collector, as `https://collector.acme.example`. */
  readonly origins: () => readonly string[];
};

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Taken on however much is under way: who asks whether the process lives must get an answer. */
    always?: boolean;
  }
}

export type App = {
  readonly app: FastifyInstance;
  readonly context: Context;
  /** Takes nothing more on, lets what is under way end, and closes; the database stays open. */
  stop(): Promise<void>;
};

/** What is under way may take this long to end; then its connection is cut, and the device sends it again. */
const PATIENCE_MS = 10_000;

/** Routes and hooks, not listening yet. */
export async function createApp(parts: AppParts): Promise<App> {
  const { database, log } = parts;
  const now = parts.now ?? (() => new Date());
  const clock = () => now().getTime();
  const settings = createSettingsReader(database.db);
  const admission = createAdmission(limitsOf(settings, parts.limits ?? {}), clock);
  const pace = createPace(clock);
  const replays = createReplays(clock);
  const deviceKeys = createDeviceKeys((devices) => findKeys(database.db, devices), clock);
  const metrics = createMetrics({
    requests_under_way: { help: 'Requests under way.', value: admission.underWay },
    device_keys_known: { help: 'Device keys at hand.', value: () => deviceKeys.counts().known },
    device_keys_unknown: { help: 'Ids that are remembered as not enrolled.', value: () => deviceKeys.counts().unknown },
    device_key_hits: { help: 'Proofs whose key was at hand.', value: () => deviceKeys.counts().hits },
    device_key_misses: { help: 'Proofs whose key was read from the database.', value: () => deviceKeys.counts().misses },
    proof_nonces: { help: 'Nonces that are remembered.', value: replays.size },
  });
  const context: Context = {
    db: database.db,
    database,
    now,
    log,
    get everyS() {
      return parts.everyS ?? settings.current().checkInMinutes * 60;
    },
    nextS: () => pace.next(context.everyS),
    admission,
    deviceKeys,
    prover: createProver({ keys: deviceKeys, origins: parts.origins, now, replays }),
    trust: createTrustDocuments(database.db, clock),
    tenant: createTenantReader(database.db, clock),
    settings,
    knownBodies: createKnownBodies(clock),
    steps: createSteps(database.db),
    metrics,
    signer: parts.signer ?? null,
    origins: parts.origins,
  };

  const app = fastify({
    logger: false,
    trustProxy: parts.trustProxy ?? false,
    // Slow senders hold a socket and nothing else.
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    // Who takes no answer in holds no place for ever; the longest simulation of a policy takes less than this.
    connectionTimeout: 180_000,
    http: { headersTimeout: 5000, maxHeaderSize: 16 * 1024, connectionsCheckingInterval: 2000, requireHostHeader: false },
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 400 },
    clientErrorHandler: refuseUnreadable,
    // An address that can't be read is nobody's; Fastify's own answer would quote it.
    frameworkErrors: (_error, _request, reply) => answerWith(new Problem('not-found'), reply, context),
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  errorsAsProblems(app, context);
  admit(app, context);
  refuseExpectations(app.server, metrics.problem);
  await docsRoutes(app);
  await app.register(async (routes) => {
    checkInRoute(routes, context);
    enrollRoute(routes, context);
    healthRoutes(routes, context);
  });
  for (const extend of parts.extend ?? []) await app.register(async (routes) => extend(routes, context));

  return {
    app,
    context,
    async stop() {
      admission.close();
      const patience = setTimeout(() => app.server.closeAllConnections(), PATIENCE_MS);
      await app.close();
      clearTimeout(patience);
    },
  };
}

/** What the one who starts the process gives comes before what the settings say, which may change while it runs. */
function limitsOf(settings: SettingsReader, given: Partial<Limits>): Limits {
  return {
    get address() {
      const rate = settings.current().requestsPerAddress;
      return given.address ?? { rate, burst: rate * 5 };
    },
    get all() {
      const rate = settings.current().requestsPerSecond;
      return given.all ?? { rate, burst: rate * 2 };
    },
    underWay: given.underWay ?? LIMITS.underWay,
    device: given.device,
  };
}

/** Every request but those about the process itself is taken on, or refused before anything of its body is read. */
function admit(app: FastifyInstance, { admission, metrics, log }: Context): void {
  app.addHook('onRequest', async (request, reply) => {
    if (request.headers.host === undefined && request.raw.httpVersion !== '1.0') throw new Problem('not-http');
    if (!request.routeOptions.config.always) whenOver(request, reply, admission.enter(request.ip));
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    metrics.request(route, reply.statusCode, ms / 1000);
    if (!request.routeOptions.config.always) log.info('request', { method: request.method, route, status: reply.statusCode, ms });
  });
}

function errorsAsProblems(app: FastifyInstance, context: Context): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request.method);
    if (problem.status >= 500) context.log.error('request.failed', error, { route: request.routeOptions.url ?? 'none' });
    return answerWith(problem, reply, context);
  });
  app.setNotFoundHandler(() => {
    throw new Problem('not-found');
  });
}

function answerWith(problem: Problem, reply: FastifyReply, { now, metrics }: Pick<Context, 'now' | 'metrics'>) {
  metrics.problem(problem.code);
  if (problem.retryAfter !== undefined) reply.header('retry-after', problem.retryAfter);
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send(documentOf(problem, now()));
}

/** What a database says of a text or a number that it can't hold, as a NUL; what devices send is looked through before. */
const UNHELD = /^22(001|003|007|008|021|P02|P05)$/;
/** What a database says while it is starting, stopping, full or away. */
const AWAY = /^(08...|53...|57P0.|ECONN(REFUSED|RESET)|EPIPE|ETIMEDOUT|ENOENT|25006|40001|40P01|55P03|57014)$/;

function problemOf(error: unknown, method: string): Problem {
  if (error instanceof Problem) return error;
  const { code, statusCode, validation, message } = error as {
    code?: unknown;
    statusCode?: unknown;
    validation?: unknown;
    message?: unknown;
  };
  if (Array.isArray(validation)) return new Problem('not-understood', { detail: whereOf(validation) });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new Problem('wrong-type');
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new Problem('too-large');
  if (typeof code === 'string' && UNHELD.test(code)) return new Problem('not-understood');
  // Of what has no body, the address is at fault.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new Problem(method === 'GET' || method === 'HEAD' ? 'not-found' : 'not-json');
  const away =
    (typeof code === 'string' && AWAY.test(code)) ||
    /Connection terminated|is not queryable|timeout exceeded when trying to connect|Query read timeout/.test(String(message));
  return away ? new Problem('not-ready', { retryAfter: 5 + Math.ceil(Math.random() * 30) }) : new Problem('unexpected');
}

/** The fields that a schema refused, without their values. */
function whereOf(validation: readonly unknown[]): string {
  return validation
    .slice(0, 5)
    .map((issue) => {
      const { instancePath, message } = issue as { instancePath?: string; message?: string };
      return `${instancePath || '/'}: ${String(message ?? 'not as agreed').slice(0, 200)}`;
    })
    .join('; ')
    .slice(0, 500);
}
