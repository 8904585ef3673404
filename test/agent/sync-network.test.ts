/** The headless agent's network as companies have it: a proxy that wants a password, an authority of their own, and certificates that nobody should believe. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLog } from '../../collector/log.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import type { SyncStatus } from '../../electron/contract.ts';
import { needs } from '../capability.ts';
import { type Certificate, createCertificates } from './certificates.ts';
import { asked, muster, temporary, write } from './muster.ts';

const child = fileURLToPath(new URL('./network-child.ts', import.meta.url));

needs('openssl').describe('the headless agent', () => {
  const folder = temporary('sync-network');
  const closing: (http.Server | https.Server)[] = [];
  let authority: Certificate;
  const servers: Record<string, string> = {};
  let collector: Collector;
  let url = '';
  let proxy = '';
  /** What the proxy was asked for, and by whom. */
  let through: string[] = [];
  const PASSWORD = 'proxy-password-7Qx';

  const listen = async (server: http.Server | https.Server): Promise<number> => {
    closing.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };
  const tls = (certificate: Certificate, answer: http.RequestListener) =>
    listen(https.createServer({ key: readFileSync(certificate.key), cert: readFileSync(certificate.cert) }, answer));

  beforeAll(async () => {
    const certificates = createCertificates(folder);
    authority = certificates.authority('Acme Root');
    const other = certificates.authority('Nobody Root');
    const ok: http.RequestListener = (request, response) => request.resume().on('end', () => response.end('{}'));
    const cases: [string, Certificate][] = [
      ['good', certificates.server('good', { host: 'localhost', by: authority })],
      ['other-name', certificates.server('other-name', { host: 'collector.example', by: authority })],
      ['expired', certificates.server('expired', { host: 'localhost', by: authority, days: -1 })],
      ['self-signed', certificates.server('self-signed', { host: 'localhost' })],
      ['stranger', certificates.server('stranger', { host: 'localhost', by: other })],
    ];
    for (const [name, certificate] of cases) servers[name] = `https://localhost:${await tls(certificate, ok)}`;
    const [, moved] = cases[0] as [string, Certificate];
    servers['moved'] =
      `https://localhost:${await tls(moved, (_, response) => response.writeHead(307, { location: `${servers['good']}/` }).end())}`;

    // The collector, behind a certificate of the company's own.
    let inner = 0;
    const front = await tls(moved, (request, response) => {
      const onward = http.request({ port: inner, host: '127.0.0.1', path: request.url, method: request.method, headers: request.headers });
      onward.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.pipe(onward);
    });
    url = `https://localhost:${front}`;
    collector = await startCollector({ where: { folder: null }, log: createLog(() => {}), tenant: 'acme', port: 0, publicUrl: url });
    inner = Number(new URL(collector.url).port);

    const server = http.createServer((_, response) => response.writeHead(400).end());
    server.on('connect', (request, socket: net.Socket, head: Buffer) => {
      const given = request.headers['proxy-authorization'];
      through.push(`${request.url} ${given === undefined ? 'nobody' : Buffer.from(given.replace(/^Basic /, ''), 'base64').toString()}`);
      if (given !== `Basic ${Buffer.from(`ada:${PASSWORD}`).toString('base64')}`) {
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="acme"\r\n\r\n');
        return;
      }
      const onward = net.connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        onward.write(head);
        onward.pipe(socket).pipe(onward);
      });
      for (const [one, another] of [
        [onward, socket],
        [socket, onward],
      ] as const)
        one.on('error', () => another.destroy());
    });
    proxy = `http://ada:${PASSWORD}@127.0.0.1:${await listen(server)}`;
  }, 60_000);
  afterAll(async () => {
    for (const server of closing) {
      server.closeAllConnections();
      server.close();
    }
    await collector?.stop();
  });

  /** What comes of asking each of these, in a process with this environment alone. */
  async function ask(env: Record<string, string>, ...urls: string[]): Promise<unknown[]> {
    const asking = spawn(process.execPath, [child, ...urls], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    asking.stdout.on('data', (chunk) => (out += String(chunk)));
    asking.stderr.on('data', (chunk) => (err += String(chunk)));
    const code = await new Promise((resolve) => asking.on('close', resolve));
    expect([code, err]).toEqual([0, '']);
    return out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
  }
  const all = () => ['good', 'other-name', 'expired', 'self-signed', 'stranger', 'moved'].map((name) => servers[name] ?? '');

  it('believes an authority of the company’s that the system or NODE_EXTRA_CA_CERTS names, and no wrong, old or strange certificate', async () => {
    const wrong = ['ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', expect.stringMatching(/UNABLE_TO_/)];
    expect(await ask({ NODE_EXTRA_CA_CERTS: authority.cert }, ...all())).toEqual([200, ...wrong, 307]);
    // The system's own store, where Debian's tools and administrators put it.
    expect(await ask({ SSL_CERT_FILE: authority.cert }, ...all())).toEqual([200, ...wrong, 307]);
    expect(await ask({}, servers['good'] ?? '')).toEqual([expect.stringMatching(/UNABLE_TO_/)]);
  }, 60_000);

  it('goes through a proxy with the password in its variable, tells nobody of it, and past it where NO_PROXY says so', async () => {
    const trust = { NODE_EXTRA_CA_CERTS: authority.cert };
    const good = servers['good'] ?? '';
    const { host } = new URL(good);
    through = [];
    expect(await ask({ ...trust, HTTPS_PROXY: proxy }, good)).toEqual([200]);
    expect(await ask({ ...trust, https_proxy: proxy, NO_PROXY: 'localhost' }, good)).toEqual([200]);
    expect(through).toEqual([`${host} ada:${PASSWORD}`]);
    through = [];
    const [refused] = await ask({ ...trust, HTTPS_PROXY: proxy.replace(PASSWORD, 'another') }, good);
    expect(refused).not.toBe(200);
    expect(JSON.stringify(refused)).not.toMatch(/another|ada/);
    expect(through).toEqual([`${host} ada:another`]);
  }, 60_000);

  it('joins and checks in that way, from the command line', async () => {
    const home = temporary('sync-behind');
    const secret = write(path.join(home, 'secret'), collector.first?.enrolSecret ?? '');
    const env = { NODE_EXTRA_CA_CERTS: authority.cert, HTTPS_PROXY: proxy };
    through = [];
    expect(await muster(home, ['enroll', '--url', url, '--secret-file', secret], { env })).toMatchObject({ code: 0, err: '' });
    expect(await asked<SyncStatus>(home, ['sync'], { env })).toMatchObject({ state: 'ok', collector: url });
    expect(through.length).toBeGreaterThanOrEqual(2);
    const { code, out, err } = await muster(home, ['sync'], { env: { HTTPS_PROXY: proxy.replace(PASSWORD, 'another') } });
    expect([code, /another|ada:/.test(out + err)]).toEqual([3, false]);
  }, 120_000);
});
