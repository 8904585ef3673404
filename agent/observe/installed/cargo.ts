/** What `cargo install` installed, from the list that cargo keeps of it. */
import path from 'node:path';
import { moved } from './folders.ts';
import { type Look, plainVersion, type Source } from './look.ts';

export const cargo: Source = {
  name: 'cargo',
  look(look) {
    for (const home of look.homes) {
      const root = moved(look, home, 'CARGO_INSTALL_ROOT') ?? moved(look, home, 'CARGO_HOME') ?? path.join(home, '.cargo');
      // Both hold the same crates; the older form is there for older cargos and is the simpler to read past a mistake.
      const text = textOf(look, path.join(root, '.crates2.json')) ?? textOf(look, path.join(root, '.crates.toml'));
      for (const { name, version } of cratesIn(text ?? '')) {
        if (look.wants('cargo', name)) look.found({ kind: 'package', manager: 'cargo', name, version, path: root, home });
      }
    }
  },
};

/**
 * The crates named in `.crates2.json` or `.crates.toml`: in both a quoted `name version (source)` in front of what belongs to it. The source
 * may be an address with a token, and is not kept.
 */
export function cratesIn(text: string): { name: string; version: string | null }[] {
  return [...text.matchAll(/"([A-Za-z0-9_-]{1,64}) (\d[\w.+-]{0,60}) \(/g)].map(([, name, version]) => ({
    name: name as string,
    version: plainVersion(version),
  }));
}

function textOf(look: Look, file: string): string | null {
  return look.bytes(file, 4 * 1024 * 1024)?.toString('utf8') ?? null;
}
