/** Python tools: those of pipx and of uv, each in a virtual environment of its own, and packages in the user's and the machine's site-packages. */
import path from 'node:path';
import { brewPrefixes, dataFolder, localFolder, moved, roamingFolder } from './folders.ts';
import { type Look, plainVersion, type Source } from './look.ts';

export const pypi: Source = {
  name: 'pypi',
  look(look) {
    for (const folder of environmentFolders(look))
      for (const name of look.list(folder)) lookInEnvironment(look, path.join(folder, name), name);
    for (const folder of sitePackages(look)) {
      for (const distribution of look.list(folder).map(distributionOf)) {
        if (distribution && look.wants('pypi', distribution.name)) found(look, distribution, folder);
      }
    }
  },
};

type Distribution = { readonly name: string; readonly version: string | null };

/**
 * The name (in PyPI's normal form) and version that a metadata folder's name says, such as `aider_chat-0.86.1.dist-info`; null for any other
 * file. The name is enough: no file of a package is read.
 */
export function distributionOf(entry: string): Distribution | null {
  const match = /^([A-Za-z0-9][\w.-]{0,200}?)-(\d[\w.!+]{0,60})(?:\.dist-info|(?:-py\d[\d.]{0,6})?\.egg-info)$/.exec(entry);
  return match?.[1] === undefined ? null : { name: normal(match[1]), version: plainVersion(match[2]) };
}

/** In a tool's own environment only the tool counts: the rest are its dependencies, and `openai` there is a library. */
function lookInEnvironment(look: Look, environment: string, folderName: string): void {
  const name = normal(folderName);
  // pipx puts a suffix behind the name where it was asked for one; a catalog's name is then a beginning of it, so all are listed first.
  const distributions = siteFoldersOf(look, environment)
    .flatMap((folder) => look.list(folder))
    .map(distributionOf)
    .filter((distribution) => distribution !== null);
  const tool = distributions.filter((each) => name.startsWith(each.name)).sort((a, b) => b.name.length - a.name.length)[0];
  if (tool && look.wants('pypi', tool.name)) found(look, tool, environment);
}

function found(look: Look, { name, version }: Distribution, folder: string): void {
  look.found({ kind: 'package', manager: 'pypi', name, version, path: folder, home: look.homeOf(folder) });
}

/** Folders of environments, one a tool. */
function environmentFolders(look: Look): string[] {
  const { os } = look;
  const folders = os.platform === 'win32' ? [] : [os.at('/opt/pipx/venvs')];
  for (const home of look.homes) {
    const pipx = moved(look, home, 'PIPX_HOME');
    const uv = moved(look, home, 'UV_TOOL_DIR');
    if (pipx) folders.push(path.join(pipx, 'venvs'));
    if (uv) folders.push(uv);
    folders.push(path.join(home, '.local/pipx/venvs'));
    if (os.platform === 'win32') {
      // pipx's older and newer places, and uv's; from their documentation, unverified on Windows.
      folders.push(path.join(home, 'pipx', 'venvs'));
      for (const inner of ['pipx', 'pipx/pipx']) folders.push(path.join(localFolder(look, home), inner, 'venvs'));
      for (const inner of ['uv/tools', 'uv/data/tools']) folders.push(path.join(roamingFolder(look, home), inner));
    } else {
      folders.push(path.join(dataFolder(look, home), 'pipx/venvs'), path.join(dataFolder(look, home), 'uv/tools'));
      if (os.platform === 'darwin') folders.push(path.join(home, 'Library/Application Support/pipx/venvs'));
    }
  }
  return [...new Set(folders)];
}

/** Folders of packages that pip fills outside of an environment, with those of pyenv's and conda's Pythons. */
function sitePackages(look: Look): string[] {
  const { os } = look;
  const prefixes = os.platform === 'win32' ? [] : [...new Set([os.at('/usr/local'), ...brewPrefixes(look)])];
  const folders: string[] = [];
  for (const home of look.homes) {
    const versions = path.join(home, '.pyenv/versions');
    for (const name of look.list(versions)) prefixes.push(path.join(versions, name));
    for (const conda of ['miniconda3', 'anaconda3', 'miniforge3', 'mambaforge']) {
      const environments = path.join(home, conda, 'envs');
      prefixes.push(path.join(home, conda), ...look.list(environments).map((name) => path.join(environments, name)));
    }
    if (os.platform === 'win32') {
      const user = path.join(roamingFolder(look, home), 'Python');
      for (const name of look.list(user)) folders.push(path.join(user, name, 'site-packages'));
      const installed = path.join(localFolder(look, home), 'Programs', 'Python');
      for (const name of look.list(installed)) prefixes.push(path.join(installed, name));
      continue;
    }
    prefixes.push(path.join(home, '.local'));
    if (os.platform === 'darwin') {
      const user = path.join(home, 'Library/Python');
      for (const name of look.list(user)) folders.push(path.join(user, name, 'lib/python/site-packages'));
    }
  }
  return [...new Set([...prefixes.flatMap((prefix) => siteFoldersOf(look, prefix)), ...folders])];
}

function siteFoldersOf(look: Look, prefix: string): string[] {
  if (look.os.platform === 'win32') return [path.join(prefix, 'Lib', 'site-packages')];
  const lib = path.join(prefix, 'lib');
  return look
    .list(lib)
    .filter((name) => /^python3(\.\d+)?$/.test(name))
    .flatMap((name) => [path.join(lib, name, 'site-packages'), path.join(lib, name, 'dist-packages')]);
}

function normal(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}
