/** Extensions of Zed: a folder each below `extensions/installed`, and versions in `extensions/index.json`. */
import path from 'node:path';
import { isMap, own } from '../../mcp/text.ts';
import { plainVersion } from '../installed/look.ts';
import { type ExtensionSource, json, plainId } from './look.ts';
import { placesHere } from './programs.ts';

const places = {
  darwin: ['~/Library/Application Support/Zed/extensions'],
  linux: ['$XDG_DATA_HOME/zed/extensions', '~/.var/app/dev.zed.Zed/data/zed/extensions'],
  // Not confirmed by a second source.
  win32: ['%LOCALAPPDATA%/Zed/extensions'],
};

export const zed: ExtensionSource = (look) => {
  const { reader } = look;
  for (const { folder, home } of placesHere(reader, places)) {
    if (!reader.isFolder(folder)) continue;
    const taken = reader.take(
      path.join(folder, 'index.json'),
      { maxBytes: 4 * 1024 * 1024, expected: 'an index in JSON', detail: true },
      (bytes) => {
        const extensions = own(json(bytes), 'extensions');
        if (!isMap(extensions)) return null;
        return new Map(Object.entries(extensions).map(([id, said]) => [id, plainVersion(own(own(said, 'manifest'), 'version'))]));
      },
    );
    const versions = taken.state === 'read' ? taken.value : new Map<string, string | null>();
    for (const name of reader.folders(path.join(folder, 'installed'))) {
      if (plainId(name) === null || !look.wants('zed', name, null)) continue;
      look.found({
        kind: 'extension',
        host: 'zed',
        program: 'Zed',
        id: name,
        folder: null,
        version: versions.get(name) ?? null,
        profiles: [],
        // There is no switch for an extension.
        enabled: true,
        permissions: [],
        path: path.join(folder, 'installed', name),
        home,
      });
    }
  }
};
