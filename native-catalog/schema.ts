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
  /** Whole window titles, or endings after ` - `; matched only where policy allows, and weak, because a page may call itself anything. */
  titles: strings.optional(),
  /** Identifiers above that no source confirms, as `field:value` (`packages.brew:gemini-cli`): kept, and never more than weak. */
  unverified: strings.optional(),
});

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
  })
  .refine((one) => [one.process, one.window, one.package, one.app, one.binary].filter(Boolean).length === 1, {
    message: 'an example is exactly one of process, window, package, app and binary',
  });

/** Where an MCP client keeps its servers: one file, one scope. */
const mcpPlace = z.strictObject({
  scope: z.enum(['user', 'project', 'local', 'plugin', 'profile', 'managed', 'system']),
  /** The file on each platform; absent: not on that platform. */
  path: z.strictObject({ darwin: place.optional(), linux: place.optional(), win32: place.optional() }),
  format: z.enum(['json', 'jsonc', 'toml']),
  /** Keys that lead to the map of servers; `*` is any key, and then it is the project's folder. */
  at: z.array(z.string()).min(1),
  /** The environment variable that moves the folder of the file, where the client has one. */
  movedBy: z.strictObject({ variable: z.string(), path: place }).optional(),
});

/** Where a client records the projects that it was used in: their folders are looked at for project-scope files. */
const projectsPlace = z.strictObject({
  path: z.strictObject({ darwin: place.optional(), linux: place.optional(), win32: place.optional() }),
  format: z.enum(['json', 'jsonc', 'toml']),
  at: z.array(z.string()).min(1),
  /** Whether the folders are the keys of the map found there, or its values. */
  take: z.enum(['keys', 'values']),
  /** The environment variable that moves the folder of the file, where the client has one. */
  movedBy: z.strictObject({ variable: z.string(), path: place }).optional(),
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
  ]),
  surface: z.enum(['desktop', 'cli', 'ide-extension', 'browser', 'browser-extension', 'runtime', 'agent']),
  detect,
  mcp: z.array(mcpPlace).min(1).optional(),
  projects: z.array(projectsPlace).min(1).optional(),
  examples: z.array(example).min(1),
  /** Shown to people where AI is one feature of a general program, or a name misleads. */
  note: z.string().optional(),
  sources: strings,
});
export type Entry = z.infer<typeof Entry>;
export type McpPlace = z.infer<typeof mcpPlace>;
export type ProjectsPlace = z.infer<typeof projectsPlace>;
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
  collisions: z.array(z.strictObject({ entry: id, why: z.string().min(10), seen: example })),
});
export type Innocents = z.infer<typeof Innocents>;

/** A check's exception: dated, reasoned, and reported once it is no longer needed. */
export const Exceptions = z.array(
  z.strictObject({ check: z.string(), entry: z.string(), reason: z.string().min(10), until: z.iso.date().optional() }),
);
export type Exceptions = z.infer<typeof Exceptions>;
