/** A collector with its signer and an owner's token, for tests of the admin API: the real processes, the embedded database, TCP. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type DocumentKind, readPayload } from '../../agent/policy/documents.ts';
import { headOf, type Item, itemHash } from '../../agent/wire.ts';
import { createLog } from '../../collector/log.ts';
import { adminRoutes } from '../../collector/routes/admin/routes.ts';
import { startSigner } from '../../collector/signer/start.ts';
import { type StartParts, startCollector } from '../../collector/start.ts';
import { inMemory } from './embedded.ts';
import { type SimulatedDevice, simulatedDevice, tool } from './simulated-device.ts';

export type Answered = {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each test says by its expectations what it must be
  readonly json: any;
  readonly text: string;
  readonly etag: string | null;
  readonly headers: Headers;
};
export type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answered>;

export async function startAdministration(more: Partial<StartParts> = {}) {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'muster-admin-test-'));
  const started = await startSigner(path.join(dir, 'signer'), 'acme');
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line));
  const parts = { where: more.where ?? (await inMemory()), log, tenant: 'acme', port: 0, signer: started.signer, extend: [adminRoutes] };
  const collector = await startCollector({ ...parts, ...more });
  const owner = collector.first?.ownerToken ?? '';

  const as =
    (token: string | null): Call =>
    async (method, where, body, headers = {}) => {
      const response = await fetch(`${collector.url}/api/v1${where}`, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const json: unknown = text !== '' && /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : null;
      return { status: response.status, json, text, etag: response.headers.get('etag'), headers: response.headers };
    };
  const ask = as(owner);

  return {
    collector,
    signer: started,
    dir,
    owner,
    secret: collector.first?.enrolSecret ?? '',
    lines,
    as,
    ask,
    /** A token of the role, tied to the person. */
    async token(role: string, person?: string, scopes?: readonly string[]): Promise<Call> {
      const made = await ask('POST', '/tokens', { label: role, role, ...(person ? { person } : {}), ...(scopes ? { scopes } : {}) });
      if (made.status !== 201) throw new Error(made.text);
      return as(made.json.token);
    },
    async enrolled(more: Record<string, unknown> = {}, items: readonly Item[] = [tool('ollama')]): Promise<SimulatedDevice> {
      const device = simulatedDevice(collector.url);
      const answer = await device.enroll(collector.first?.enrolSecret ?? '', more);
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.json));
      await device.full(items);
      return device;
    },
    async stop() {
      await collector.stop();
      await started.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
export type Administration = Awaited<ReturnType<typeof startAdministration>>;

const requestOf = (more: Record<string, unknown> = {}) => ({
  id: randomUUID(),
  item: 'ollama',
  itemName: 'Ollama',
  identity: null,
  tier: null,
  dataClass: null,
  until: null,
  reason: 'For the pilot.',
  state: 'open' as const,
  createdAt: '2026-11-20T10:00:00.000Z',
  updatedAt: '2026-11-20T10:00:00.000Z',
  added: null,
  ...more,
});

/** The head of what the device sent last. */
export const headOfItems = (items: readonly Item[]) => headOf(items.map(itemHash));

/** Asks from the device, and answers with the request as the API shows it. */
export async function asks(device: SimulatedDevice, items: readonly Item[], more: Record<string, unknown> = {}) {
  const request = requestOf(more);
  const head = headOfItems(items);
  const answer = await device.checkIn({ base: head, head, requests: [request] });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.json));
  return request;
}

export function payloadOf<Kind extends DocumentKind>(kind: Kind, jws: string) {
  const read = readPayload(kind, Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'));
  if (!read.ok) throw new Error(read.issue);
  return read.document;
}

export function server(name: string, more: Record<string, unknown> = {}): Item {
  return {
    kind: 'mcp',
    id: `id-${name}`,
    client: 'claude-code',
    name,
    scope: 'user',
    project: null,
    configPath: '~/.claude.json',
    enabled: true,
    present: true,
    transport: 'stdio',
    command: 'npx',
    args: ['-y', `@acme/${name}`],
    url: null,
    identity: { kind: 'npm', name: `@acme/${name}`, version: null, launchHash: `sha256:${name}` },
    publisher: '@acme',
    pinned: false,
    autoApproved: [],
    uncertain: false,
    secretNames: [],
    risk: { score: 34, level: 'medium', findings: [{ id: 'unpinned-package', severity: 'medium' }] },
    approved: null,
    firstSeen: '2026-11-01T00:00:00.000Z',
    ...more,
  } as Item;
}
