/** A device for tests of the check-in: the agent's own exchange over a real database, with an inventory that a test writes. */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { readMigrations } from '../../agent/assets.ts';
import { createPolicySource } from '../../agent/policy/policy-source.ts';
import { createProblems } from '../../agent/problems.ts';
import { type Decision, uuidv7 } from '../../agent/requests.ts';
import type { Settings } from '../../agent/settings.ts';
import { openStore, type Store } from '../../agent/store/store.ts';
import { directPost } from '../../agent/sync/direct-post.ts';
import { toItems } from '../../agent/sync/items.ts';
import { createKnownWords } from '../../agent/sync/known-words.ts';
import { createNames, type Names, type NamesParts } from '../../agent/sync/names.ts';
import type { Post } from '../../agent/sync/post.ts';
import { createSync, type SyncParts } from '../../agent/sync.ts';
import { createTelling } from '../../agent/telling.ts';
import { headOf } from '../../agent/wire.ts';
import type { ApprovalRequest, Tool } from '../../electron/contract.ts';
import type { Catalog } from '../../native-catalog/catalog.ts';
import { fakeOs } from '../fakes.ts';

const SEEN = '2026-11-01T08:00:00.000Z';

/** A tool as the agent knows it; only what leaves is filled in. */
export function toolOf(id: string, version: string, more: Partial<Tool> = {}): Tool {
  const place = {
    surface: 'cli',
    version,
    path: `~/bin/${id}`,
    home: '~',
    running: false,
    present: true,
    firstSeen: SEEN,
    lastSeen: SEEN,
  } as const;
  return {
    ...{ id, family: null, name: id, vendor: '', category: '', confidence: 'certain', present: true, running: false, firstSeen: SEEN },
    ...{ lastSeen: SEEN, surfaces: ['cli'], places: [place], evidence: [], accounts: [], tiers: [], note: null },
    verdict: { status: 'unreviewed', reason: '', rule: null, clause: null, dataClasses: [], conditions: null, until: null, mode: 'warn' },
    ...more,
  };
}

export function requestOf(item: string, at: Date): ApprovalRequest {
  const time = at.toISOString();
  return {
    ...{ id: uuidv7(at), item, itemName: item, tier: null, dataClass: null, until: null, reason: 'For work.', state: 'open' },
    ...{ createdAt: time, updatedAt: time, answer: null, added: null },
  };
}

/** With no catalog to know anything from. */
const known = createKnownWords({ words: () => ({ parts: [], inProjects: [] }) });
export const namesOf = (more: Partial<NamesParts>): Names =>
  createNames({
    known,
    mayTell: true,
    homes: [],
    folders: [],
    user: 'ada',
    hostname: 'quince',
    salted: (text) => `salt-${text.length}`,
    ...more,
  });

export type Device = Awaited<ReturnType<typeof deviceIn>>;

/** `dataDir` may hold what an earlier one left: the same computer, started again. */
export async function deviceIn(
  dataDir: string,
  options: {
    readonly url: string;
    readonly secret: string;
    readonly post?: Post;
    readonly more?: Partial<SyncParts>;
    readonly catalog?: Pick<Catalog, 'words'>;
    readonly about?: { readonly user: string; readonly hostname: string; readonly home: string; readonly collect: Settings['collect'] };
  },
) {
  fs.mkdirSync(dataDir, { recursive: true });
  const tools = new Map<string, Tool>();
  const decided: Decision[] = [];
  const idFile = path.join(dataDir, 'id');
  if (!fs.existsSync(idFile)) fs.writeFileSync(idFile, randomUUID());
  const id = fs.readFileSync(idFile, 'utf8');
  const store: Store = openStore(path.join(dataDir, 'muster.db'), { migrations: readMigrations() });
  const policyFile = createPolicySource({
    ...{ dataDir, known: undefined, problems: createProblems(), store, device: id, now: () => new Date() },
    anchor: () => ({ roots: [], audience: null, from: '' }),
  });
  await policyFile.reload();
  const logged: unknown[] = [];
  const { user = 'ada', hostname = 'quince', home = path.join(dataDir, 'home/ada'), collect } = options.about ?? {};
  const os = fakeOs({ root: dataDir, env: {}, user: { name: user, uid: 1000, home }, hostname });
  const settings = {
    pollSeconds: 15,
    lookMinutes: 15,
    collectorUrl: options.url,
    enrollSecret: options.secret,
    ...(collect ? { collect } : {}),
  };
  const device = { id, platform: 'linux', hostname, user } as const;
  const { names } = createTelling({
    ...{ os, homes: [], store, device, dataDir, settings, policyFile, userNames: () => 'hash' as const },
    catalog: options.catalog ?? { words: () => ({ parts: [], inProjects: [] }) },
  });
  const sync = createSync({
    os,
    names,
    clock: { now: () => new Date(), wait: () => Promise.resolve() },
    store,
    device,
    dataDir,
    version: '0.1.0',
    settings,
    policyFile,
    log: (_what, error) => logged.push(error),
    tools: () => [...tools.values()],
    userNames: () => 'hash',
    applyDecision: (decision) => void decided.push(decision),
    onTrust: () => {},
    onChange: () => {},
    post: options.post ?? directPost({}),
    ...options.more,
  });
  const none = { servers: [], accounts: [], approved: new Map() };
  const items = () => toItems({ ...none, tools: [...tools.values()] }, names()).items;
  return {
    ...{ id, store, sync, tools, decided, logged, dataDir, policyFile, names, device },
    head: () => headOf([...items().values()].map(({ hash }) => hash)),
    keys: () => [...items().keys()].sort(),
    put: (tool: string, version: string) => void tools.set(tool, toolOf(tool, version)),
    ask(item: string): ApprovalRequest {
      const request = requestOf(item, new Date());
      store.addRequest(request);
      return request;
    },
    close: () => store.close(),
  };
}
