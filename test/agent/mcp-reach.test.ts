/** What an entry may reach, in words. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how clients write references to variables.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseServers } from '../../agent/mcp/parse.ts';
import { reachOf } from '../../agent/mcp/reach.ts';

function reach(entry: object): string[] {
  const read = parseServers({ client: 'x', format: 'json', at: ['s'] }, Buffer.from(JSON.stringify({ s: { it: entry } })));
  if (!read.ok || !read.servers[0]) throw new Error(JSON.stringify(read));
  return reachOf(read.servers[0]);
}
const npx = (...args: string[]) => ({ command: 'npx', args: ['-y', ...args] });
const docker = (...args: string[]) => ({ command: 'docker', args: ['run', '-i', '--rm', ...args] });
const asYou = 'all else that you may open, because it runs as you';
const network = 'the network, from inside its container';

test.each<[string, object, string[]]>([
  ['folders', npx('@modelcontextprotocol/server-filesystem', '/srv/data', '/opt/x/'), ['the folder /srv/data', 'the folder /opt/x', asYou]],
  ['a home', npx('@modelcontextprotocol/server-filesystem', '/Users/ada'), ['your whole home folder', asYou]],
  ['the home by its variable', npx('fs', '$HOME'), ['your whole home folder', asYou]],
  ['a folder of a Windows home', npx('fs', 'C:\\Users\\ada\\src'), ['the folder C:\\Users\\ada\\src', asYou]],
  ['a Windows home', npx('fs', 'C:\\Users\\ada'), ['your whole home folder', asYou]],
  ['a drive', npx('fs', 'C:\\'), ['every file on drive C:', asYou]],
  ['the root', npx('fs', '/'), ['every file on this computer', asYou]],
  ['the project', npx('fs', '${workspaceFolder}'), ['the folder that it is started in', asYou]],
  ['a folder after =', npx('fs', '--root=/srv/data'), ['the folder /srv/data', asYou]],
  ['a file', npx('sheets', '/srv/list.csv'), ['the file /srv/list.csv', asYou]],
  ['a database file', { command: 'uvx', args: ['mcp-server-sqlite', '--db-path', '/srv/a.db'] }, ['the database /srv/a.db', asYou]],
  ['a script is what runs, and not what it reaches', { command: 'node', args: ['/srv/server.js'] }, [asYou]],
  ['a database', npx('@acme/pg', 'postgresql://ada:pw@db.example:5432/app'), ['a PostgreSQL database at db.example:5432', asYou]],
  ['a remote', { url: 'https://mcp.sentry.dev/mcp' }, ['mcp.sentry.dev']],
  ['one on this computer', { url: 'http://localhost:3845/sse' }, ['a program on this computer (localhost:3845)']],
  ['one that a variable decides', { url: '${input:url}' }, ['the address in its entry']],
  ['a remote through a bridge', npx('mcp-remote', 'https://mcp.linear.app/sse'), ['mcp.linear.app', asYou]],
  ['a base address', { command: 'x', env: { JIRA_BASE_URL: 'https://jira.example/rest' } }, ['jira.example', asYou]],
  ['a host', { command: 'x', env: { PGSQL_HOST: 'db.example' } }, ['db.example', asYou]],
  ['where it listens is no reach', { command: 'x', env: { HOST: '0.0.0.0', MCP_HOST: '0.0.0.0' } }, [asYou]],
  ['what keys open', { command: 'x', env: { GITHUB_TOKEN: '${TOKEN}', MODE: 'a' } }, ['what GITHUB_TOKEN opens', asYou]],
  ['a browser', npx('@playwright/mcp@latest'), ['a web browser, and what it is signed in to', asYou]],
  ['a shell', npx('@wonderwhy-er/desktop-commander'), ['your shell', asYou]],
  ['clusters', npx('mcp-server-kubernetes'), ['your Kubernetes clusters', asYou]],
  ['an administrator', { command: 'sudo', args: ['node', '/srv/x.js'] }, ['everything on this computer, as administrator']],
  ['a container', docker('mcp/fetch'), [network]],
  ['a container without network', docker('--network', 'none', 'mcp/x'), []],
  ['a mounted folder', docker('-v', '/srv/data:/data', 'mcp/fs', '/data'), ['the folder /srv/data', network]],
  [
    'a mount, read only',
    docker('--mount', 'type=bind,src=/home/ada,dst=/projects,readonly', 'mcp/fs'),
    ['your whole home folder (read only)', network],
  ],
  ['a volume, read only', docker('-v', '/:/host:ro', 'mcp/fs'), ['every file on this computer (read only)', network]],
  [
    'docker itself',
    docker('-v/var/run/docker.sock:/var/run/docker.sock', 'x'),
    ['every container, and through them this whole computer', network],
  ],
  ['no walls', docker('--privileged', 'x'), ['everything on this computer: its container is not kept apart', network]],
  ["the computer's network", docker('--network=host', 'x'), ['every service on this computer', network]],
  ['a named volume is no folder', docker('-v', 'cache:/data', 'x'), [network]],
])('%s', (_, entry, expected) => {
  expect(reach(entry)).toEqual(expected);
});

test('law: a few distinct phrases for any entry, and the same for the same', () => {
  const value = fc.oneof(fc.string(), fc.webUrl(), fc.constantFrom('/', '~', '-v', '/x:/y', '--mount', '--net', 'C:\\', '{', 'a://b'));
  const entry = fc.record({ command: value, args: fc.array(value, { maxLength: 30 }), url: value, env: fc.dictionary(value, value) });
  fc.assert(
    fc.property(entry, (given) => {
      const read = parseServers({ client: 'x', format: 'json', at: ['s'] }, Buffer.from(JSON.stringify({ s: { it: given } })));
      for (const server of read.ok ? read.servers : []) {
        const found = reachOf(server);
        expect(new Set(found).size).toBe(found.length);
        expect(found.length).toBeLessThanOrEqual(14);
        expect(found.every((phrase) => phrase.trim() !== '')).toBe(true);
        expect(reachOf(structuredClone(server))).toEqual(found);
      }
    }),
  );
});
