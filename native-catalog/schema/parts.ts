/** What the shapes of the catalog's files are made of: ids, platforms, places on disk, and how a file is found and read. */
import { z } from 'zod';

export const id = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'lower-case words joined by hyphens');
export const platform = z.enum(['darwin', 'linux', 'win32']);
export const strings = z.array(z.string().min(1)).min(1);

/**
 * A place on disk, written as people write it: `~`, `$XDG_CONFIG_HOME` (with its default), `%APPDATA%`, `%LOCALAPPDATA%`, `%ProgramData%`,
 * another `$NAME` (the place exists only where that variable is set), and in front of a project file `<project>/`.
 */
export const place = z
  .string()
  .min(2)
  .regex(
    /^(~\/|\/|%[A-Za-z]+%\/|\$[A-Z_]+(?:\/|$)|<project>\/|[A-Z]:\/)[^\\]*$/,
    'a place begins with ~/, /, %NAME%/, $NAME/, <project>/ or C:/ and has no backslash',
  );

/** The file on each platform; absent: not on that platform. In a place of MCP servers or projects a step may be `*` (see below). */
export const onPlatforms = z.strictObject({ darwin: place.optional(), linux: place.optional(), win32: place.optional() });

export const keyPath = z.array(z.string());
export const fileFormat = z.enum(['json', 'jsonc', 'json5', 'toml', 'yaml', 'plist']);

/** The environment variable that moves the folder of the file, where the client has one. */
export const movedBy = z.strictObject({ variable: z.string(), path: place });

/** A JSON value kept in one row of a client's SQLite file: `format` is the format of that value. */
export const sqlite = z.strictObject({ table: z.string(), keyColumn: z.string(), key: z.string(), valueColumn: z.string() });
