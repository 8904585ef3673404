/** The whole loop on one desktop: the real application joins a real collector through Chromium's network, asks, is decided about, and shows it. */
import { execFile } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLog } from '../../collector/log.ts';
import { adminRoutes } from '../../collector/routes/admin/routes.ts';
import { type StartedSigner, startSigner } from '../../collector/signer/start.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import type { SentPayload, SyncStatus } from '../../electron/contract.ts';
import { temporary, write } from '../agent/muster.ts';
import { needs } from '../capability.ts';
import {
  APPLICATION_NEEDS,
  type Application,
  bundleApplication,
  installPackage,
  root,
  snapshotIn,
  startApplication,
} from './application.ts';
import { type Desktop, startDesktop } from './desktop.ts';
import { quit, until } from './person.ts';

needs(...APPLICATION_NEEDS).describe('the application and its collector', () => {
  let desktop: Desktop;
  let app: Application;
  let page: Page;
  let signer: StartedSigner;
  let collector: Collector;
  /** What stands between them and hears who speaks. */
  let wire: net.Server;
  const sockets = new Set<net.Socket>();
  let url = '';
  let heard = '';

  beforeAll(async () => {
    await bundleApplication();
    desktop = await startDesktop();
    installPackage(desktop, '@charmland/crush', { bin: 'crush', version: '0.96.1' });
    const folder = temporary('check-in');
    signer = await startSigner(path.join(folder, 'signer'), 'acme');
    let port = 0;
    wire = net.createServer((socket) => {
      sockets.add(socket);
      const onward = net.connect(port, '127.0.0.1');
      socket.on('data', (chunk) => {
        heard += chunk.toString('latin1');
      });
      for (const [one, other] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        one.pipe(other);
        one.on('error', () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(wire.address() as net.AddressInfo).port}`;
    collector = await startCollector({
      ...{ where: { folder: null }, log: createLog(() => {}), signer: signer.signer, tenant: 'acme', port: 0, publicUrl: url },
      extend: [adminRoutes],
    });
    port = Number(new URL(collector.url).port);
    const secret = write(path.join(folder, 'secret'), collector.first?.enrolSecret ?? '');
    const cli = [path.join(root, 'agent/cli.ts'), 'enroll', '--url', url, '--secret-file', secret];
    await promisify(execFile)(process.execPath, cli, { env: { ...desktop.env }, cwd: desktop.home });
    heard = '';
    app = await startApplication(desktop);
    page = await app.page();
  });
  afterAll(async () => {
    await desktop?.close();
    await collector?.stop();
    await signer?.stop();
    wire?.close();
  });

  const admin = (path: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}) =>
    fetch(`${collector.url}/api/v1${path}`, {
      ...options,
      headers: {
        authorization: `Bearer ${collector.first?.ownerToken}`,
        ...(options.body ? { 'content-type': 'application/json' } : {}),
        ...options.headers,
      },
    });

  it('reaches it by Chromium, shows a request’s answer within one poll, and keeps what left for the employee', async () => {
    await until(async () => expect((await snapshotIn(page)).look.at).not.toBeNull());
    const synced = await page.evaluate<SyncStatus>('window.agent.syncNow()');
    expect(synced).toMatchObject({ state: 'ok', collector: url });
    expect(heard).toMatch(/^POST \/v1\/check-in /m);
    expect(heard).toMatch(/^user-agent: .*(Electron|Chrome)\//im);
    expect(heard).not.toMatch(/^cookie:/im);

    const asked = await page.evaluate<{ id: string }>("window.agent.request({ item: 'crush', reason: 'For the pilot.' })");
    const found = await until(async () => {
      const answer = await admin(`/requests/${asked.id}`);
      expect(answer.status).toBe(200);
      return answer;
    });
    const etag = found.headers.get('etag') ?? '';
    const decidedAt = Date.now();
    const decision = JSON.stringify({ answer: 'approve', reason: 'Fine for the pilot.', until: '2027-06-30' });
    const decided = await admin(`/requests/${asked.id}/decision`, { method: 'POST', headers: { 'if-match': etag }, body: decision });
    expect(decided.status, await decided.clone().text()).toBe(200);
    const { requests, tools: known } = await until(async () => {
      const state = await snapshotIn(page);
      expect(state.requests[0]?.state).toBe('approved');
      return state;
    }, 60_000);
    console.log(`A decision was in the window ${((Date.now() - decidedAt) / 1000).toFixed(1)} s after it was made.`);
    // Every 30 seconds, a tenth more or less, and the time that it takes.
    expect(Date.now() - decidedAt).toBeLessThan(45_000);
    expect(requests[0]?.answer).toBe('Fine for the pilot.');
    // Authority comes with the signed grant, not with what is displayed.
    expect(known.find(({ id }) => id === 'crush')?.verdict).toMatchObject({
      status: 'approved',
      reason: 'You may use it until 30 June 2027.',
    });

    // A look that just ended may have sent one more, whose answer is under way.
    const sent = await until(async () => {
      const kept = await page.evaluate<SentPayload[]>('window.agent.sentPayloads()');
      expect(kept.map(({ answered }) => answered).filter((answer) => answer !== 'acknowledged')).toEqual([]);
      return kept;
    });
    expect(sent.length).toBeGreaterThan(1);
    expect(JSON.parse(sent.at(-1)?.body ?? '').snapshot.items.map(({ tool }: { tool: string }) => tool)).toContain('crush');
  });

  it('takes the proxy that Chromium is told of, for its check-ins alone', async () => {
    const through: string[] = [];
    const proxy = http.createServer((request, response) => {
      through.push(`${request.method} ${request.url}`);
      response.writeHead(502).end();
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const proxyRules = `127.0.0.1:${(proxy.address() as net.AddressInfo).port}`;
    // A proxy of the system is passed over for this computer's own addresses, so this one is named.
    const use = (rules: string) =>
      app.electron.evaluate(
        ({ session }, told) =>
          session
            .fromPartition('collector')
            .setProxy(told === '' ? { mode: 'system' } : { proxyRules: told, proxyBypassRules: '<-loopback>' }),
        rules,
      );
    await use(proxyRules);
    await expect(page.evaluate('window.agent.syncNow()')).rejects.toThrow();
    expect(through).toEqual([`POST ${url}/v1/check-in`]);
    await use('');
    expect(await page.evaluate<SyncStatus>('window.agent.syncNow()')).toMatchObject({ state: 'ok' });
    proxy.closeAllConnections();
    proxy.close();
  });

  it('asks the company’s script for its proxy; one that wants a password costs a line of status and asks nobody', async () => {
    const through: string[] = [];
    const proxy = http.createServer((request, response) => {
      through.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="acme"' }).end();
    });
    const scripts: string[] = [];
    const script = http.createServer((request, response) => {
      scripts.push(request.url ?? '');
      response.writeHead(200, { 'content-type': 'application/x-ns-proxy-autoconfig' });
      response.end(
        "function FindProxyForURL(url, host) { return host === 'collector.acme.example' ? 'PROXY proxy.acme.example:3128' : 'DIRECT'; }",
      );
    });
    for (const server of [proxy, script]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const [pac, rules] = [script, proxy].map((server) => `127.0.0.1:${(server.address() as net.AddressInfo).port}`);
    // Chromium passes over every proxy for this computer's own addresses, also a script's: so it is asked which one it would take.
    const proxies = await app.electron.evaluate(
      async ({ session }, [from, here]) => {
        const own = session.fromPartition('collector');
        await own.setProxy({ mode: 'pac_script', pacScript: `http://${from}/proxy.pac` });
        return Promise.all(
          ['https://collector.acme.example/v1/check-in', 'https://elsewhere.example/', here ?? ''].map((at) => own.resolveProxy(at)),
        );
      },
      [pac, url],
    );
    expect([proxies, scripts]).toEqual([['PROXY proxy.acme.example:3128', 'DIRECT', 'DIRECT'], ['/proxy.pac']]);
    expect(await page.evaluate<SyncStatus>('window.agent.syncNow()')).toMatchObject({ state: 'ok' });

    await app.electron.evaluate(
      ({ session }, proxyRules) =>
        session.fromPartition('collector').setProxy({ proxyRules: proxyRules ?? '', proxyBypassRules: '<-loopback>' }),
      rules,
    );
    const windows = app.electron.windows().length;
    const refused = await page.evaluate<{ message: string }>('window.agent.syncNow().catch((error) => ({ message: error.message }))');
    expect(refused.message).toBe('The proxy on the way to the collector wants a password that Muster doesn’t have.');
    expect((await snapshotIn(page)).sync).toMatchObject({ state: 'unreachable', detail: refused.message });
    // No password was tried, and no window came.
    expect([through, app.electron.windows().length]).toEqual([[`POST ${url}/v1/check-in`], windows]);
    await app.electron.evaluate(({ session }) => session.fromPartition('collector').setProxy({ mode: 'system' }));
    expect(await page.evaluate<SyncStatus>('window.agent.syncNow()')).toMatchObject({ state: 'ok' });
    for (const server of [proxy, script]) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('changes nothing here but a line of status when it can’t be reached', async () => {
    wire.close();
    for (const socket of sockets) socket.destroy();
    const before = await snapshotIn(page);
    const refused = await page.evaluate<{ code: string; message: string }>(
      'window.agent.syncNow().catch((error) => ({ code: error.code, message: error.message }))',
    );
    expect(refused).toMatchObject({ code: 'collector', message: expect.stringContaining('net::ERR_CONNECTION_REFUSED') });
    const after = await snapshotIn(page);
    expect(after.sync).toMatchObject({ state: 'unreachable' });
    // One that was under way may have come to its end.
    expect(Date.parse(after.sync?.lastAt ?? '')).toBeGreaterThanOrEqual(Date.parse(before.sync?.lastAt ?? ''));
    expect([after.requests, after.problems, after.tools.map(({ verdict }) => verdict)]).toEqual([
      before.requests,
      before.problems,
      before.tools.map(({ verdict }) => verdict),
    ]);
    await quit(desktop, app);
  });
});
