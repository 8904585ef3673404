/** What a tool is: the shape of each file of the catalog. What it is made of stands in `schema/`. */
import { z } from 'zod';
import { accountProbe, addonPlace, mcpPlace, modelsPlace, projectsPlace, settingsPlace } from './schema/kept.ts';
import { id, strings } from './schema/parts.ts';
import { detect, example, extensionHost } from './schema/recognise.ts';

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
