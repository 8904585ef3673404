/** Each client's file, written as that client writes it, is read to the same three servers: one local, one remote, and one switched off where the client can. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCatalog } from '../../agent/assets.ts';
import { identify } from '../../agent/mcp/identity.ts';
import { type ParsedServer, parseServers } from '../../agent/mcp/parse.ts';
import { matches } from '../../agent/observe/patterns.ts';
import { type ClientPlace, parseCatalog } from '../../native-catalog/catalog.ts';

const folder = path.join(import.meta.dirname, '../fixtures/mcp');
const catalog = parseCatalog(readCatalog());
const places = (['linux', 'darwin', 'win32'] as const).flatMap((platform) =>
  catalog.places(platform).mcp.map((place) => ({ place, name: (place.path[platform] ?? '').split('/').at(-1) ?? '' })),
);
const files = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: client }) => readdirSync(path.join(folder, client)).map((file) => ({ client, file })));

/** A fixture is named as the client names it, or with a word in front where one client has two of that name. */
function placesOf(client: string, file: string): ClientPlace[] {
  const mine = places.filter(({ place }) => place.client === client);
  const exact = mine.filter(({ name }) => matches(name, file));
  const loose = mine.filter(({ name }) => file.endsWith(name.replace('*', '')));
  return (exact.length > 0 ? exact : loose).map(({ place }) => place);
}

function brief(server: ParsedServer): string {
  const { kind, name, version } = identify(server);
  const { enabled, transport, secretNames } = server;
  return `${server.name}${enabled ? '' : ' (off)'}: ${transport} ${kind} ${name}${version ? `@${version}` : ''} [${secretNames}]`;
}

describe('a file as its client writes it', () => {
  test.each(files)('$client $file', ({ client, file }) => {
    const text = readFileSync(path.join(folder, client, file));
    const candidates = placesOf(client, file);
    expect(candidates).not.toEqual([]);
    const expected = [
      'files: stdio npm @modelcontextprotocol/server-filesystem@2025.8.21 []',
      'github: http remote api.githubcopilot.com/mcp [Authorization]',
      'old (off): stdio pypi old-server@1.2.3 []',
    ].slice(0, text.includes('old-server') ? 3 : text.includes('githubcopilot') ? 2 : 1);
    const read = candidates.map((place) => parseServers(place, text));
    // Places of one name have their servers at different keys; one of them is this file's, and no other reads anything wrong.
    const briefs = read.map((one) => (one.ok ? one.servers.map(brief) : ['unreadable']));
    expect(briefs).toContainEqual(expected);
    for (const one of briefs) expect([[], expected]).toContainEqual(one);
    for (const one of read) expect(one).toMatchObject({ ok: true, troubles: [] });
  });

  test('there is one for each client that a checked source confirms', () => {
    const confirmed = new Set(places.filter(({ place }) => !place.uncertain).map(({ place }) => place.client));
    // Those of the first six clients lie one folder up, with their own expectations.
    const older = ['claude-code', 'claude-desktop', 'codex', 'gemini-cli', 'vscode'];
    const withOne = new Set([...files.map(({ client }) => client), ...older]);
    expect([...confirmed].filter((client) => !withOne.has(client))).toEqual([]);
    expect(new Set(files.map(({ client }) => client)).size).toBeGreaterThanOrEqual(60);
  });

  test('tools that run without asking are named', () => {
    const auto = (client: string, file: string) => {
      const [place] = placesOf(client, file);
      const read = place && parseServers(place, readFileSync(path.join(folder, client, file)));
      return read?.ok ? Object.fromEntries(read.servers.map(({ name, autoApproved }) => [name, autoApproved])) : read;
    };
    expect(auto('cline-cli', 'cline_mcp_settings.json')).toEqual({ files: [], github: [], old: ['list_directory', 'read_file'] });
    expect(auto('cline', 'cline_mcp_settings.json')).toEqual({ files: [], github: [], old: 'all' });
    expect(auto('roo-code', 'mcp_settings.json')).toEqual({ files: [], github: ['search_code'], old: [] });
    expect(auto('qwen-code', 'settings.json')).toEqual({ files: [], github: ['search'], old: [] });
    expect(auto('gemini-cli', 'gemini-extension.json')).toEqual({ files: [], github: 'all' });
    expect(auto('kiro', 'mcp.json')).toEqual({ files: [], github: ['search'], old: [] });
  });
});
