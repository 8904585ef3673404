/**
 * Where editors and browsers keep their records, as a table: a program more is a row more.
 *
 * From the programs' documentation, their sources and collections of such places; what was not found in two of them says so. A place that doesn't
 * exist costs one question to the system.
 */
import path from 'node:path';
import type { Platform } from '../../../electron/contract.ts';
import type { HomeReader } from '../home-reader.ts';
import { isSystemPlace, resolvePlace } from '../paths.ts';

/** A folder on each platform, in the catalog's spelling; on one platform it may be in several places. */
export type Places = Readonly<Partial<Record<Platform, readonly string[]>>>;

/** An editor made from VS Code: `extensions` is the folder of extensions, `data` of everything else. */
export type Editor = { readonly program: string; readonly installs: readonly { readonly extensions: Places; readonly data: Places }[] };

const everywhere = (...places: readonly string[]): Places => ({ darwin: places, linux: places, win32: places });

/** `~/.vscode/extensions` beside `~/.config/Code`: the names are all that differs. */
function editor(program: string, folders: readonly string[], dataNames: readonly string[], flatpak?: readonly [string, string]): Editor {
  const data: Places = {
    darwin: dataNames.map((name) => `~/Library/Application Support/${name}`),
    linux: dataNames.map((name) => `$XDG_CONFIG_HOME/${name}`),
    win32: dataNames.map((name) => `%APPDATA%/${name}`),
  };
  const usual = { extensions: everywhere(...folders.map((folder) => `~/${folder}/extensions`)), data };
  if (!flatpak) return { program, installs: [usual] };
  // The wrappers of the Flatpak packages move the extensions; of one the script was read, the others are taken to be alike.
  const [id, name] = flatpak;
  const inFlatpak = {
    extensions: { linux: [`~/.var/app/${id}/data/${name}/extensions`] },
    data: { linux: dataNames.map((of) => `~/.var/app/${id}/config/${of}`) },
  };
  return { program, installs: [usual, inFlatpak] };
}

/** An editor's part on the far side of a remote connection, with a `data` folder of its own. */
function server(program: string, ...folders: readonly string[]): Editor {
  return {
    program,
    installs: folders.map((folder) => ({ extensions: everywhere(`${folder}/extensions`), data: everywhere(`${folder}/data`) })),
  };
}

/** Portable installations keep everything in `data` beside the program; only the usual folders of the program are known. */
const portable: Editor['installs'] = [
  {
    extensions: {
      darwin: ['/Applications/code-portable-data/extensions', '~/Applications/code-portable-data/extensions'],
      linux: ['~/VSCode-linux-x64/data/extensions', '~/VSCode-linux-arm64/data/extensions', '/opt/VSCode-linux-x64/data/extensions'],
      win32: ['%LOCALAPPDATA%/Programs/Microsoft VS Code/data/extensions'],
    },
    data: {
      darwin: ['/Applications/code-portable-data/user-data', '~/Applications/code-portable-data/user-data'],
      linux: ['~/VSCode-linux-x64/data/user-data', '~/VSCode-linux-arm64/data/user-data', '/opt/VSCode-linux-x64/data/user-data'],
      win32: ['%LOCALAPPDATA%/Programs/Microsoft VS Code/data/user-data'],
    },
  },
  { extensions: everywhere('$VSCODE_PORTABLE/extensions'), data: everywhere('$VSCODE_PORTABLE/user-data') },
];

const code = editor('VS Code', ['.vscode'], ['Code'], ['com.visualstudio.code', 'vscode']);

export const editors: readonly Editor[] = [
  {
    program: 'VS Code',
    installs: [...code.installs, ...portable, { extensions: everywhere('$VSCODE_EXTENSIONS'), data: code.installs[0]?.data ?? {} }],
  },
  editor('VS Code Insiders', ['.vscode-insiders'], ['Code - Insiders'], ['com.visualstudio.code.insiders', 'vscode-insiders']),
  editor('VSCodium', ['.vscode-oss'], ['VSCodium'], ['com.vscodium.codium', 'codium']),
  editor('VSCodium Insiders', ['.vscodium-insiders'], ['VSCodium - Insiders']),
  editor('Code - OSS', ['.vscode-oss-dev'], ['Code - OSS'], ['com.visualstudio.code-oss', 'vscode']),
  editor('Cursor', ['.cursor'], ['Cursor']),
  editor('Windsurf', ['.windsurf'], ['Windsurf']),
  editor('Windsurf Next', ['.windsurf-next'], ['Windsurf - Next']),
  editor('Devin Desktop', ['.devin'], ['Devin']),
  editor('Antigravity', ['.antigravity'], ['Antigravity']),
  editor('Antigravity IDE', ['.antigravity-ide'], ['Antigravity IDE']),
  // From here on no second source confirms the folders; a wrong one is a folder that isn't there.
  editor('Kiro', ['.kiro'], ['Kiro']),
  editor('Trae', ['.trae'], ['Trae']),
  editor('Trae CN', ['.trae-cn'], ['Trae CN']),
  editor('Qoder', ['.qoder'], ['Qoder']),
  editor('CodeBuddy', ['.codebuddy'], ['CodeBuddy']),
  editor('CodeBuddy CN', ['.codebuddycn'], ['CodeBuddy CN']),
  editor('PearAI', ['.pearai'], ['PearAI']),
  editor('Void', ['.void-editor'], ['Void']),
  editor('Positron', ['.positron'], ['Positron']),
  editor('Aide', ['.aide', '.vscode-aide'], ['Aide']),
  editor('Melty', ['.melty'], ['Melty']),
  editor('Firebase Studio', ['.firebase-studio'], ['Firebase Studio']),
  editor('IBM Bob', ['.bobide'], ['IBM Bob']),
  editor('Azure Data Studio', ['.azuredatastudio'], ['azuredatastudio']),
  server('VS Code Server', '~/.vscode-server', '~/.vscode-remote'),
  server('VS Code Insiders Server', '~/.vscode-server-insiders'),
  server('VSCodium Server', '~/.vscodium-server', '~/.vscode-server-oss'),
  server('Cursor Server', '~/.cursor-server'),
  server('Windsurf Server', '~/.windsurf-server'),
  server('Antigravity Server', '~/.antigravity-server', '~/.antigravity-ide-server'),
  server('Kiro Server', '~/.kiro-server'),
  server('Trae Server', '~/.trae-server', '~/.trae-cn-server'),
  server('Positron Server', '~/.positron-server'),
  server('OpenVSCode Server', '~/.openvscode-server'),
  {
    program: 'code-server',
    installs: [{ extensions: everywhere('$XDG_DATA_HOME/code-server/extensions'), data: everywhere('$XDG_DATA_HOME/code-server') }],
  },
];

export type Browser = { readonly program: string; readonly data: Places };

function chromium(
  program: string,
  mac: string | null,
  linux: readonly string[],
  windows: string | null,
  ...more: readonly Places[]
): Browser {
  const all: readonly Places[] = [
    {
      darwin: mac === null ? [] : [`~/Library/Application Support/${mac}`],
      linux: linux.map((folder) => (/^[~$]/.test(folder) ? folder : `$XDG_CONFIG_HOME/${folder}`)),
      win32: windows === null ? [] : [/^%/.test(windows) ? windows : `%LOCALAPPDATA%/${windows}/User Data`],
    },
    ...more,
  ];
  const of = (platform: Platform) => all.flatMap((places) => places[platform] ?? []);
  return { program, data: { darwin: of('darwin'), linux: of('linux'), win32: of('win32') } };
}

export const chromiums: readonly Browser[] = [
  chromium('Chrome', 'Google/Chrome', ['google-chrome', '~/.var/app/com.google.Chrome/config/google-chrome'], 'Google/Chrome'),
  chromium('Chrome Beta', 'Google/Chrome Beta', ['google-chrome-beta'], 'Google/Chrome Beta'),
  chromium('Chrome Dev', 'Google/Chrome Dev', ['google-chrome-unstable'], 'Google/Chrome Dev'),
  chromium('Chrome Canary', 'Google/Chrome Canary', ['google-chrome-canary'], 'Google/Chrome SxS'),
  chromium(
    'Chromium',
    'Chromium',
    ['chromium', '~/snap/chromium/common/chromium', '~/.var/app/org.chromium.Chromium/config/chromium'],
    'Chromium',
  ),
  chromium('Edge', 'Microsoft Edge', ['microsoft-edge', '~/.var/app/com.microsoft.Edge/config/microsoft-edge'], 'Microsoft/Edge'),
  chromium('Edge Beta', 'Microsoft Edge Beta', ['microsoft-edge-beta'], 'Microsoft/Edge Beta'),
  chromium('Edge Dev', 'Microsoft Edge Dev', ['microsoft-edge-dev'], 'Microsoft/Edge Dev'),
  chromium('Edge Canary', 'Microsoft Edge Canary', [], 'Microsoft/Edge SxS'),
  chromium(
    'Brave',
    'BraveSoftware/Brave-Browser',
    [
      'BraveSoftware/Brave-Browser',
      '~/snap/brave/current/.config/BraveSoftware/Brave-Browser',
      '~/.var/app/com.brave.Browser/config/BraveSoftware/Brave-Browser',
    ],
    'BraveSoftware/Brave-Browser',
  ),
  chromium('Brave Beta', 'BraveSoftware/Brave-Browser-Beta', ['BraveSoftware/Brave-Browser-Beta'], 'BraveSoftware/Brave-Browser-Beta'),
  chromium(
    'Brave Nightly',
    'BraveSoftware/Brave-Browser-Nightly',
    ['BraveSoftware/Brave-Browser-Nightly'],
    'BraveSoftware/Brave-Browser-Nightly',
  ),
  chromium('Vivaldi', 'Vivaldi', ['vivaldi', '~/.var/app/com.vivaldi.Vivaldi/config/vivaldi'], 'Vivaldi'),
  chromium(
    'Opera',
    'com.operasoftware.Opera',
    ['opera', '~/snap/opera/current/.config/opera', '~/.var/app/com.opera.Opera/config/opera'],
    '%APPDATA%/Opera Software/Opera Stable',
  ),
  chromium('Opera GX', 'com.operasoftware.OperaGX', [], '%APPDATA%/Opera Software/Opera GX Stable'),
  chromium('Opera Air', 'com.operasoftware.OperaAir', [], '%APPDATA%/Opera Software/Opera Air Stable'),
  chromium('Opera Neon', 'com.operasoftware.OperaNeon', [], '%APPDATA%/Opera Software/Opera Neon'),
  // Where these keep their profiles stands in one source, or follows from the folder of the program.
  chromium('Arc', 'Arc/User Data', [], '%LOCALAPPDATA%/Packages/TheBrowserCompany.Arc_ttt1ap7aakyb4/LocalCache/Local/Arc/User Data'),
  chromium('Dia', 'Dia/User Data', [], null),
  chromium('Comet', 'Comet', [], 'Perplexity/Comet'),
  chromium('ChatGPT Atlas', 'com.openai.atlas/browser-data/host', [], null),
  chromium('BrowserOS', 'BrowserOS', ['browseros', 'browser-os'], 'BrowserOS'),
  chromium('Fellou', 'Fellou', [], 'Fellou'),
  chromium('Strawberry', 'strawberry', [], null),
  chromium('Aside', 'Aside', [], null),
  chromium('Yandex Browser', 'Yandex/YandexBrowser', ['yandex-browser'], 'Yandex/YandexBrowser'),
  chromium('Thorium', 'Thorium', ['thorium'], 'Thorium'),
  chromium('Iridium', 'Iridium', ['iridium'], 'Iridium'),
];

/** Folders that hold `profiles.ini`. */
export const firefoxes: readonly Browser[] = [
  {
    program: 'Firefox',
    data: {
      darwin: ['~/Library/Application Support/Firefox'],
      linux: [
        '~/.mozilla/firefox',
        // Since Firefox 147, for those who had none before.
        '$XDG_CONFIG_HOME/mozilla/firefox',
        '~/snap/firefox/common/.mozilla/firefox',
        '~/.var/app/org.mozilla.firefox/.mozilla/firefox',
        '~/.var/app/org.mozilla.firefox/config/mozilla/firefox',
      ],
      win32: ['%APPDATA%/Mozilla/Firefox'],
    },
  },
  firefox('LibreWolf', 'librewolf', ['~/.librewolf', '$XDG_CONFIG_HOME/librewolf/librewolf'], 'librewolf'),
  firefox('Waterfox', 'Waterfox', ['~/.waterfox'], 'Waterfox'),
  firefox('Zen', 'zen', ['~/.zen', '$XDG_CONFIG_HOME/zen', '~/.var/app/app.zen_browser.zen/.zen'], 'zen'),
  firefox('Floorp', 'Floorp', ['~/.floorp', '~/.var/app/one.ablaze.floorp/.floorp'], 'Floorp'),
];

function firefox(program: string, mac: string, linux: readonly string[], windows: string): Browser {
  return { program, data: { darwin: [`~/Library/Application Support/${mac}`], linux, win32: [`%APPDATA%/${windows}`] } };
}

/** The places that apply here: those of each home, and once those of the whole computer (`home` is null). In the order of the table, each once. */
export function placesHere(reader: HomeReader, places: Places): { readonly folder: string; readonly home: string | null }[] {
  const { os, homes } = reader;
  const found = new Map<string, string | null>();
  for (const written of places[os.platform] ?? []) {
    if (isSystemPlace(written)) {
      const folder = resolvePlace(written, os, os.user.home ?? path.parse(process.cwd()).root);
      if (folder !== null && !found.has(folder)) found.set(folder, reader.homeOf(folder));
      continue;
    }
    for (const home of homes) {
      const folder = resolvePlace(written, os, home);
      // A variable of the caller's own may lead anywhere; what lies in no home that is looked at belongs to the home it is a variable of.
      if (folder !== null && !found.has(folder)) found.set(folder, reader.homeOf(folder) ?? home);
    }
  }
  return [...found].map(([folder, home]) => ({ folder, home }));
}
