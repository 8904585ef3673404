/** Extensions of Visual Studio, by the `extension.vsixmanifest` in the folder of each. Only Windows has it; its folders are from documentation and not tried. */
import path from 'node:path';
import type { HomeReader } from '../home-reader.ts';
import { plainVersion } from '../installed/look.ts';
import { type ExtensionSource, type Look, plainId } from './look.ts';
import { placesHere } from './programs.ts';
import { elements } from './xml.ts';

const manifest = 'extension.vsixmanifest';
/** Today a folder with a random name; once publisher, name and version. */
const deepest = 3;
const maximumFolders = 2000;

const years: Readonly<Record<string, string>> = { 14: '2015', 15: '2017', 16: '2019', 17: '2022', 18: '2026' };

export const visualStudio: ExtensionSource = (look) => {
  const { reader } = look;
  const places = { win32: ['%LOCALAPPDATA%/Microsoft/VisualStudio', '%ProgramData%/Microsoft/VisualStudio'] };
  for (const { folder, home } of placesHere(reader, places)) {
    for (const version of reader.folders(folder)) {
      // `17.0_1a2b3c4d` for a person's instance, `17.0` for everybody's, with `Exp` behind it where extensions are developed.
      const major = /^(\d+)\.\d+(?:_[0-9a-f]+)?$/.exec(version)?.[1];
      if (major === undefined) continue;
      const program = `Visual Studio ${years[major] ?? major}`;
      for (const at of manifestsBelow(reader, path.join(folder, version, 'Extensions'))) lookAtManifest(look, program, at, home);
    }
  }
};

function manifestsBelow(reader: HomeReader, top: string): string[] {
  const found: string[] = [];
  let level = reader.isFolder(top) ? [top] : [];
  let seen = 0;
  for (let depth = 0; depth <= deepest && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      if (++seen > maximumFolders) return found;
      if (reader.isFile(path.join(folder, manifest))) found.push(path.join(folder, manifest));
      else if (depth < deepest) next.push(...reader.folders(folder).map((name) => path.join(folder, name)));
    }
    level = next;
  }
  return found;
}

function lookAtManifest(look: Look, program: string, file: string, home: string | null): void {
  const taken = look.reader.take(file, { maxBytes: 1024 * 1024, expected: 'an extension’s manifest' }, (bytes) => identity(text(bytes)));
  if (taken.state !== 'read' || !look.wants('visual-studio', taken.value.id, null)) return;
  look.found({
    kind: 'extension',
    host: 'visual-studio',
    program,
    id: taken.value.id,
    folder: null,
    version: taken.value.version,
    profiles: [],
    // It stands in a registry hive that only Visual Studio opens.
    enabled: null,
    permissions: [],
    path: path.dirname(file),
    home,
  });
}

function text(bytes: Buffer): string {
  return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString('utf16le', 2) : bytes.toString('utf8').replace(/^\ufeff/, '');
}

/** `<Identity Id Version>` under `Metadata` in the second form, `<Identifier Id><Version>` at the root in the first. */
function identity(xml: string): { id: string; version: string | null } | null {
  let first: string | null = null;
  for (const { name, attributes, text: said } of elements(xml, 2)) {
    if (name === 'Identity') {
      const id = plainId(attributes.get('Id'));
      if (id !== null) return { id, version: plainVersion(attributes.get('Version')) };
    }
    if (name === 'Identifier') first = plainId(attributes.get('Id'));
    if (name === 'Version' && first !== null) return { id: first, version: plainVersion(said) };
  }
  return first === null ? null : { id: first, version: null };
}
