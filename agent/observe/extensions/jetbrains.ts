/**
 * Plugins of the JetBrains IDEs and Android Studio: a folder a plugin in the folder of each product's version; what each is stands in `META-INF/plugin.xml`, loose
 * or in a jar, and which are off in `disabled_plugins.txt`.
 */
import path from 'node:path';
import type { HomeReader } from '../home-reader.ts';
import { plainVersion } from '../installed/look.ts';
import { resolvePlace } from '../paths.ts';
import { readMember } from './archive.ts';
import { type ExtensionSource, type Look, plainId } from './look.ts';
import { elements } from './xml.ts';

const descriptor = 'META-INF/plugin.xml';
const maximumDescriptor = 2 * 1024 * 1024;
/** The jar that has the descriptor is nearly always named after the plugin, and those are asked first. */
const maximumJars = 40;
const maximumPlugins = 500;

const vendors = ['JetBrains', 'Google'];

/** Folders' names that aren't the product's with spaces in it. */
const products: Readonly<Record<string, string>> = {
  IntelliJIdea: 'IntelliJ IDEA',
  IdeaIC: 'IntelliJ IDEA Community',
  IdeaIE: 'IntelliJ IDEA Edu',
  PyCharmCE: 'PyCharm Community',
  AndroidStudio: 'Android Studio',
  AndroidStudioPreview: 'Android Studio Preview',
  JetBrainsGateway: 'Gateway',
  JetBrainsClient: 'JetBrains Client',
};

export const jetbrains: ExtensionSource = (look) => {
  for (const home of look.reader.homes) for (const product of productsIn(look.reader, home)) lookAtProduct(look, home, product);
};

type Product = { readonly program: string; readonly config: string; readonly plugins: readonly string[] };

/** On Linux plugins have a folder of their own beside the settings; before 2020, and on the other systems, they lie in the settings' folder. */
function productsIn(reader: HomeReader, home: string): Product[] {
  const { os } = reader;
  const found: Product[] = [];
  for (const vendor of vendors) {
    const written = {
      darwin: [`~/Library/Application Support/${vendor}`],
      linux: [`$XDG_CONFIG_HOME/${vendor}`, `$XDG_DATA_HOME/${vendor}`],
      win32: [`%APPDATA%/${vendor}`, ...(vendor === 'Google' ? [`%LOCALAPPDATA%/${vendor}`] : [])],
    }[os.platform];
    const [settings, ...others] = written.map((place) => resolvePlace(place, os, home)).filter((place) => place !== null);
    if (settings === undefined) continue;
    const names = new Set([settings, ...others].flatMap((folder) => reader.folders(folder)));
    for (const name of names) {
      const [, product, version] = /^([A-Za-z]{2,40}?)(\d{1,4}(?:\.\d{1,4}){1,3})$/.exec(name) ?? [];
      if (product === undefined || version === undefined) continue;
      const config = path.join(settings, name);
      const moved = movedPlugins(reader, config, home);
      const usual = [
        path.join(config, 'plugins'),
        ...others.map((folder) => path.join(folder, name, ...(os.platform === 'linux' ? [] : ['plugins']))),
      ];
      found.push({ program: `${products[product] ?? product} ${version}`, config, plugins: [...usual, ...(moved ? [moved] : [])] });
    }
  }
  return found;
}

/** `idea.plugins.path` of `idea.properties`; every other line is passed over. */
function movedPlugins(reader: HomeReader, config: string, home: string): string | null {
  const options = { maxBytes: 256 * 1024, expected: 'text', detail: true };
  const taken = reader.take(path.join(config, 'idea.properties'), options, (bytes) => {
    const line = /^[ \t]*idea\.plugins\.path[ \t]*[=:][ \t]*([^\r\n]{1,1000})$/m.exec(bytes.toString('utf8'))?.[1];
    return line?.trim().replaceAll('\\\\', '\\') ?? '';
  });
  if (taken.state !== 'read' || taken.value === '') return null;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how the IDE writes the home.
  const folder = taken.value.replace('${user.home}', () => home);
  return path.isAbsolute(folder) && reader.homeOf(folder) !== null ? path.resolve(folder) : null;
}

function lookAtProduct(look: Look, home: string, { program, config, plugins }: Product): void {
  const { reader } = look;
  let off: ReadonlySet<string> | undefined;
  for (const folder of plugins) {
    for (const { name } of (reader.list(folder) ?? []).slice(0, maximumPlugins)) {
      const plugin = pluginAt(look, path.join(folder, name), name);
      if (plugin === null || !look.wants('jetbrains', plugin.id ?? name, name)) continue;
      off ??= disabled(reader, path.join(config, 'disabled_plugins.txt'));
      look.found({
        kind: 'extension',
        host: 'jetbrains',
        program,
        id: plugin.id ?? name,
        folder: name.replace(/\.jar$/, ''),
        version: plugin.version,
        profiles: [],
        enabled: plugin.id === null ? null : !off.has(plugin.id),
        permissions: [],
        path: path.join(folder, name),
        home,
      });
    }
  }
}

function disabled(reader: HomeReader, file: string): ReadonlySet<string> {
  const taken = reader.take(file, { maxBytes: 1024 * 1024, expected: 'text', detail: true }, (bytes) => {
    return new Set(
      bytes
        .toString('utf8')
        .split(/\r?\n/)
        .slice(0, 10_000)
        .map((line) => line.trim()),
    );
  });
  return taken.state === 'read' ? taken.value : new Set();
}

/** `id` is null where nothing says it: then the folder's name stands for it. */
type Plugin = { readonly id: string | null; readonly version: string | null };

function pluginAt(look: Look, at: string, name: string): Plugin | null {
  const { reader } = look;
  if (name.startsWith('.')) return null;
  if (name.endsWith('.jar')) return inJar(reader, at);
  if (!reader.isFolder(at)) return null;
  const options = { maxBytes: maximumDescriptor, expected: 'a plugin’s description', detail: true };
  const loose = reader.take(path.join(at, descriptor), options, (bytes) => described(bytes));
  if (loose.state === 'read') return loose.value;
  const lib = path.join(at, 'lib');
  if (!reader.isFolder(lib)) return null;
  const jars = (reader.list(lib) ?? []).map((entry) => entry.name).filter((jar) => jar.endsWith('.jar'));
  for (const jar of nearest(name, jars).slice(0, maximumJars)) {
    const found = inJar(reader, path.join(lib, jar));
    if (found !== null) return found;
  }
  return jars.length > 0 ? { id: null, version: null } : null;
}

/** As the IDE itself looks: those that begin like the plugin's folder first, the shorter before the longer. */
function nearest(folder: string, jars: readonly string[]): string[] {
  const near = (jar: string) => (jar.toLowerCase().startsWith(folder.toLowerCase().slice(0, 8)) ? 0 : 1);
  return [...jars].sort((a, b) => near(a) - near(b) || a.length - b.length || (a < b ? -1 : 1));
}

function inJar(reader: HomeReader, file: string): Plugin | null {
  if (!reader.mayRead(file)) return null;
  const member = reader.keep(file, descriptor, reader.stamp(file) ?? '', () => {
    const read = readMember(file, descriptor, maximumDescriptor);
    return read.state === 'read' ? { state: 'read' as const, plugin: described(read.bytes) } : read;
  });
  if (member.state === 'refused') reader.unclear(file, member.detail);
  return member.state === 'read' ? member.plugin : null;
}

/** A plugin without an id goes by its name. */
function described(xml: Buffer): Plugin | null {
  const said = new Map<string, string>();
  let root = '';
  for (const { name, depth, text } of elements(xml.toString('utf8').replace(/^\ufeff/, ''), 1)) {
    if (depth === 0) root = name;
    else if (!said.has(name)) said.set(name, text);
    if (said.has('id') && said.has('version')) break;
  }
  if (root !== 'idea-plugin') return null;
  return { id: plainId(said.get('id')) ?? plainId(said.get('name')), version: plainVersion(said.get('version')) };
}
