/** Bundles and features of Eclipse, whose file names say what they are (`org.example.bundle_1.2.3.jar`), in the usual folders of an installation. */
import path from 'node:path';
import type { HomeReader } from '../home-reader.ts';
import { compareVersions, plainVersion } from '../installed/look.ts';
import { type ExtensionSource, plainId } from './look.ts';
import { placesHere } from './programs.ts';

/** Installations lie where people unpack them; these are the installer's folder and the usual ones. A pool is shared by all of a person's. */
const installations = {
  darwin: ['/Applications/Eclipse.app/Contents/Eclipse', '~/Applications/Eclipse.app/Contents/Eclipse', '~/.p2/pool'],
  linux: ['/opt/eclipse', '/usr/share/eclipse', '/usr/lib/eclipse', '/snap/eclipse/current', '~/.p2/pool'],
  win32: ['C:/eclipse', '~/.p2/pool'],
};
/** Folders with an installation below each folder in them. */
const parents = { darwin: ['~/eclipse', '~/.eclipse'], linux: ['~/eclipse', '~/.eclipse'], win32: ['~/eclipse', '~/.eclipse'] };

export const eclipse: ExtensionSource = (look) => {
  const { reader } = look;
  for (const { folder, home } of [...placesHere(reader, installations), ...unpacked(reader)]) {
    for (const bundles of bundleFolders(reader, folder)) {
      const newest = new Map<string, { version: string; name: string }>();
      for (const { name } of reader.list(bundles) ?? []) {
        const [, named, version] = /^([A-Za-z][\w.-]{2,150})_(\d+\.\d+\.\d+(?:\.[\w-]+)?)$/.exec(name.replace(/\.jar$/, '')) ?? [];
        const id = plainId(named);
        if (id === null || version === undefined || !look.wants('eclipse', id, null)) continue;
        const known = newest.get(id);
        if (!known || compareVersions(version, known.version) > 0) newest.set(id, { version, name });
      }
      for (const [id, { version, name }] of newest) {
        look.found({
          kind: 'extension',
          host: 'eclipse',
          program: 'Eclipse',
          id,
          folder: null,
          version: plainVersion(version),
          profiles: [],
          enabled: null,
          permissions: [],
          path: path.join(bundles, name),
          home,
        });
      }
    }
  }
};

function unpacked(reader: HomeReader): { folder: string; home: string | null }[] {
  return placesHere(reader, parents).flatMap(({ folder, home }) => {
    const inner = reader.folders(folder).slice(0, 50);
    const all = inner.flatMap((name) => [name, `${name}/eclipse`, `${name}/Eclipse.app/Contents/Eclipse`]);
    return ['', ...all].map((name) => ({ folder: path.join(folder, name), home }));
  });
}

function bundleFolders(reader: HomeReader, folder: string): string[] {
  if (!reader.isFolder(folder)) return [];
  const dropins = path.join(folder, 'dropins');
  const dropped = reader.folders(dropins).flatMap((name) => [name, `${name}/plugins`, `${name}/eclipse/plugins`]);
  return ['plugins', 'features', 'dropins', ...dropped.map((name) => `dropins/${name}`)].map((name) => path.join(folder, name));
}
