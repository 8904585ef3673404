/** Serves until a signal asks to end: the signer, unless one runs already, and the collector with everything it answers. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import path from 'node:path';
import { createLog, writeTogether } from './log.ts';
import { adminRoutes } from './routes/admin/routes.ts';
import { readSignIn, type SignInSettings } from './sign-in/settings.ts';
import { signerAt } from './signer/client.ts';
import { startSigner } from './signer/start.ts';
import { startCollector } from './start.ts';

export type Options = {
  readonly data: string;
  readonly host: string;
  readonly port: number;
  readonly url: string | undefined;
  readonly tenant: string;
  readonly signer: string | undefined;
  readonly trustProxy: string | undefined;
};

/** `url` of a PostgreSQL, or else the embedded database in `folder`. */
export async function serve(options: Options, { url, folder }: { url: string | undefined; folder: string }): Promise<void> {
  const signIn = readSignIn(process.env);
  await tryPort(options);
  const own = options.signer === undefined ? await startSigner(path.join(folder, 'signer'), options.tenant) : null;
  try {
    await run(options, { url, folder: path.join(folder, 'database') }, own?.signer ?? signerAt(options.signer ?? ''), signIn);
  } finally {
    await own?.stop();
  }
}

/** A port that is somebody else's is said at once, and not after a database was opened. Rejects with what the system says. */
async function tryPort({ port, host }: Pick<Options, 'port' | 'host'>): Promise<void> {
  const probe = createServer().listen(port, host);
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}

async function run(
  options: Options,
  where: { url: string | undefined; folder: string },
  signer: ReturnType<typeof signerAt>,
  signIn: SignInSettings | null,
): Promise<void> {
  const log = createLog(writeTogether((text) => process.stderr.write(text)));
  const rate = Number(process.env['MUSTER_RATE']);
  const perAddress = Number(process.env['MUSTER_RATE_ADDRESS']);
  const collector = await startCollector({
    where,
    log,
    signer,
    tenant: options.tenant,
    host: options.host,
    port: options.port,
    publicUrl: options.url,
    limits: {
      ...(rate > 0 ? { all: { rate, burst: rate * 2 } } : {}),
      ...(perAddress > 0 ? { address: { rate: perAddress, burst: perAddress * 5 } } : {}),
    },
    ...(options.trustProxy === undefined ? {} : { trustProxy: options.trustProxy }),
    extend: [(app, context) => adminRoutes(app, context, { signIn })],
  });
  process.stdout.write(`The collector listens at ${collector.url} (API: ${collector.url}/docs)\n`);
  if (signIn) process.stdout.write(`Administrators sign in at ${options.url?.replace(/\/+$/, '') ?? collector.url}/api/v1/sign-in\n`);
  if (collector.first) {
    process.stdout.write(
      `Shown once; keep both:\n  owner token:      ${collector.first.ownerToken}\n  enrolment secret: ${collector.first.enrolSecret}\n`,
    );
  }
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await collector.stop();
}
