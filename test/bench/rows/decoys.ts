/** What must not be reported: files that look like configs and are none, and ordinary programs. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Inventory, Platform } from '../../../electron/contract.ts';
import { observationOf, observationsOf } from '../../../native-catalog/examples.ts';
import { Innocents } from '../../../native-catalog/schema.ts';
import type { Bench, Figure, Row } from '../bench.ts';
import { environment, sourceCatalog } from '../home.ts';

const folder = fileURLToPath(new URL('../../../native-catalog/innocents', import.meta.url));

export const row: Row = {
  id: 'decoys',
  about: 'look-alikes of configs, and ordinary programs: none is reported',
  needs: [],
  limitS: { short: 60, long: 60 },
  run: async (bench) => [lookAlikes(bench), innocents()],
};

const config = (name: string) => JSON.stringify({ mcpServers: { [name]: { command: 'npx', args: ['-y', '@example/server'] } } });
/** Below a project that a client has recorded, and below the home. */
const inProject = [
  'node_modules/some-package/.mcp.json',
  'node_modules/some-package/.cursor/mcp.json',
  'test/fixtures/.mcp.json',
  'test/fixtures/.vscode/mcp.json',
  'docs/.cursor/mcp.json',
  'docs/mcp.json',
  'README.md',
  '.mcp.json.bak',
  '.mcp.json~',
  '.cursor/mcp.json.orig',
  'packages/inner/.mcp.json',
];
const inHome = [
  '.local/share/Trash/files/.mcp.json',
  '.local/share/Trash/files/.cursor/mcp.json',
  '.Trash/.claude.json',
  '.claude.json.bak',
  '.claude.json.backup.1763800000',
  '.cursor/mcp.json.bak',
  '.codex/config.toml.bak',
  'Downloads/.claude.json',
  'Documents/examples/.mcp.json',
  '.npm/_npx/1234/node_modules/x/.mcp.json',
  '.cache/x/claude_desktop_config.json',
];

function lookAlikes(bench: Bench): Figure {
  const home = bench.folder('decoys');
  const project = path.join(home, 'src', 'shop');
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  for (const name of inProject) write(path.join(project, name), config('decoy'));
  for (const name of inHome) write(path.join(home, name), config('decoy'));
  write(path.join(home, '.claude.json'), JSON.stringify({ ...JSON.parse(config('real-user')), projects: { [project]: {} } }));
  write(path.join(home, '.cursor', 'mcp.json'), config('real-cursor'));
  write(path.join(project, '.mcp.json'), config('real-project'));
  const { status, stdout } = spawnSync(bench.muster, ['scan', '--json', '--home', home, '--data', path.join(home, '.data')], {
    env: environment(home),
    encoding: 'utf8',
    timeout: 30_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`The scan ended with ${status}.`);
  const names = (JSON.parse(stdout) as Inventory).mcpServers.map(({ name }) => name);
  const real = ['real-user', 'real-cursor', 'real-project'].filter((name) => names.includes(name)).length;
  const decoys = names.filter((name) => name === 'decoy').length;
  return {
    what: 'look-alikes of configs (node_modules, fixtures, docs, the trash, backups)',
    measured: `${decoys} of ${inProject.length + inHome.length} reported (and ${real} of 3 real ones)`,
    bar: '0',
    met: decoys === 0 && real === 3,
    numbers: { lookAlikes: inProject.length + inHome.length, reported: decoys, real },
  };
}

function innocents(): Figure {
  const catalog = sourceCatalog();
  const counts = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const platform = path.basename(name, '.json') as Platform;
      const list = Innocents.parse(JSON.parse(readFileSync(path.join(folder, name), 'utf8')));
      const ordinary = observationsOf(platform, list).filter((seen) => catalog.identify(seen, { titles: true }) !== null).length;
      // They share a common name, which may be remembered and makes no row.
      const collisions = list.collisions.filter(({ seen }) => {
        const match = catalog.identify(observationOf(seen), { titles: true });
        return match !== null && match.strength !== 'weak';
      }).length;
      return { platform, count: observationsOf(platform, list).length + list.collisions.length, wrong: ordinary + collisions };
    });
  const wrong = counts.reduce((sum, each) => sum + each.wrong, 0);
  return {
    what: 'ordinary programs taken for AI tools',
    measured: `${wrong} of ${counts.map(({ platform, count }) => `${count} ${platform}`).join(', ')}`,
    bar: '0 of ≥ 400 each',
    met: wrong === 0 && counts.length === 3 && counts.every(({ count }) => count >= 400),
    numbers: Object.fromEntries([['wrong', wrong], ...counts.map(({ platform, count }): [string, number] => [platform, count])]),
  };
}
