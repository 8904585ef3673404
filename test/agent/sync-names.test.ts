/**
 * The law of what leaves: no part of a project's path, no account and no computer's name stands in the bytes of any body, at any moment: before anybody has heard
 * of the project, while it is known, and after it is gone.
 */
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { deviceKey } from '../../agent/device-key.ts';
import { changesSince } from '../../agent/evidence/changes.ts';
import { createEvidence } from '../../agent/evidence.ts';
import { identify, isPinned, publisherOf } from '../../agent/mcp/identity.ts';
import { parseServers } from '../../agent/mcp/parse.ts';
import { loadCatalog } from '../../agent/session.ts';
import type { ServerRow } from '../../agent/store/store.ts';
import type { Verdict } from '../../electron/contract.ts';
import { temporary } from './muster.ts';
import { deviceIn, toolOf } from './sync-device.ts';

const catalog = loadCatalog();
const scratch = temporary('sync-names');
const AT = new Date('2026-11-20T08:00:00.000Z');
let devices = 0;
let looked = 0;
let servers = 0;

/** Nine letters that are in no catalog, and that chance doesn't write. */
const word = fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'), minLength: 9, maxLength: 9 }).map((text) => `z${text}q`);
const dressed = (own: string) =>
  fc.constantFrom(own, own.toUpperCase(), `${own}-plans`, `the ${own}`, `${own}.v2`, own.replace(/^z/, 'Z'), `${own}_2026`);
const theirs = fc.record({ first: word, second: word, third: word, user: word, host: word }).chain((words) =>
  fc.record({
    words: fc.constant(words),
    parts: fc.tuple(dressed(words.first), dressed(words.second), dressed(words.third)),
    root: fc.constantFrom('~/work', '~', '/mnt/data', '/opt', '/srv', 'C:\\work', '/home/other', '/tmp/…'),
    isKnown: fc.boolean(),
    mayTell: fc.boolean(),
  }),
);

/** Every way in which somebody writes a folder into a file. */
const waysToSay = (folder: string): [command: string, ...args: string[]][] => [
  ['node', `${folder}/server.js`],
  ['node', `--require=${folder}/x.js`, './server.js'],
  [`${folder}/run.sh`],
  ['npx', '-y', '@acme/files', folder, `--root=${folder}/data`, `${folder}:/data`],
  ['npx', '-y', `file:${folder}`],
  ['docker', 'run', '-v', `${folder}:/work`, '-e', `ROOT=${folder}`, 'acme/files:1.2'],
  ['uv', 'run', '--directory', folder, 'server.py'],
  ['sh', '-c', `cd ${folder} && node server.js`],
  [`node ${folder}/index.js --stdio`],
  ['mcp-remote', `file://${folder}/socket`, `unix:${folder}/s`],
];

it('no word of theirs is in any body, at any moment', async () => {
  await fc.assert(
    fc.asyncProperty(theirs, fc.nat(9), fc.boolean(), async ({ words, parts, root, isKnown, mayTell }, way, isNamed) => {
      const separator = root.includes('\\') ? '\\' : '/';
      const project = [root, ...parts].join(separator);
      const secret = Object.values(words).map((one) => one.toLowerCase());
      const home = `/home/${words.user}`;
      const absolute = project.replace(/^~/, home);
      const one = await deviceIn(path.join(scratch, String(devices++)), {
        ...{ url: 'https://collector.example', secret: 'mse_of-nobody-at-all', catalog },
        about: {
          user: words.user,
          hostname: isNamed ? `${words.user}-${words.host}` : `${words.host}.corp.example`,
          home,
          collect: { projectPaths: mayTell },
        },
      });
      const { store } = one;
      const evidence = createEvidence({
        ...{ store, dataDir: one.dataDir, device: one.device, key: () => deviceKey(one.dataDir), now: () => AT, names: one.names },
        ...{ userNames: () => 'hash' as const, onBehind: () => {}, onBroken: () => {} },
      });
      const look = () => {
        // The one field that is made for it; where the account stands in it, it is a hash.
        const apart = one.sync.preview().map(({ agent, ...body }) => [body, isNamed ? agent : { ...agent, hostname: '' }]);
        const bodies = JSON.stringify(apart).toLowerCase();
        looked++;
        expect(
          secret.flatMap((own) =>
            bodies.includes(own) ? bodies.slice(Math.max(0, bodies.indexOf(own) - 80), bodies.indexOf(own) + 60) : [],
          ),
        ).toEqual([]);
      };
      const put = (scope: 'user' | 'project', called: string[]) => {
        const [command = '', ...args] = waysToSay(absolute)[way] ?? [];
        const entries = Object.fromEntries(
          called.map((name) => [name, { command, args, env: { [`${parts[0].replace(/\W/g, '_')}_TOKEN`]: 'abc' } }]),
        );
        const read = parseServers(
          { client: 'cursor', format: 'json', at: ['mcpServers'] },
          Buffer.from(JSON.stringify({ mcpServers: entries })),
        );
        const where = {
          ...{ client: 'cursor', scope, home: '~' },
          configPath: scope === 'user' ? '~/.cursor/mcp.json' : `${project}${separator}.cursor${separator}mcp.json`,
          project: scope === 'user' ? null : project,
        };
        const rows = (read.ok ? read.servers : []).map((server): ServerRow => {
          const identity = identify(server);
          const { name, enabled, transport, url, autoApproved } = server;
          // A folder whose name looks generated is blanked as it is read, and then nothing here says that a variable is named after it.
          const isSeen = [server.command, ...server.args].some((text) => text?.includes(parts[0]));
          const secretNames = isSeen ? server.secretNames : ['API_TOKEN'];
          return {
            ...{ ...where, id: `${scope}-${name}`, name, enabled, transport, command: server.command, args: server.args, url, secretNames },
            ...{ autoApproved, identity, publisher: publisherOf(identity), pinned: isPinned(server), reach: [], uncertain: false },
            risk: { score: 0, level: 'none', findings: [] },
          };
        });
        servers += rows.length;
        store.replaceConfig(where, rows, AT);
      };
      const note = () => {
        const { entries, known } = changesSince(store.evidenceRows.lastKnown(), {
          ...{ tools: [], policy: null, grants: [], now: AT, tell: (id) => told(id) },
          servers: store.servers().map((server) => ({ ...server, verdict: VERDICT })),
        });
        evidence.write((write) => {
          for (const entry of entries) write(entry);
          store.evidenceRows.know(known);
        });
      };
      const told = (id: string) => {
        const server = store.servers().find((it) => it.id === id);
        if (!server) throw new Error('It is there.');
        const names = one.names(true);
        const { kind, name } = names.identity(server);
        return { identity: `${kind}:${name}`, version: null, launchHash: names.server(server).launch(server.identity.launchHash) };
      };

      look();
      // Nobody has heard of the project: only a server of the user's own says the folder, and a tool was found in it.
      put('user', ['plain']);
      one.tools.set(
        'claude-code',
        toolOf('claude-code', '1', { places: [{ ...toolOf('x', '1').places[0], path: `${project}/node_modules/.bin/claude` }] } as never),
      );
      look();
      note();
      look();
      one.ask('mcp:plain');
      look();
      // Now it is known, and people have named things after it.
      const named = [
        'plain',
        parts[2],
        `${parts[0]}-tools`,
        `my_${parts[1]}`,
        words.user,
        isNamed ? `${words.user}-${words.host}` : words.host,
      ];
      if (isKnown) {
        put('project', named);
        store.replaceAddons(
          { homes: ['~'], except: [] },
          named.map((name) => ({
            tool: 'claude-code',
            kind: 'skill',
            scope: 'project',
            name,
            path: `${project}/.claude/skills/${name}`,
            home: '~',
            project,
          })),
          AT,
        );
        one.tools.set(
          'ollama',
          toolOf('ollama', '1', {
            models: named.map((name) => ({ name, bytes: 1, path: `~/.ollama/${name}` })),
            addons: named.map((name) => ({
              kind: 'skill',
              name,
              scope: 'project',
              path: `${project}/.claude/skills/${name}`,
              home: '~',
              project,
            })),
          }),
        );
        for (const name of named) one.ask(`mcp:${name}`);
        look();
        note();
        look();
        store.addUsage([{ day: '2026-11-19', tool: 'ollama', runS: 1, frontS: 1, launches: 1 }]);
        // It is gone; what was asked for and recorded stays.
        put('project', []);
        look();
        note();
      }
      put('user', []);
      note();
      look();
      one.close();
    }),
    { numRuns: 25 },
  );
  // About 155 looks and 85 servers, by chance: without enough of them this would prove nothing.
  expect([looked > 25 * 4, servers > 25]).toEqual([true, true]);
});

afterAll(() => console.log(`${looked} previews of ${devices} computers, ${servers} servers.`));

const VERDICT: Verdict = {
  ...{ status: 'unreviewed', reason: '', rule: null, clause: null, dataClasses: [], conditions: null, until: null, mode: 'warn' },
};
