/** What a look at extensions costs, in a home with as many of them as people who collect them have. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createExtensionObserver } from '../../../agent/observe/extensions.ts';
import { archive, computer, fixture, stateDatabase } from '../../agent/extensions-tree.ts';
import { type Figure, quantile, type Row, text } from '../bench.ts';

export const row: Row = {
  id: 'extensions',
  about:
    'one look at 3 editors with 60 extensions each and 2 browsers with 40; and at a JetBrains IDE with 60 plugins, which must be opened',
  needs: [],
  limitS: { short: 60, long: 60 },
  async run(bench) {
    const collected = bench.folder('collected');
    plantRecords(collected);
    const opened = bench.folder('opened');
    plantPlugins(opened);
    return [
      await figure('a look at 180 extensions of editors and 80 of browsers', collected, 30),
      await figure('a look at 60 plugins of a JetBrains IDE', opened, null),
    ];
  },
};

/** The first look of a process also compiles what it runs, as that of `muster scan` does; the median is of observers that know nothing yet. */
async function figure(what: string, root: string, bar: number | null): Promise<Figure> {
  const { os, home } = computer(root, 'linux');
  const known = new Set(['github.copilot', 'anthropic.claude-code', idOf(3), idOf(5), 'com.github.copilot']);
  const fresh: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < 11; round++) {
    const observer = createExtensionObserver(os, { homes: [home], wants: (_host, id) => known.has(id) });
    for (const times of [fresh, again]) {
      const before = process.cpuUsage();
      const { observations } = await observer.look();
      const { user, system } = process.cpuUsage(before);
      if (observations.length === 0) throw new Error('The bench’s own extensions were not found.');
      times.push((user + system) / 1000);
    }
  }
  const first = fresh[0] ?? Number.NaN;
  const median = quantile(fresh, 0.5);
  const unchanged = quantile(again, 0.5);
  return {
    what: `${what}: CPU`,
    measured: `${text(median, 'ms')} (first of the process: ${text(first, 'ms')}; nothing changed: ${text(unchanged, 'ms')})`,
    bar: bar === null ? null : `≤ ${bar} ms`,
    met: bar === null ? null : median <= bar,
    numbers: { medianMs: median, firstMs: first, unchangedMs: unchanged },
  };
}

function put(root: string, file: string, content: string | Buffer): void {
  const at = path.join(root, 'home/ada', file);
  mkdirSync(path.dirname(at), { recursive: true });
  writeFileSync(at, content);
}

function idOf(index: number): string {
  return [...index.toString(16).padStart(32, '0')].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 16))).join('');
}

function plantRecords(root: string): void {
  for (const [folder, data] of [
    ['.vscode', 'Code'],
    ['.cursor', 'Cursor'],
    ['.windsurf', 'Windsurf'],
  ] as const) {
    const ids = ['github.copilot', 'anthropic.claude-code', ...Array.from({ length: 58 }, (_, index) => `publisher${index}.extension`)];
    const list = ids.map((id) => ({
      identifier: { id, uuid: '23c4aeee-f844-43cd-b53e-1113e483f1a6' },
      version: '1.2.3',
      location: { $mid: 1, path: `/home/ada/${folder}/extensions/${id}-1.2.3`, scheme: 'file' },
      relativeLocation: `${id}-1.2.3`,
      metadata: { installedTimestamp: 1_762_850_000_000, source: 'gallery', publisherDisplayName: 'A Publisher' },
    }));
    for (const { relativeLocation } of list) put(root, `${folder}/extensions/${relativeLocation}/package.json`, '{}');
    put(root, `${folder}/extensions/extensions.json`, JSON.stringify(list));
    put(root, `.config/${data}/User/globalStorage/storage.json`, fixture('vscode-storage.json'));
    stateDatabase(path.join(root, 'home/ada', `.config/${data}/User/globalStorage/state.vscdb`), ['github.copilot']);
  }
  for (const browser of ['google-chrome', 'BraveSoftware/Brave-Browser']) {
    const permissions = { api: ['tabs'], explicit_host: ['https://*/*'], manifest_permissions: [], scriptable_host: ['<all_urls>'] };
    const setting = {
      active_permissions: permissions,
      location: 1,
      manifest: { version: '1.2.3', description: 'x'.repeat(6000) },
      path: 'x',
    };
    const settings = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [idOf(index), setting]));
    const other = Array.from({ length: 3000 }, (_, index) => ({ index, said: `something that a browser remembers ${index}` }));
    put(root, `.config/${browser}/Default/Preferences`, JSON.stringify({ extensions: { settings }, other }));
    put(root, `.config/${browser}/Default/Secure Preferences`, '{"protection":{}}');
    put(root, `.config/${browser}/Local State`, fixture('chrome-local-state.json'));
  }
}

/** As a plugin of some size is: the description is in the jar of its name, beside libraries. */
function plantPlugins(root: string): void {
  const classes = Object.fromEntries(Array.from({ length: 800 }, (_, index) => [`com/example/Class${index}.class`, '']));
  const own = archive({ ...classes, 'META-INF/plugin.xml': fixture('jetbrains-plugin.xml') });
  const library = archive(classes);
  for (let index = 0; index < 60; index++) {
    const lib = `.local/share/JetBrains/PyCharm2026.1/plugin-${index}/lib`;
    put(root, `${lib}/plugin-${index}-1.0.jar`, own);
    for (const name of ['kotlin', 'ktor', 'jansi']) put(root, `${lib}/${name}.jar`, library);
  }
}
