/** What a tool keeps on a computer, and where: MCP servers, projects, settings, add-ons, models, and with which account it is signed in. */
import { z } from 'zod';
import { fileFormat, id, keyPath, movedBy, onPlatforms, sqlite, strings } from './parts.ts';

/**
 * Where an MCP client keeps its servers: one file, one scope. A step of the path may hold one `*`: that folder alone is listed. `**` is any number
 * of folders, a few deep. Everything else is a named file.
 */
export const mcpPlace = z.strictObject({
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
export const projectsPlace = z.strictObject({
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
export const settingsPlace = z.strictObject({
  scope: z.enum(['user', 'project', 'local', 'managed']),
  path: onPlatforms,
  format: fileFormat,
  movedBy: movedBy.optional(),
});

/**
 * What people add to an agent, by name only: `skill`, `hook`, `plugin`, `subagent`, `command` or `instructions` (a file that the agent reads first).
 * A step of `path` may be `*`, as in a place of MCP servers.
 */
export const addonPlace = z.strictObject({
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
export const modelsPlace = z.strictObject({
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
export const accountProbe = z.strictObject({
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
