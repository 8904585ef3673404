/** `npm run collector`: starts the collector, prints once what its first start made, and ends in order when asked to. */
import { mkdirSync } from 'node:fs';
import { isIP } from 'node:net';
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

/** The exit code; 2 usage, 3 it can't listen, 4 the folder or the database can't be used, 70 a bug. */
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
  const url = process.env['DATABASE_URL'];
  // With a database and a signer elsewhere nothing is in the folder.
  const release = url && options.signer !== undefined ? () => {} : makeFolder(folder);
  try {
    // Loaded only now: a wrong word on the command line is answered at once.
    const { serve } = await import('./serve.ts');
    await serve(options, { url, folder });
  } finally {
    release();
  }
  return 0;
}

/** Made for this account alone; the mode of one that was there is its owner's choice, for other things may be in it. */
function makeFolder(folder: string): () => void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return takeFolder(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || code === 'FOLDER_IN_USE') throw error;
    throw Object.assign(
      new Error(`The folder ${folder} can’t be used (${code}); give it to this account, or name another one with --data.`, {
        cause: error,
      }),
      { code: 'FOLDER_NOT_USABLE' },
    );
  }
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
    if (values.data === '') return '--data names no folder.';
    const proxies = values['trust-proxy']?.split(',').map((each) => each.trim());
    const strange = proxies?.find((each) => !isNetwork(each));
    if (strange !== undefined) return `--trust-proxy ${strange} is no address of a proxy; give it as 10.0.0.7 or 10.0.0.0/8.`;
    const { data, host, url, tenant, signer, 'trust-proxy': trustProxy } = values;
    return { data, host, url, tenant, signer, port, trustProxy };
  } catch (error) {
    return `${(error as Error).message.split('. ')[0]}.`;
  }
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  const length = bits === undefined ? 0 : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  return (
    ['loopback', 'linklocal', 'uniquelocal'].includes(text) || (version !== 0 && more.length === 0 && length <= (version === 4 ? 32 : 128))
  );
}

/** Why it could not listen or go on, for the codes that the system gives. */
const LISTENING: Readonly<Record<string, string>> = {
  EADDRINUSE: 'The port is in use; end the other program or give another one with --port.',
  EADDRNOTAVAIL: 'This computer doesn’t have the address of --host; give one of its own, or 0.0.0.0 for all.',
  ENOTFOUND: 'The name of --host is not known; give an address of this computer, or 0.0.0.0 for all.',
  EACCES: 'This account may not listen at that port; give one above 1023 with --port.',
};

try {
  process.exitCode = await main();
} catch (error) {
  const { code = '', syscall = '', message, stack } = error as NodeJS.ErrnoException;
  // By name, because what these are is loaded late.
  const kind = error instanceof Error ? error.constructor.name : '';
  const listening = ['listen', 'bind', 'getaddrinfo'].includes(syscall) ? LISTENING[code] : undefined;
  const [said, exit] = listening
    ? [listening, 3]
    : kind === 'SignInSettingsError'
      ? [message, 2]
      : ['CollectorDatabaseError', 'SignerError'].includes(kind) || code.startsWith('FOLDER_')
        ? [message, 4]
        : [`A bug in the collector (${(error as Error).name}); report this line.\n${stack}`, 70];
  process.stderr.write(`${said}\n`);
  process.exitCode = exit;
}
