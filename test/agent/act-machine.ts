/** What acting needs and no more, over a folder: one Cursor config in `home/`, one rule that enforces, and a real store and record. */
import fs from 'node:fs';
import path from 'node:path';
import { createActing } from '../../agent/acting.ts';
import { readMigrations } from '../../agent/assets.ts';
import type { McpFile } from '../../agent/config-rows.ts';
import { deviceKey } from '../../agent/device-key.ts';
import { createEvidence } from '../../agent/evidence.ts';
import { createHomes } from '../../agent/homes.ts';
import { identify } from '../../agent/mcp/identity.ts';
import { parseServers } from '../../agent/mcp/parse.ts';
import { realOs } from '../../agent/observe/os.ts';
import { parsePolicy } from '../../agent/policy/policy.ts';
import { createProblems } from '../../agent/problems.ts';
import { openStore, type StoredServer } from '../../agent/store/store.ts';
import type { McpServer, Verdict } from '../../electron/contract.ts';

const RULE = { id: 'm1', match: { npm: '@acme/files' }, status: 'prohibited', mode: 'enforce', action: 'disable-entry' };

export function actMachine(folder: string) {
  const home = path.join(folder, 'home');
  const file = path.join(home, '.cursor/mcp.json');
  const place = { scope: 'user', client: 'cursor', format: 'json', at: ['mcpServers'], path: { linux: '~/.cursor/mcp.json' } } as const;
  const found: McpFile = { role: 'mcp', place: { ...place, at: ['mcpServers'] }, path: file, home, project: null };
  const homes = createHomes(home, [home]);
  const store = openStore(path.join(folder, 'muster.db'), { migrations: readMigrations() });
  const device = { id: 'd', platform: 'linux', hostname: 'h', user: 'ada' } as const;
  const real = realOs();
  const os = { ...real, env: {}, user: { ...real.user, home } };
  const parsed = parsePolicy(JSON.stringify({ schema: 'muster.policy/1', rev: 1, mcp: { rules: [RULE] } }));
  if (!parsed.ok) throw new Error(parsed.issues.join('\n'));
  const loaded = { policy: parsed.policy } as never;
  const verdict: Verdict = {
    ...{ status: 'prohibited', reason: 'No.', rule: 'm1', clause: null, dataClasses: [], conditions: null, until: null, mode: 'enforce' },
  };

  /** What stands in the file now, as the watcher would have written it into the store. */
  const servers = (): McpServer[] => {
    const read = parseServers(place, fs.readFileSync(file));
    if (!read.ok) throw new Error(read.trouble.detail);
    return read.servers.flatMap((server): McpServer[] =>
      server.name === 'files'
        ? [
            {
              id: 'files',
              name: 'files',
              present: true,
              enabled: server.enabled,
              identity: identify(server),
              verdict,
            } as unknown as McpServer,
          ]
        : [],
    );
  };
  const row = { id: 'files', name: 'files', project: null, configPath: '~/.cursor/mcp.json' } as unknown as StoredServer;
  const acting = createActing({
    os,
    clock: { now: () => new Date(), wait: async () => {} },
    catalog: { identify: () => null } as never,
    store: { ...store, servers: () => [row] },
    problems: createProblems(),
    settings: { pollSeconds: 15, lookMinutes: 15, allowActions: ['disable-entry'] },
    dataDir: folder,
    policyFile: { current: () => loaded, changed: () => false, parse: () => parsed.policy, reload: () => loaded },
    log: () => {},
    homes,
    looks: { configFile: () => found, usage: { running: () => [] } as never },
    verdicts: { tools: () => [], servers },
    evidence: createEvidence({
      ...{ store, device, dataDir: folder, key: () => deviceKey(folder), now: () => new Date(), userNames: () => 'hash' as const },
      onBehind: () => {},
      onBroken: (what) => {
        throw new Error(what);
      },
    }),
    onChange: () => {},
  });
  return { file, acting, store, close: () => store.close() };
}
