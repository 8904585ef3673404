/**
 * Containers: a real server on a real local socket that answers as Docker's API reference says, and everything that it could answer instead.
 * Docker and Podman themselves are not here.
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createContainerObserver, parseContainers, splitImage } from '../../agent/observe/containers.ts';
import type { Os } from '../../agent/observe/os.ts';
import { fakeOs } from '../fakes.ts';

const uid = process.getuid?.() ?? null;
const token = 'sk-planted-secret-4711';
let root: string;
let servers: net.Server[];
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-engine-'));
  servers = [];
});
afterEach(() => {
  for (const server of servers) {
    server.close();
    if (server instanceof http.Server) server.closeAllConnections();
  }
  rmSync(root, { recursive: true, force: true });
});

const listing = [
  {
    ...{
      Id: 'f00d',
      Names: ['/models'],
      Image: 'ollama/ollama:0.12.3',
      ImageID: 'sha256:1',
      Command: `serve --key ${token}`,
      State: 'running',
    },
    ...{ Labels: { secret: token }, Ports: [{ PrivatePort: 11434 }], Mounts: [{ Source: `/home/ada/${token}` }], Status: 'Up 2 hours' },
  },
  { Id: 'beef', Names: ['/ui'], Image: 'ghcr.io/open-webui/open-webui:main@sha256:00', State: 'exited' },
  { Id: 'cafe', Names: null, Image: 'sha256:0123456789ab', State: 'running' },
  { Id: 'dead', Names: ['/reg'], Image: 'registry.example:5000/Team/Tool', State: 'paused' },
];
const seen = [
  { kind: 'container', engine: 'docker', image: 'ollama/ollama', tag: '0.12.3', name: 'models', running: true, home: null },
  { kind: 'container', engine: 'docker', image: 'ghcr.io/open-webui/open-webui', tag: 'main', name: 'ui', running: false, home: null },
  { kind: 'container', engine: 'docker', image: 'registry.example:5000/team/tool', tag: null, name: 'reg', running: false, home: null },
];

async function listen<S extends net.Server>(server: S, at: string): Promise<S> {
  const file = path.join(root, at);
  mkdirSync(path.dirname(file), { recursive: true });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(file, resolve));
  servers.push(server);
  return server;
}
/** An engine at `at` that does this with every question; it keeps what it was asked. */
async function engine(at: string, answer: http.RequestListener): Promise<string[]> {
  const asked: string[] = [];
  await listen(
    http.createServer((question, response) => {
      asked.push(`${question.method} ${question.url}`);
      answer(question, response);
    }),
    at,
  );
  return asked;
}
const says =
  (body: unknown, headers: Record<string, string> = {}): http.RequestListener =>
  (_, response) =>
    void response.writeHead(200, headers).end(typeof body === 'string' ? body : JSON.stringify(body));

const DOCKER = 'var/run/docker.sock';
const look = (os: Partial<Pick<Os, 'env' | 'platform' | 'user'>> = {}, options: { timeoutMs?: number } = {}) =>
  createContainerObserver(fakeOs({ root, user: { name: 'ada', uid, home: path.join(root, 'home') }, ...os }), options).look();

test('no engine: nothing, and said so', async () => {
  expect(await look()).toEqual({ observations: [], unavailable: 'No container engine is here, or it isn’t running.', none: true });
  mkdirSync(path.join(root, DOCKER), { recursive: true });
  expect(await look()).toMatchObject({ unavailable: 'No container engine is here, or it isn’t running.' });
});

test('image, tag, name and state of each container by one question that changes nothing, and nothing else of the answer', async () => {
  const asked = await engine(DOCKER, says(listing, { server: 'Docker/28.0' }));
  const answer = await look();
  expect(answer).toEqual({ observations: seen, unavailable: null });
  expect(asked).toEqual(['GET /containers/json?all=1']);
  expect(JSON.stringify(answer)).not.toContain(token);
});

test('every local socket is asked once: rootless ones, Docker Desktop’s, Podman’s, and the one that DOCKER_HOST names', async () => {
  const one = (Image: string) => says([{ Image, Names: ['/c'], State: 'running' }]);
  const docker = await engine(DOCKER, one('a/system'));
  await engine('home/.docker/run/docker.sock', one('a/desktop'));
  await engine('run1/docker.sock', one('a/rootless'));
  await engine('run1/podman/podman.sock', one('docker.io/library/podman-rootless:1'));
  await engine('run/podman/podman.sock', one('a/podman-root'));
  await engine('named.sock', one('a/named'));
  mkdirSync(path.join(root, 'home/.rd'));
  symlinkSync(path.join(root, DOCKER), path.join(root, 'home/.rd/docker.sock'));
  const env = { XDG_RUNTIME_DIR: path.join(root, 'run1'), DOCKER_HOST: `unix://${path.join(root, 'named.sock')}` };
  const { observations } = await look({ env });
  expect(observations.map(({ engine, image }) => `${engine} ${image}`).sort()).toEqual([
    'docker a/desktop',
    'docker a/named',
    'docker a/rootless',
    'docker a/system',
    'podman a/podman-root',
    'podman podman-rootless',
  ]);
  expect(docker).toHaveLength(1);
});

test('Podman behind Docker’s socket is Podman', async () => {
  await engine(DOCKER, says(listing.slice(0, 1), { server: 'Libpod/5.4.2 (linux)' }));
  expect((await look()).observations).toMatchObject([{ engine: 'podman', image: 'ollama/ollama' }]);
});

test('an engine elsewhere is never asked', async () => {
  let connections = 0;
  const server = net.createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  const { port } = server.address() as net.AddressInfo;
  for (const host of [
    `tcp://127.0.0.1:${port}`,
    `http://127.0.0.1:${port}`,
    `ssh://127.0.0.1:${port}`,
    `127.0.0.1:${port}`,
    'unix://relative',
    'unix:///\0',
  ]) {
    expect(await look({ env: { DOCKER_HOST: host } })).toMatchObject({
      observations: [],
      unavailable: expect.stringMatching(/^No container engine/),
    });
  }
  await engine(DOCKER, (_, response) => void response.writeHead(302, { location: `http://127.0.0.1:${port}/containers/json` }).end());
  expect((await look()).unavailable).toBe('Docker gave no list of its containers (it answered 302).');
  expect(connections).toBe(0);
});

test.each<[string, http.RequestListener, RegExp]>([
  ['an error', (_, response) => void response.writeHead(500).end(token), /it answered 500/],
  ['no JSON', says(`<html>${token}`), /no sense in the answer/],
  ['no list', says({ message: token }), /no sense in the answer/],
  [
    'half an answer',
    (_, response) => void response.writeHead(200, { 'content-length': '100' }).end('[', () => response.destroy()),
    /ECONNRESET/,
  ],
  ['nothing at all', (question) => void question.socket.destroy(), /ECONNRESET/],
  [
    'headers without end',
    (_, response) => void response.writeHead(200, { 'x-long': 'a'.repeat(100_000) }).end('[]'),
    /HPE_HEADER_OVERFLOW/,
  ],
  ['a list without end', (_, response) => drip(response, Buffer.alloc(256 * 1024, ' ')), /more than 4 MiB/],
])('%s is said, and not repeated', async (_name, answer, why) => {
  await engine(DOCKER, answer);
  const got = await look();
  expect(got).toMatchObject({ observations: [], unavailable: expect.stringMatching(why) });
  expect(got.unavailable).not.toContain(token);
});

/** Writes this again and again for as long as it is taken. */
function drip(response: http.ServerResponse, part: Buffer): void {
  response.writeHead(200);
  const more = () => {
    while (!response.destroyed && response.write(part));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}

test('an engine that never answers, or never ends, is left after the time', async () => {
  await engine(DOCKER, () => {});
  expect((await look({}, { timeoutMs: 100 })).unavailable).toBe('Docker gave no list of its containers (nothing within 0.1 s).');
  await engine('home/.docker/run/docker.sock', (_, response) => void response.writeHead(200).write('['));
  expect((await look({}, { timeoutMs: 100 })).unavailable).toBe('Docker gave no list of its containers (nothing within 0.1 s).');
  await listen(
    net.createServer((socket) => socket.on('error', () => {}).write('no http at all\r\n\r\n')),
    'home/.rd/docker.sock',
  );
  expect((await look({}, { timeoutMs: 100 })).unavailable).toContain('HPE_INVALID');
});

test('one engine that fails doesn’t hide the other', async () => {
  await engine(DOCKER, says('broken'));
  await engine('run/podman/podman.sock', says(listing.slice(0, 1)));
  expect(await look()).toMatchObject({ observations: [{ engine: 'podman' }], unavailable: null });
});

test('a socket that nobody serves any more', async () => {
  // Node removes its socket when it closes, so that one that was moved away stays.
  const server = await listen(net.createServer(), 'gone.sock');
  mkdirSync(path.dirname(path.join(root, DOCKER)), { recursive: true });
  symlinkSync(path.join(root, 'stale.sock'), path.join(root, DOCKER));
  renameSync(path.join(root, 'gone.sock'), path.join(root, 'stale.sock'));
  await new Promise((resolve) => server.close(resolve));
  expect((await look()).unavailable).toBe('Docker is here and isn’t running.');
});

test('an engine that only its socket’s activation would start is left asleep', async () => {
  const asked = await engine(DOCKER, says(listing));
  const units = path.join(root, 'run/systemd/units');
  mkdirSync(units, { recursive: true });
  symlinkSync('0123456789abcdef', path.join(units, 'invocation:docker.socket'));
  expect((await look()).unavailable).toBe('Docker is here and isn’t running.');
  expect(asked).toEqual([]);
  writeFileSync(path.join(root, 'run/docker.pid'), '1');
  expect((await look()).observations).toHaveLength(3);
});

test('a socket that is not for this account is said to be there', async () => {
  const asked = await engine(DOCKER, says(listing));
  chmodSync(path.join(root, DOCKER), 0o600);
  const observer = createContainerObserver(fakeOs({ root, user: { name: 'ada', uid, home: null } }));
  const answer = await asNobody(() => observer.look());
  expect(answer).toEqual({
    observations: [],
    unavailable: 'Docker is here, but your account may not ask it; which containers there are isn’t known.',
    none: false,
  });
  expect(asked).toEqual([]);
});

/** Root may ask every socket, so that it becomes somebody else for the moment. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (uid !== 0) {
    chmodSync(path.join(root, DOCKER), 0);
    return work();
  }
  chmodSync(root, 0o755);
  chownSync(path.join(root, DOCKER), 0, 0);
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

test('names of images', () => {
  expect(splitImage('docker.io/library/redis:7')).toEqual({ image: 'redis', tag: '7' });
  expect(splitImage('index.docker.io/ollama/ollama')).toEqual({ image: 'ollama/ollama', tag: null });
  expect(splitImage('localhost:5000/x/y:z')).toEqual({ image: 'localhost:5000/x/y', tag: 'z' });
  expect(splitImage('localhost/mine:latest')).toEqual({ image: 'localhost/mine', tag: 'latest' });
  for (const none of ['', 'sha256:abc', '0123456789ab', '<none>:<none>', 'a b', `x\n${token}`, 'a'.repeat(600)])
    expect(splitImage(none)).toBeNull();
});

test('any JSON is a list of observations or refused, and holds nothing but names', () => {
  const entry = fc.record(
    {
      Image: fc.oneof(fc.string(), fc.constant('ollama/ollama'), fc.anything()),
      Names: fc.oneof(fc.array(fc.string()), fc.anything()),
      State: fc.anything(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.array(entry), fc.anything()), (value) => {
      const text = JSON.stringify(value) ?? 'null';
      let list: ReturnType<typeof parseContainers>;
      try {
        list = parseContainers(text, 'docker');
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return;
      }
      for (const { image, name, tag } of list) {
        expect(image).toMatch(/^[a-z0-9][a-z0-9._/:-]*$/);
        expect(`${name}${tag}`).not.toMatch(/\p{Cc}/u);
      }
    }),
  );
});
