/**
 * The recall test on Windows' own paths, by a real node.exe under Wine: drive letters, backslashes, `%APPDATA%`, and names without case. It needs `wine`;
 * `npm test` fetches the node.exe.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { expect } from 'vitest';
import { readCatalog } from '../../agent/assets.ts';
import { windowsNode } from '../../build/windows-node.mjs';
import { needs } from '../capability.ts';

const { it } = needs('wine');

it('every planted server is found on Windows', async () => {
  const prefix = mkdtempSync(path.join(tmpdir(), 'muster-wine-'));
  const folder = path.join(prefix, 'drive_c/recall');
  const env = {
    ...{ PATH: process.env['PATH'], HOME: prefix, WINEPREFIX: prefix, WINEDEBUG: '-all' },
    ...{ USERPROFILE: 'C:\\users\\ada', APPDATA: 'C:\\users\\ada\\AppData\\Roaming', LOCALAPPDATA: 'C:\\users\\ada\\AppData\\Local' },
    CLAUDE_CONFIG_DIR: 'C:\\moved',
  };
  try {
    const wine = (...args: string[]) => execFileSync('wine', args, { env, stdio: 'ignore', timeout: 240_000 });
    wine('wineboot', '-i');
    wine('winecfg', '-v', 'win10');
    mkdirSync(folder, { recursive: true });
    await build({
      entryPoints: [path.join(import.meta.dirname, 'recall-windows.ts')],
      ...{ bundle: true, platform: 'node', format: 'cjs', mainFields: ['module', 'main'], logLevel: 'error' },
      // Its native part is another platform's, and no database is planted.
      external: ['better-sqlite3'],
      outfile: path.join(folder, 'recall.cjs'),
    });
    mkdirSync(path.join(folder, 'node_modules/better-sqlite3'), { recursive: true });
    writeFileSync(path.join(folder, 'node_modules/better-sqlite3/index.js'), '');
    copyFileSync(path.join(import.meta.dirname, '../fixtures/mcp-places.tsv'), path.join(folder, 'mcp-places.tsv'));
    cpSync(windowsNode(), path.join(folder, 'node.exe'));
    writeFileSync(path.join(folder, 'catalog.json'), JSON.stringify(readCatalog()));
    wine('C:\\recall\\node.exe', 'C:\\recall\\recall.cjs', 'C:\\recall');
    const result = JSON.parse(readFileSync(path.join(folder, 'result.json'), 'utf8')) as {
      platform: string;
      planted: number;
      missed: string[];
    };
    console.log(`Wine: ${result.planted - result.missed.length} of ${result.planted} planted servers found`);
    expect(result).toMatchObject({ platform: 'win32', missed: [] });
    expect(result.planted).toBeGreaterThan(130);
  } finally {
    // Wine goes on in the background for a while, and writes when it ends.
    for (const how of ['-k', '-w']) execFileSync('wineserver', [how], { env, stdio: 'ignore' });
    rmSync(prefix, { recursive: true, force: true });
  }
}, 300_000);
