/** Plugins of Neovim and Vim: a folder each, where their package managers put them. The folder's name is all there is to know them by. */
import path from 'node:path';
import type { HomeReader } from '../home-reader.ts';
import { resolvePlace } from '../paths.ts';
import type { ExtensionSource, Look } from './look.ts';
import { placesHere } from './programs.ts';

export const vim: ExtensionSource = (look) => {
  const { reader } = look;
  for (const { folder, home } of dataFolders(reader)) {
    for (const manager of ['lazy', 'plugged']) report(look, 'Neovim', path.join(folder, manager), home, null);
    packages(look, 'Neovim', path.join(folder, 'site'), home);
  }
  const vims = { darwin: ['~/.vim'], linux: ['~/.vim', '$XDG_CONFIG_HOME/vim'], win32: ['~/vimfiles', '~/.vim'] };
  for (const { folder, home } of placesHere(reader, vims)) {
    for (const manager of ['plugged', 'bundle']) report(look, 'Vim', path.join(folder, manager), home, null);
    packages(look, 'Vim', folder, home);
  }
  const neovims = { darwin: ['$XDG_CONFIG_HOME/nvim'], linux: ['$XDG_CONFIG_HOME/nvim'], win32: ['%LOCALAPPDATA%/nvim'] };
  for (const { folder, home } of placesHere(reader, neovims)) packages(look, 'Neovim', folder, home);
};

/** `nvim`, and the folders of people who keep several configurations (`NVIM_APPNAME`), which have any name: those with "vim" in it. */
function dataFolders(reader: HomeReader): { folder: string; home: string }[] {
  const { os } = reader;
  const written = os.platform === 'win32' ? '%LOCALAPPDATA%' : '$XDG_DATA_HOME';
  return reader.homes.flatMap((home) => {
    const data = resolvePlace(written, os, home);
    if (data === null) return [];
    const names = reader.folders(data).filter((name) => /vim/i.test(name) && (os.platform !== 'win32' || name.endsWith('-data')));
    return names.slice(0, 20).map((name) => ({ folder: path.join(data, name), home }));
  });
}

/** `pack/<any>/start` is loaded at once; what is in `opt` waits until it is asked for. */
function packages(look: Look, program: string, folder: string, home: string | null): void {
  const pack = path.join(folder, 'pack');
  for (const name of look.reader.folders(pack)) {
    report(look, program, path.join(pack, name, 'start'), home, true);
    report(look, program, path.join(pack, name, 'opt'), home, null);
  }
}

function report(look: Look, program: string, folder: string, home: string | null, enabled: boolean | null): void {
  for (const name of look.reader.folders(folder)) {
    if (name.startsWith('.') || !look.wants('neovim', name, name)) continue;
    look.found({
      kind: 'extension',
      host: 'neovim',
      program,
      id: name,
      folder: null,
      version: null,
      profiles: [],
      enabled,
      permissions: [],
      path: path.join(folder, name),
      home,
    });
  }
}
