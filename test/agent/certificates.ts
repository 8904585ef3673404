/** Certificates for a test, made by OpenSSL in a folder: a private authority and what it signs, and some that nobody should believe. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { write } from './muster.ts';

export type Certificate = { readonly key: string; readonly cert: string };

export function createCertificates(folder: string) {
  const run = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const at = (name: string) => path.join(folder, name);
  const config = write(
    at('openssl.cnf'),
    '[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n',
  );
  const key = (name: string) => {
    run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', at(`${name}.key`));
    return at(`${name}.key`);
  };
  const authority = (name: string): Certificate => {
    const made = { key: key(name), cert: at(`${name}.pem`) };
    run(
      'req',
      '-x509',
      '-new',
      '-config',
      config,
      '-extensions',
      'ca',
      '-key',
      made.key,
      '-subj',
      `/CN=${name}`,
      '-days',
      '30',
      '-out',
      made.cert,
    );
    return made;
  };
  return {
    authority,
    /** For `host`; `days` below one: it has ended already. Signed by itself without `by`. */
    server(name: string, options: { readonly host: string; readonly days?: number; readonly by?: Certificate }): Certificate {
      const made = { key: key(name), cert: at(`${name}.pem`) };
      const { host, days = 30, by } = options;
      const names = write(at(`${name}.ext`), `subjectAltName=${/^[\d.]+$/.test(host) ? 'IP' : 'DNS'}:${host}\n`);
      run('req', '-new', '-config', config, '-key', made.key, '-subj', `/CN=${host}`, '-out', at(`${name}.csr`));
      const signed = by ? ['-CA', by.cert, '-CAkey', by.key, '-CAcreateserial'] : ['-signkey', made.key];
      run('x509', '-req', '-in', at(`${name}.csr`), ...signed, '-extfile', names, '-days', String(days), '-out', made.cert);
      return made;
    },
  };
}
