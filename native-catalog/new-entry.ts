/** The questions of `npm run catalog -- new`: what an entry needs, and of its surface only what it can have. */
import { Entry, type Example } from './schema.ts';

/** Where an answer goes: a list of names in `detect`, at these keys. */
type Question = { readonly at: readonly [string] | readonly [string, string]; readonly question: string };

const EVERYWHERE: readonly Question[] = [
  { at: ['packages', 'npm'], question: 'npm packages' },
  { at: ['packages', 'pypi'], question: 'PyPI packages' },
];
const PROGRAM: readonly Question[] = [
  { at: ['packages', 'brew'], question: 'Homebrew formulas' },
  { at: ['packages', 'cask'], question: 'Homebrew casks' },
  { at: ['binaries'], question: 'binaries whose name tells enough alone' },
  { at: ['commonBinaries'], question: 'binaries whose name others have too' },
  { at: ['paths'], question: 'folders that only this tool has, such as AppData/Local/Programs/Thing' },
  { at: ['apps', 'darwin'], question: 'macOS bundle identifiers' },
  { at: ['apps', 'linux'], question: '.desktop files, without .desktop' },
  { at: ['apps', 'win32'], question: 'names under Windows’ Uninstall' },
];
const RUNTIME: readonly Question[] = [
  { at: ['images'], question: 'container images, without tag' },
  { at: ['ports'], question: 'ports it listens on unless told otherwise' },
];
const EDITOR_EXTENSION: readonly Question[] = [
  { at: ['extensions', 'vscode'], question: 'VS Code ids, publisher.name' },
  { at: ['extensions', 'jetbrains'], question: 'JetBrains plugin ids' },
  { at: ['extensions', 'visualStudio'], question: 'Visual Studio ids' },
  { at: ['extensions', 'neovim'], question: 'plugin folders of Vim and Neovim' },
];
const BROWSER_EXTENSION: readonly Question[] = [
  { at: ['extensions', 'chromium'], question: 'ids of a Chromium store, 32 letters' },
  { at: ['extensions', 'firefox'], question: 'Firefox ids' },
];
const SITE: readonly Question[] = [
  { at: ['domains'], question: 'hosts, without www.' },
  { at: ['titles'], question: 'window titles that are its name and nothing else' },
];
const QUESTIONS: Readonly<Record<Entry['surface'], readonly Question[]>> = {
  cli: [...EVERYWHERE, ...PROGRAM],
  agent: [...EVERYWHERE, ...PROGRAM, ...RUNTIME],
  runtime: [...EVERYWHERE, ...PROGRAM, ...RUNTIME],
  desktop: [...EVERYWHERE, ...PROGRAM, ...SITE],
  browser: SITE,
  'ide-extension': [...EDITOR_EXTENSION, ...EVERYWHERE],
  'browser-extension': BROWSER_EXTENSION,
};

/** Asks for everything but the id. The answer is an entry as far as the answers go: the schema has the last word. */
export async function ask(id: string, answer: (question: string) => Promise<string>): Promise<unknown> {
  const many = async (question: string) =>
    (await answer(`${question} (with commas, or nothing)`))
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean);
  const family = (await answer('family, or nothing')) || null;
  const name = await answer('name');
  const vendor = await answer('vendor');
  const category = await answer(`category (${Entry.shape.category.options.join(', ')})`);
  const surface = await answer(`surface (${Entry.shape.surface.options.join(', ')})`);
  const detect: Record<string, unknown> = {};
  const answers = new Map<string, readonly string[]>();
  for (const { at, question } of QUESTIONS[surface as Entry['surface']] ?? []) {
    const list = await many(question);
    if (list.length === 0) continue;
    const [field, inner] = at;
    answers.set(at.join('.'), list);
    if (inner === undefined) detect[field] = field === 'ports' ? list.map(Number) : list;
    else detect[field] = { ...(detect[field] as object | undefined), [inner]: list };
  }
  const note = await answer('a note, where AI is one feature of a general program, or nothing');
  const order = Object.keys(Entry.shape.detect.shape);
  return {
    $schema: '../schema.json',
    id,
    family,
    name,
    vendor,
    category,
    surface,
    detect: Object.fromEntries(order.filter((field) => field in detect).map((field) => [field, detect[field]])),
    ...(note ? { feature: true } : {}),
    examples: [...answers].flatMap(([at, [first = '']]) => exampleOf(at, first)),
    ...(note ? { note } : {}),
    sources: await many('sources: where these facts can be looked up'),
  };
}

/** What an observer would report of such an identifier; none for what proves too little to be an example. */
function exampleOf(at: string, name: string): Example[] {
  const [field, inner] = at.split('.');
  switch (field) {
    case 'packages':
      return [{ package: { manager: inner as NonNullable<Example['package']>['manager'], name } }];
    case 'binaries':
      return [{ binary: { path: `/usr/local/bin/${name}` } }];
    case 'paths':
      return [{ platform: 'win32', process: { exe: `C:\\Users\\ada\\${name.replaceAll('/', '\\')}\\program.exe` } }];
    case 'apps':
      return [{ platform: inner as 'darwin' | 'linux' | 'win32', app: { appId: name } }];
    case 'images':
      return [{ container: { image: name } }];
    case 'domains':
      return [{ site: { host: name } }];
    case 'extensions':
      return [
        {
          extension: { host: (inner === 'visualStudio' ? 'visual-studio' : inner) as NonNullable<Example['extension']>['host'], id: name },
        },
      ];
    default:
      return [];
  }
}
