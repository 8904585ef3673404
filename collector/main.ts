/** `npm run collector`: starts the collector, prints once what its first start made, and ends in order when asked to. */
import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { takeFolder } from './folder-lock.ts';
import type { Options } from './serve.ts';

const USAGE = `collector [--port P] [--data DIR] [--host ADDRESS] [--url URL] [--tenant NAME] [--signer SOCKET] [--trust-proxy ADDRESSES]
  --port         where to listen (default 8787; 0: any that is free)
  --data         folder for the embedded database and the signer's keys (default ./muster-collector)
  --host         address to listen at (default 127.0.0.1; anything else needs TLS in front)
  --url          the address that agents use, where it is another one, as https://collector.acme.example
  --tenant       the organization's name, at the first start (default: default)
  --signer       the socket of a signer that runs under its own account; without it one is started here
  --trust-proxy  proxies whose X-Forwarded-For is believed, as 10.0.0.0/8
DATABASE_URL names a PostgreSQL to use instead of the embedded database.
MUSTER_RATE_ADDRESS and MUSTER_RATE are requests a second, of one address and in all.
MUSTER_OIDC_ISSUER, MUSTER_OIDC_CLIENT_ID, MUSTER_OIDC_CLIENT_SECRET_FILE and MUSTER_OIDC_ROLES, or a file of all that, MUSTER_OIDC_FILE, let
administrators sign in with the organization's accounts; see collector/admin/README.md.
`;

/** The exit code; 2 usage, 4 the database can't be used, 70 a bug. */
async function main(): Promise<number> {
  const options = read(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n${USAGE}`);
    return 2;
  }
  const folder = path.resolve(options.data);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const url = process.env['DATABASE_URL'];
  const release = url ? () => {} : takeFolder(folder);
  try {
    // Loaded only now: a wrong word on the command line is answered at once.
    const { serve } = await import('./serve.ts');
    await serve(options, { url, folder });
  } finally {
    release();
  }
  return 0;
}

function read(args: string[]): Options | string {
  try {
    const { values } = parseArgs({
      args,
      options: {
        port: { type: 'string', default: '8787' },
        data: { type: 'string', default: 'muster-collector' },
        host: { type: 'string', default: '127.0.0.1' },
        url: { type: 'string' },
        tenant: { type: 'string', default: 'default' },
        signer: { type: 'string' },
        'trust-proxy': { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) return 'help';
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) return `--port ${values.port} is no port; give a number from 0 to 65535.`;
    if (values.url !== undefined && !/^https?:\/\/[^/\s?#]+(\/[^\s?#]*)?$/.test(values.url))
      return `--url ${values.url} is no address; give it as https://collector.acme.example.`;
    const { data, host, url, tenant, signer, 'trust-proxy': trustProxy } = values;
    return { data, host, url, tenant, signer, port, trustProxy };
  } catch (error) {
    return `${(error as Error).message.split('. ')[0]}.`;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const { code } = error as NodeJS.ErrnoException;
  // By name, because what these are is loaded late.
  const kind = error instanceof Error ? error.constructor.name : '';
  const known = ['CollectorDatabaseError', 'SignerError', 'SignInSettingsError'].includes(kind);
  if (known) process.stderr.write(`${(error as Error).message}\n`);
  else if (code === 'EADDRINUSE') process.stderr.write('The port is in use; end the other program or give another one with --port.\n');
  else if (code === 'FOLDER_IN_USE') process.stderr.write(`${(error as Error).message}\n`);
  else process.stderr.write(`A bug in the collector (${(error as Error).name}); report this line.\n${(error as Error).stack}\n`);
  process.exitCode = kind === 'SignInSettingsError' ? 2 : known || code === 'FOLDER_IN_USE' ? 4 : code === 'EADDRINUSE' ? 3 : 70;
}
