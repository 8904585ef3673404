/** Which entries are one server in several places, and what such a server says as a whole. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how clients write references to variables.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { McpIdentity, McpServer, VerdictStatus } from '../../electron/contract.ts';
import { serverGroups, serverKey } from '../../electron/same-server.ts';
import { statuses, verdict } from './snapshots.ts';

type Over = Partial<Omit<McpServer, 'identity' | 'verdict'>> & { identity?: Partial<McpIdentity>; status?: VerdictStatus; score?: number };

function entry(client: string, name: string, { identity, status = 'unreviewed', score = 0, ...over }: Over = {}): McpServer {
  return {
    ...{ id: `${client}/${name}/${over.project ?? ''}`, client, name, scope: 'user', project: null, configPath: '~/x.json', home: '~' },
    ...{
      enabled: true,
      transport: 'stdio',
      command: 'npx',
      args: [],
      url: null,
      publisher: null,
      pinned: false,
      autoApproved: [],
      reach: [],
    },
    ...{ uncertain: false, secretNames: [], running: false, present: true, firstSeen: '', lastSeen: '' },
    identity: { kind: 'npm', name: '@acme/files', version: null, launchHash: 'sha256:a', ...identity },
    risk: { score, level: score === 0 ? 'none' : 'high', findings: [] },
    verdict: verdict(status),
    ...over,
  };
}

const keys = (...servers: McpServer[]) => new Set(servers.map(serverKey)).size;

describe('the same server', () => {
  it('is one package, whatever it is called, whichever version and arguments', () => {
    expect(keys(entry('cursor', 'files'), entry('codex', 'fs', { identity: { version: '1.2.3', launchHash: 'sha256:b' } }))).toBe(1);
  });

  it('is one Python project however its name is written', () => {
    const named = (name: string) => entry('cursor', 'x', { identity: { kind: 'pypi', name } });
    expect(keys(named('mcp-server-git'), named('MCP_Server.git'))).toBe(1);
  });

  it.each<[string, Partial<McpIdentity>, Partial<McpIdentity>]>([
    ['another package', {}, { name: '@acme/mail' }],
    ['another registry', {}, { kind: 'oci' }],
    ['another address', { kind: 'remote', name: 'a.example/mcp' }, { kind: 'remote', name: 'b.example/mcp' }],
    ['a program with other arguments', { kind: 'binary', name: 'x' }, { kind: 'binary', name: 'x', launchHash: 'sha256:b' }],
    ['an address that is a secret', { kind: 'remote', name: '…' }, { kind: 'remote', name: '…', launchHash: 'sha256:b' }],
    ['an address that a variable decides', { kind: 'remote', name: '${url}' }, { kind: 'remote', name: '${url}', launchHash: 'sha256:b' }],
  ])('is not %s', (_, one, other) => {
    expect(keys(entry('cursor', 'x', { identity: one }), entry('codex', 'x', { identity: other }))).toBe(2);
  });

  it('is not the file of the same relative name in another project, but is the same absolute one', () => {
    const script = (name: string, project: string) => entry('cursor', 'x', { identity: { kind: 'script', name }, project });
    expect(keys(script('./server.py', '~/a'), script('./server.py', '~/b'))).toBe(2);
    expect(keys(script('~/server.py', '~/a'), script('~/server.py', '~/b'))).toBe(1);
  });
});

describe('a group', () => {
  it('takes its risk and verdict from the entries that count', () => {
    const [group, ...others] = serverGroups([
      entry('cursor', 'files', { status: 'approved', score: 20 }),
      entry('codex', 'files', { status: 'prohibited', score: 10, running: true }),
      entry('vscode', 'off', { status: 'expired', score: 99, enabled: false }),
      entry('zed', 'gone', { score: 100, present: false }),
    ]);
    expect(others).toEqual([]);
    expect(group).toMatchObject({ name: 'files', present: true, enabled: true, running: true, risk: { score: 20 } });
    expect(group?.verdict.status).toBe('prohibited');
    expect(group?.places.map(({ client }) => client)).toEqual(['codex', 'cursor', 'vscode', 'zed']);
    expect(group?.names).toEqual(['files', 'off', 'gone']);
  });

  it('law: every entry is in exactly one group, and the order means nothing', () => {
    const some = fc.record({
      client: fc.constantFrom('cursor', 'codex', 'vscode'),
      name: fc.constantFrom('a', 'b', 'c'),
      kind: fc.constantFrom<McpIdentity['kind'][]>('npm', 'pypi', 'script', 'remote', 'unknown'),
      what: fc.constantFrom('x', '…', '', '/abs/x', 'X'),
      launchHash: fc.constantFrom('sha256:a', 'sha256:b'),
      project: fc.constantFrom(null, '~/p'),
      present: fc.boolean(),
      enabled: fc.boolean(),
      status: fc.constantFrom(...statuses),
      score: fc.nat(100),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(some, { maxLength: 12, selector: (one) => JSON.stringify(one) }),
        fc.infiniteStream(fc.nat()),
        (all, dice) => {
          const servers = all.map(({ kind, what, launchHash, ...rest }, at) =>
            entry(rest.client, rest.name, { ...rest, id: String(at), identity: { kind, name: what, launchHash } }),
          );
          const groups = serverGroups(servers);
          expect(groups.flatMap(({ places }) => places.map(({ id }) => id)).sort()).toEqual(servers.map(({ id }) => id).sort());
          const shuffled = servers.map((server) => ({ server, by: dice.next().value ?? 0 })).sort((a, b) => a.by - b.by);
          expect(
            serverGroups(shuffled.map(({ server }) => server)).map(({ key, name, risk }) => ({ key, name, score: risk.score })),
          ).toEqual(groups.map(({ key, name, risk }) => ({ key, name, score: risk.score })));
        },
      ),
    );
  });
});
