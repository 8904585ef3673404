/** What a tool is: the shape of one file in `entries/` and in `families/`, and the words in which they may speak. */
import { z } from 'zod';

const id = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'lower-case words joined by hyphens');
const platform = z.enum(['darwin', 'linux', 'win32']);
const strings = z.array(z.string().min(1)).min(1);

/**
 * A place on disk, written as people write it: `~`, `$XDG_CONFIG_HOME` (with its default), `%APPDATA%`, `%LOCALAPPDATA%`, `%ProgramData%`,
 * another `$NAME` (the place exists only where that variable is set), and in front of a project file `<project>/`.
 */
const place = z
  .string()
  .min(2)
  .regex(
    /^(~\/|\/|%[A-Za-z]+%\/|\$[A-Z_]+(?:\/|$)|<project>\/|[A-Z]:\/)[^\\]*$/,
    'a place begins with ~/, /, %NAME%/, $NAME/, <project>/ or C:/ and has no backslash',
  );

/** How an entry is recognised. Every field is looked up in a map built once; none is a pattern to execute. */
const detect = z.strictObject({
  /** Package names per registry. A package is certain evidence, and so is a program run from inside its folder. */
  packages: z
    .strictObject({
      npm: strings.optional(),
      /** What stands before `-linux-x64` in platform packages named otherwise than the package itself (`opencode` for `opencode-ai`). */
      npmPlatform: strings.optional(),
      pypi: strings.optional(),
      brew: strings.optional(),
      cask: strings.optional(),
      snap: strings.optional(),
      flatpak: strings.optional(),
      dpkg: strings.optional(),
      cargo: strings.optional(),
      /** Package family names, `Claude_pzs8sxrjxfjjc`. */
      msix: strings.optional(),
    })
    .optional(),
  /** Executables' names, without `.exe`. Telling enough alone (`likely`). With capitals they match on Windows in any case, elsewhere exactly. */
  binaries: strings.optional(),
  /** Names that other programs have too: weak, never a row alone. */
  commonBinaries: strings.optional(),
  /** Consecutive segments of a path that only this tool has, such as `share/claude/versions` or `AnthropicClaude`, with `/`. Certain. */
  paths: strings.optional(),
  apps: z
    .strictObject({
      /** macOS bundle identifiers. */
      darwin: strings.optional(),
      /** Names of .desktop files without `.desktop`: certain in reverse-domain form (`dev.zed.Zed`), else likely. */
      linux: strings.optional(),
      /** Key names or display names under Windows' Uninstall, compared without case and version: likely; weak if also a common binary's name. */
      win32: strings.optional(),
    })
    .optional(),
  /** Python modules run by `python -m`, or a program run from their folder in site-packages. Certain, so no common words here. */
  modules: strings.optional(),
  /** Files or folders that the tool keeps for itself: weak, support other evidence. */
  configs: z.array(place).min(1).optional(),
  /** Identifiers of extensions in the programs that take them. An extension's own id is certain evidence. */
  extensions: z
    .strictObject({
      /** `publisher.name`, for VS Code and every editor made from it; compared without case. */
      vscode: strings.optional(),
      /** The id in a plugin's `plugin.xml`. */
      jetbrains: strings.optional(),
      /** Names of plugins' folders, where the id can't be read: likely. */
      jetbrainsFolders: strings.optional(),
      /** Identity ids of `extension.vsixmanifest`. */
      visualStudio: strings.optional(),
      /** Names of plugins' folders under Vim's and Neovim's package managers (`copilot.vim`): likely. */
      neovim: strings.optional(),
      /** Extension folders of Zed. */
      zed: strings.optional(),
      /** Symbolic names of bundles. */
      eclipse: strings.optional(),
      /** The 32 letters of the Chrome Web Store or another store of a Chromium browser. */
      chromium: z
        .array(z.string().regex(/^[a-p]{32}$/, '32 letters from a to p'))
        .min(1)
        .optional(),
      /** Add-on ids, `{…}` or `name@example`. */
      firefox: strings.optional(),
    })
    .optional(),
  /** Names of container images without registry's default and without tag: `ollama/ollama`, `ghcr.io/open-webui/open-webui`. Certain. */
  images: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9._/-]*$/, 'an image in lower case, without a tag'))
    .min(1)
    .optional(),
  /** Ports that the tool's server listens on when nobody says otherwise: weak, because ports are shared. */
  ports: z.array(z.int().min(1).max(65_535)).min(1).optional(),
  /** Hosts that people reach the tool at in a browser, without `www.`; what is below one of them is meant too. */
  domains: z
    .array(z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'a host in lower case'))
    .min(1)
    .optional(),
  /** Whole window titles, or endings after ` - `; matched only where policy allows, and weak, because a page may call itself anything. */
  titles: strings.optional(),
  /** Identifiers above that no source confirms, as `field:value` (`packages.brew:gemini-cli`): kept, and never more than weak. */
  unverified: strings.optional(),
});

const extensionHost = z.enum(['vscode', 'jetbrains', 'visual-studio', 'neovim', 'zed', 'eclipse', 'chromium', 'firefox']);

/** One example of what an observer reports for this tool; the check feeds each to `identify` and expects this entry. */
const example = z
  .strictObject({
    platform: platform.optional(),
    process: z
      .strictObject({
        exe: z.string(),
        args: z.array(z.string()).optional(),
        script: z.string().optional(),
        module: z.string().optional(),
        bundleId: z.string().optional(),
      })
      .optional(),
    window: z.strictObject({ exe: z.string().optional(), bundleId: z.string().optional(), title: z.string().optional() }).optional(),
    package: z
      .strictObject({ manager: z.enum(['npm', 'pypi', 'brew', 'cask', 'snap', 'flatpak', 'dpkg', 'cargo', 'msix']), name: z.string() })
      .optional(),
    app: z.strictObject({ appId: z.string(), name: z.string().optional(), publisher: z.string().optional() }).optional(),
    binary: z.strictObject({ path: z.string(), target: z.string().optional() }).optional(),
    extension: z
      .strictObject({
        host: extensionHost,
        id: z.string(),
        folder: z.string().optional(),
      })
      .optional(),
    container: z.strictObject({ image: z.string() }).optional(),
    site: z.strictObject({ host: z.string() }).optional(),
  })
  .refine(({ platform: _, ...kinds }) => Object.values(kinds).filter(Boolean).length === 1, {
    message: 'an example is exactly one of process, window, package, app, binary, extension, container and site',
  });

/** The file on each platform; absent: not on that platform. In a place of MCP servers or projects a step may be `*` (see below). */
const onPlatforms = z.strictObject({ darwin: place.optional(), linux: place.optional(), win32: place.optional() });

const keyPath = z.array(z.string());
const fileFormat = z.enum(['json', 'jsonc', 'json5', 'toml', 'yaml', 'plist']);

/** The environment variable that moves the folder of the file, where the client has one. */
const movedBy = z.strictObject({ variable: z.string(), path: place });

/** A JSON value kept in one row of a client's SQLite file: `format` is the format of that value. */
const sqlite = z.strictObject({ table: z.string(), keyColumn: z.string(), key: z.string(), valueColumn: z.string() });

/**
 * Where an MCP client keeps its servers: one file, one scope. A step of the path may hold one `*`: that folder alone is listed. `**` is any number
 * of folders, a few deep. Everything else is a named file.
 */
const mcpPlace = z.strictObject({
  scope: z.enum(['user', 'project', 'local', 'plugin', 'profile', 'managed', 'system']),
  path: onPlatforms,
  format: fileFormat,
  /** Keys that lead to the map or list of servers; `*` is any key, and then it is the project's folder. */
  at: keyPath.min(1),
  /** Other key paths of the same file whose servers count too. An empty one: where none of the others is there, the file itself is the map. */
  also: z.array(keyPath).min(1).optional(),
  /** The value is one server and not a map of them; these keys lead to its name. */
  one: z.strictObject({ name: keyPath.min(1) }).optional(),
  /**
   * Where a text stands instead of servers, it is the path of a file that has them: followed inside the plugin's own folder (the one above the
   * file's folder), or anywhere in the home.
   */
  follow: z
    .strictObject({ within: z.enum(['plugin', 'home']), format: fileFormat, at: keyPath.min(1), also: z.array(keyPath).min(1).optional() })
    .optional(),
  movedBy: movedBy.optional(),
  sqlite: sqlite.optional(),
  /**
   * Other files of the client that switch these servers off: by a list of their names, by a map from the plugin that brings them
   * (`plugin@marketplace`) to a flag, or by one flag for all. `<project>` in `at` is the project's folder, `*` in a path the name of the file's folder.
   */
  switches: z
    .array(
      z.strictObject({
        path: onPlatforms,
        format: fileFormat,
        at: keyPath.min(1),
        means: z.enum(['list', 'plugins', 'flag']),
        movedBy: movedBy.optional(),
      }),
    )
    .min(1)
    .optional(),
  /**
   * The client's own way to leave one of these servers out: a key of the entry with this value, or a list of names from the top of the same file, or
   * beside the map of servers. Only where a source or the client itself has shown that it honours it.
   */
  turnOff: z
    .union([
      z.strictObject({ key: z.string().min(1), value: z.boolean() }),
      z.strictObject({ list: keyPath.min(1), from: z.enum(['top', 'beside']) }),
    ])
    .optional(),
  /** No source that could be checked confirms that the client reads this file; what is found there is shown as such. */
  uncertain: z.literal(true).optional(),
});

/** Where a client records the projects that it was used in: their folders are looked at for project-scope files. */
const projectsPlace = z.strictObject({
  path: onPlatforms,
  format: fileFormat,
  at: keyPath.min(1),
  also: z.array(keyPath).min(1).optional(),
  /** Whether the folders are the keys of the map found there, or its values, or the one value itself. `file://` addresses count as folders. */
  take: z.enum(['keys', 'values']),
  movedBy: movedBy.optional(),
  sqlite: sqlite.optional(),
});

/** Where an agent keeps its own settings: what it may do without asking. `managed` is the organization's file, which the user can't change. */
const settingsPlace = z.strictObject({
  scope: z.enum(['user', 'project', 'local', 'managed']),
  path: onPlatforms,
  format: fileFormat,
  movedBy: movedBy.optional(),
});

/**
 * What people add to an agent, by name only: `skill`, `hook`, `plugin`, `subagent`, `command` or `instructions` (a file that the agent reads first).
 * A step of `path` may be `*`, as in a place of MCP servers.
 */
const addonPlace = z.strictObject({
  kind: z.enum(['skill', 'hook', 'plugin', 'subagent', 'command', 'instructions']),
  scope: z.enum(['user', 'project', 'local', 'plugin', 'managed', 'system']),
  /** The folder that holds them, or the file. */
  path: onPlatforms,
  /**
   * `folders`: every folder in it that holds the file `holds` is one, by its name. `files`: every file with the ending is one, down two folders.
   * `keys`: the keys of the map at `at` in the file, or the items of a list there (by their number or the key `name`). `file`: the file itself.
   */
  layout: z.discriminatedUnion('as', [
    z.strictObject({ as: z.literal('folders'), holds: z.string() }),
    z.strictObject({ as: z.literal('files'), ending: z.string() }),
    z.strictObject({ as: z.literal('keys'), format: fileFormat, at: keyPath.min(1), name: keyPath.optional() }),
    z.strictObject({ as: z.literal('file') }),
  ]),
  movedBy: movedBy.optional(),
  uncertain: z.literal(true).optional(),
});

/** Where a runtime keeps models: by name and size only. `files` lists files with these endings, a few folders deep. */
const modelsPlace = z.strictObject({
  path: onPlatforms,
  layout: z.discriminatedUnion('as', [
    z.strictObject({ as: z.literal('ollama') }),
    z.strictObject({ as: z.literal('hugging-face') }),
    z.strictObject({ as: z.literal('files'), endings: strings }),
  ]),
  movedBy: movedBy.optional(),
});

/**
 * Where a tool writes down with which account it is signed in. Only the fields named here are taken; of an e-mail address only what follows the `@`.
 * A file that holds a token beside them is read for these fields and dropped; a file that is there for tokens is never named here, but for `jwt`.
 */
const accountProbe = z.strictObject({
  path: onPlatforms,
  format: fileFormat,
  movedBy: movedBy.optional(),
  /**
   * Rows of a SQLite file, by the names under which the keys below find their values: only these are asked for, so that a token in another row is never
   * read. A key that ends in `*` is any key that begins so. A value that isn't JSON is the text itself.
   */
  rows: z
    .strictObject({ table: z.string(), keyColumn: z.string(), valueColumn: z.string(), keys: z.record(z.string(), z.string()) })
    .optional(),
  /** The file of the same product under its later name: where that is there, this one is what an update left behind, and isn't read. */
  replacedBy: onPlatforms.optional(),
  /** Present and not empty while somebody is signed in; absent: the file's existence says so. */
  signedIn: keyPath.min(1).optional(),
  /** Values that say nobody is. */
  signedOut: z.strictObject({ at: keyPath.min(1), is: strings }).optional(),
  /**
   * Keys to the vendor's name of the plan, and what it means in the family's tiers, compared without case; of several keys the first whose name is in
   * the map counts, and a name that isn't there is an unknown tier.
   */
  tier: z.strictObject({ at: keyPath.min(1), also: z.array(keyPath.min(1)).min(1).optional(), is: z.record(z.string(), id) }).optional(),
  organization: keyPath.min(1).optional(),
  /** Keys to the e-mail address; of several the first that is there. */
  email: z.strictObject({ at: keyPath.min(1), also: z.array(keyPath.min(1)).min(1).optional() }).optional(),
  /** Whether the account is a person's own, where the tier doesn't say: keys to a value that does, or what the file's existence means. */
  personal: z.union([z.boolean(), z.strictObject({ at: keyPath.min(1), is: z.record(z.string(), z.boolean()) })]).optional(),
  /**
   * The program has the tool built in, so that it stands in no list of extensions: a value at these keys that isn't empty, with somebody signed in, is
   * evidence of the tool (likely).
   */
  proves: z.strictObject({ at: keyPath.min(1), program: z.string() }).optional(),
  /** The one file of tokens that is ever opened: the payload of the JWT at this key is decoded in memory, and the keys above are read in it. */
  jwt: keyPath.min(1).optional(),
  uncertain: z.literal(true).optional(),
});

export const Entry = z.strictObject({
  $schema: z.string().optional(),
  id,
  family: id.nullable(),
  name: z.string().min(1),
  vendor: z.string().min(1),
  category: z.enum([
    'chat',
    'coding-cli',
    'ai-editor',
    'editor',
    'browser',
    'local-runtime',
    'multi-model-client',
    'agent',
    'meeting',
    'dictation',
    'writing',
    'image',
    'video',
    'audio',
    'productivity',
    'ide-extension',
    'browser-extension',
    'web-ui',
  ]),
  surface: z.enum(['desktop', 'cli', 'ide-extension', 'browser', 'browser-extension', 'runtime', 'agent']),
  detect,
  mcp: z.array(mcpPlace).min(1).optional(),
  projects: z.array(projectsPlace).min(1).optional(),
  settings: z.array(settingsPlace).min(1).optional(),
  accounts: z.array(accountProbe).min(1).optional(),
  addons: z.array(addonPlace).min(1).optional(),
  models: z.array(modelsPlace).min(1).optional(),
  /** AI is one feature of a general program: that it is there says nothing of use ("presence is not use"). */
  feature: z.literal(true).optional(),
  examples: z.array(example).min(1),
  /** Shown to people where AI is one feature of a general program, or a name misleads. */
  note: z.string().optional(),
  sources: strings,
});
export type Entry = z.infer<typeof Entry>;

/** An MCP client that is no tool of the inventory: an extension of an editor, a folder that several clients read, a gateway. */
export const Client = z.strictObject({
  $schema: z.string().optional(),
  id,
  name: z.string().min(1),
  vendor: z.string().min(1),
  mcp: z.array(mcpPlace).min(1),
  projects: z.array(projectsPlace).min(1).optional(),
  sources: strings,
});
export type Client = z.infer<typeof Client>;
export type McpPlace = z.infer<typeof mcpPlace>;
export type ProjectsPlace = z.infer<typeof projectsPlace>;
export type SettingsPlace = z.infer<typeof settingsPlace>;
export type AddonPlace = z.infer<typeof addonPlace>;
export type ModelsPlace = z.infer<typeof modelsPlace>;
export type AccountProbe = z.infer<typeof accountProbe>;
export type Example = z.infer<typeof example>;

/** One product of many entries; it owns the licence tiers. */
export const Family = z.strictObject({
  $schema: z.string().optional(),
  id,
  name: z.string().min(1),
  vendor: z.string().min(1),
  tiers: z.array(
    z.strictObject({
      id,
      name: z.string().min(1),
      /** Whether the vendor trains on what goes in: by default; never; only unless the person opts out; not known. */
      trains: z.enum(['yes', 'no', 'opt-out', 'unknown']),
      source: z.string().nullable(),
      /** Whose contract it is: one person's own, or an organization's. */
      for: z.enum(['person', 'organization']).optional(),
      /** What the vendor says it does with the data otherwise (kept how long, where, under which agreement), in one plain sentence. */
      terms: z.strictObject({ text: z.string().min(10), source: z.string() }).optional(),
    }),
  ),
  sources: strings,
});
export type Family = z.infer<typeof Family>;

/**
 * Ordinary programs of one platform, as observers report them: none may match anything. A program that shares a common name with a tool stands
 * under `collisions` with that tool's entry: it may match weakly, and must not more.
 */
export const Innocents = z.strictObject({
  $schema: z.string().optional(),
  /** Files of processes. */
  processes: strings,
  /** What interpreters run: the interpreter's file, then the script. */
  scripts: z.array(z.tuple([z.string(), z.string()])).optional(),
  /** Modules of `python -m`. */
  modules: strings.optional(),
  packages: z.partialRecord(z.enum(['npm', 'pypi', 'brew', 'cask', 'snap', 'flatpak', 'dpkg', 'cargo', 'msix']), strings).optional(),
  /** Identity, name and publisher, as in an app's observation. */
  apps: z.array(z.tuple([z.string(), z.string(), z.string().nullable()])).optional(),
  /** Files in folders of binaries. */
  binaries: strings.optional(),
  /** Ids of extensions, by the program that takes them; for Vim and Neovim the folder. */
  extensions: z.partialRecord(extensionHost, strings).optional(),
  /** Container images, without a tag. */
  images: strings.optional(),
  /** Hosts of pages. */
  sites: strings.optional(),
  collisions: z.array(z.strictObject({ entry: id, why: z.string().min(10), seen: example })),
});
export type Innocents = z.infer<typeof Innocents>;

/**
 * Who publishes MCP servers: known packages (for names that nearly are theirs), known publishers, the addresses of models' vendors and the public
 * indexes of packages. What is not here is unknown, and not bad.
 */
const names = z.array(
  z
    .string()
    .min(1)
    .regex(/^[^A-Z\s]+$/, 'lower case, no space'),
);
export const Publishers = z.strictObject({
  $schema: z.string().optional(),
  sources: z.array(z.string()),
  /** Packages known by their name alone; PyPI's with `-` between the words, images without a tag. */
  packages: z.strictObject({ npm: names, pypi: names, oci: names, go: names }),
  publishers: z.array(
    z.strictObject({
      name: z.string().min(1),
      /** Scopes, `@playwright`. */
      npm: names.optional(),
      /** Beginnings of names that only this publisher has on PyPI, `awslabs-`. */
      pypi: names.optional(),
      /** Beginnings of images' names, `mcp/`, `ghcr.io/github/`. */
      oci: names.optional(),
      /** `github.com/owner`. */
      repositories: names.optional(),
      /** Domains of remote servers; what is below one of them is meant too. */
      hosts: names.optional(),
    }),
  ),
  /** Where a model's vendor is reached, and the variables that move it. */
  apis: z.array(z.strictObject({ variables: z.array(z.string().regex(/^[A-Z][A-Z0-9_]*$/)).min(1), hosts: names.min(1) })),
  /** Hosts of the public indexes. */
  indexes: names,
});
export type Publishers = z.infer<typeof Publishers>;

/** A check's exception: dated, reasoned, and reported once it is no longer needed. */
export const Exceptions = z.array(
  z.strictObject({ check: z.string(), entry: z.string(), reason: z.string().min(10), until: z.iso.date().optional() }),
);
export type Exceptions = z.infer<typeof Exceptions>;
