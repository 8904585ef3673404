/**
 * What everybody knows: names of folders that a system or a tool makes, of programs and of files that programs expect. Only a path that begins at one
 * of their places, and only as far as it keeps to these names, is told as it is.
 */
import type { Catalog } from '../../native-catalog/catalog.ts';

export type KnownWords = {
  /** A folder or file that comes with a system, a tool or a package manager, with or without its version. */
  isPart(name: string): boolean;
  /** How a program's or a project's own files are called everywhere (`.mcp.json`, `src`, `server.js`). */
  isFile(name: string): boolean;
  /** Says nothing of anybody, alone or within a name: `work`, `run`, `github`. */
  isCommon(name: string): boolean;
};

const words = (...lines: string[]) => new Set(lines.flatMap((line) => line.split(' ')));

/** Where systems and tools keep what they installed: what follows may be told as far as its names are known. */
const SYSTEM_HEADS = words('usr bin sbin opt lib lib64 etc snap nix applications library system');
const DRIVE_HEADS = new Set(['program files', 'program files (x86)', 'programdata', 'windows']);
const HOME_HEADS = words('library appdata applications bin snap go');

const PARTS = words(
  'usr bin sbin opt lib lib64 lib32 libexec share local etc var snap nix store profile profiles default current common flatpak exports system32',
  'applications library contents macos resources app apps frameworks programs roaming windows programdata appdata extensions plugins globalstorage',
  'node_modules .bin dist build release versions version installs toolchains tools tool shims scripts site-packages dist-packages venvs envs venv',
  'homebrew cellar caskroom linuxbrew cask .local .config .cache .npm-global .npm .nvm .volta .asdf .bun .deno .cargo .pyenv .rbenv .fnm .n .vscode',
  'node nodejs npm npx pnpm yarn bun bunx deno tsx ts-node python python2 python3 py pip pipx uv uvx ruby java dotnet go cargo docker podman nerdctl',
  'bash sh zsh dash fish cmd powershell pwsh env sudo code cursor mcp claude user users.json x64 x86 arm64 versions.json miniconda3 anaconda3 conda',
);
const PARTS_WITH_SPACES = ['program files', 'program files (x86)', 'application support', 'user data', 'group containers'];
const FILES = words(
  '. .. src lib dist build out bin .bin node_modules .venv venv scripts server servers mcp mcp-server tools packages app apps client cmd target release',
  'index.js index.mjs index.cjs index.ts main.js main.mjs main.ts main.py main.go server.js server.mjs server.cjs server.ts server.py app.js app.py',
  '.mcp.json .claude .cursor .vscode .codex .gemini settings.json settings.local.json claude.md agents.md',
  'cli.js cli.mjs cli.ts cli.py run.js run.py run.sh start.sh __main__.py mcp.js mcp.py mcp_server.py stdio.js package.json pyproject.toml .env mcp.json',
);
const COMMON = words(
  'work works code coding dev develop development project projects repo repos repository source sources src workspace workspaces git github gitlab',
  'documents desktop downloads pictures music movies videos public private shared share sync dropbox onedrive icloud drive data files file folder',
  'home homes users user root tmp temp mnt media srv volumes volume var run opt usr etc test tests testing demo demos example examples sample samples',
  'new old app apps web site api docs doc notes tools tool scripts script misc stuff personal company business client clients server servers',
  'start serve launch exec dlx stdio http https sse ws tcp mcp main master index local latest help version true false yes no on off auto all none',
  'debug info warn error production localhost admin ubuntu debian runner node python claude cursor agent agents model models skill skills',
);

/** Numbers, and what stands beside them in versions and names of builds. */
const BUILD =
  /^(?:v?\d{1,8}|alpha|beta|rc|pre|preview|dev|nightly|canary|insiders?|stable|linux|darwin|macos|osx|win32|windows|x64|x86|64|amd64|arm64|aarch64|universal|gnu|musl|unknown|apple|pc)\d*$/;

function isVersion(text: string): boolean {
  const pieces = text.split(/[-+_.]/);
  return /^v?\d/.test(text) && pieces.every((piece) => BUILD.test(piece));
}

export function createKnownWords(catalog: Pick<Catalog, 'words'>): KnownWords {
  const said = catalog.words();
  const parts = new Set([...PARTS, ...PARTS_WITH_SPACES, ...said.parts]);
  const inProjects = new Set([...FILES, ...said.inProjects]);

  const isPart = (name: string): boolean => {
    const lower = name.toLowerCase();
    const bare = lower.replace(/\.(?:exe|cmd|bat|ps1|app|appimage)$/, '');
    if (parts.has(lower) || parts.has(bare) || isVersion(lower)) return true;
    const numbered = /^(.+?)[-@_]?(v?\d.*)$/.exec(bare);
    return numbered !== null && parts.has(numbered[1] ?? '') && isVersion(numbered[2] ?? '');
  };
  const isFile = (name: string) => inProjects.has(name.toLowerCase());
  return { isPart, isFile, isCommon: (name) => COMMON.has(name.toLowerCase()) || isPart(name) || isFile(name) };
}

/** Whether a path may begin with this name, below a home (`~`), a drive (`C:`) or the root (empty). */
export function isHead(root: string, name: string): boolean {
  const lower = name.toLowerCase();
  if (root === '~') return HOME_HEADS.has(lower) || /^\.[^.]/.test(lower);
  return root === '' ? SYSTEM_HEADS.has(lower) : DRIVE_HEADS.has(lower);
}
