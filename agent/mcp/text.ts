/** Bytes of a JSON, JSONC, JSON5, TOML or YAML file or a property list → a value; one parser a format. Never throws, and says what is wrong without quoting the file, which may hold secrets. */
import json5 from 'json5';
import { createScanner } from 'jsonc-parser';
import { parse as parseToml, TomlError } from 'smol-toml';
import { parsePlist } from './plist.ts';
import { parseYaml, YamlError } from './yaml.ts';

export type Format = 'json' | 'jsonc' | 'json5' | 'toml' | 'yaml' | 'plist';
export type Value = { readonly [key: string]: Value } | readonly Value[] | string | number | boolean | null;
/** `detail` ends a sentence about the file: "line 3 isn't JSON". `empty` is a file of white space only. */
export type Decoded = { ok: true; value: unknown; empty: boolean } | { ok: false; detail: string };

const maximumDepth = 200;
/** With comments or trailing commas it is read slower, too; a client's own large state is plain JSON. */
const maximumRelaxed = 2 * 1024 * 1024;
/** TOML is read slower than JSON; the largest real config.toml seen is some ten kilobytes. */
const maximumToml = 1024 * 1024;
const maximumJson5 = 1024 * 1024;
/** YAML is read a hundred times slower than JSON, and the largest real config seen is thirty kilobytes. */
const maximumYaml = 64 * 1024;

export function decode(format: Format, bytes: Uint8Array): Decoded {
  if (format === 'plist') return decodePlist(bytes);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { ok: false, detail: "it isn't text in UTF-8" };
  }
  if (text.trim() === '') return { ok: true, value: null, empty: true };
  if (tooDeep(text, format)) return { ok: false, detail: `it is nested deeper than ${maximumDepth} levels` };
  if (format === 'toml') return decodeToml(text);
  if (format === 'yaml') return decodeYaml(text);
  return format === 'json5' ? decodeJson5(text) : decodeJson(text);
}

/**
 * Comments and trailing commas are taken in both JSON formats: some clients allow them though the file is named `.json`, and a client that doesn't
 * keeps working with what it has in memory. Of a key that is there twice the last counts, as in every client.
 */
function decodeJson(text: string): Decoded {
  try {
    return { ok: true, value: JSON.parse(text), empty: false };
  } catch {
    if (text.length > maximumRelaxed) return { ok: false, detail: "it isn't plain JSON, and JSON with comments is read up to 2 MiB" };
    const plain = withoutComments(text);
    if (plain.trim() === '') return { ok: true, value: null, empty: true };
    try {
      return { ok: true, value: JSON.parse(plain), empty: false };
    } catch (error) {
      // The message quotes the text around the place, so only the place is taken from it; without one the text ended too soon.
      const at = /at position (\d+)/.exec(String(error))?.[1];
      return { ok: false, detail: `line ${lineAt(text, at === undefined ? text.length : Number(at))} isn't JSON` };
    }
  }
}

/** The library's own names for these are a `const enum`, which a file that is only stripped of its types can't read. */
const token = { closeBrace: 2, closeBracket: 4, comma: 5, lineComment: 12, blockComment: 13, lineBreak: 14, space: 15, end: 17 };

/** JSONC as JSON of the same length and lines. Only the library's scanner is used: its parser collects every error of a hostile file. */
function withoutComments(text: string): string {
  const scanner = createScanner(text);
  const cuts: { at: number; length: number }[] = [];
  let comma = -1;
  for (let kind: number = scanner.scan(); kind !== token.end; kind = scanner.scan()) {
    if (kind === token.space || kind === token.lineBreak) continue;
    if (kind === token.lineComment || kind === token.blockComment) {
      cuts.push({ at: scanner.getTokenOffset(), length: scanner.getTokenLength() });
      continue;
    }
    if (comma >= 0 && (kind === token.closeBrace || kind === token.closeBracket)) cuts.push({ at: comma, length: 1 });
    comma = kind === token.comma ? scanner.getTokenOffset() : -1;
  }
  let plain = '';
  let from = 0;
  // A comma is known for a trailing one only after the comments behind it.
  for (const { at, length } of cuts.sort((a, b) => a.at - b.at)) {
    plain += text.slice(from, at) + text.slice(at, at + length).replace(/[^\r\n]/g, ' ');
    from = at + length;
  }
  return plain + text.slice(from);
}

function decodeToml(text: string): Decoded {
  if (text.length > maximumToml) return { ok: false, detail: 'it is larger than 1 MiB' };
  try {
    return { ok: true, value: parseToml(text), empty: false };
  } catch (error) {
    // The message of a TomlError quotes the line.
    return { ok: false, detail: error instanceof TomlError ? `line ${error.line} isn't TOML` : "it isn't TOML" };
  }
}

function decodeJson5(text: string): Decoded {
  try {
    return { ok: true, value: JSON.parse(text), empty: false };
  } catch {
    if (text.length > maximumJson5) return { ok: false, detail: "it isn't plain JSON, and JSON5 is read up to 1 MiB" };
    try {
      return { ok: true, value: json5.parse(text), empty: false };
    } catch (error) {
      const line = (error as { lineNumber?: unknown }).lineNumber;
      // A text that ends too soon, a file of comments only among them, has its error where it ends.
      if (withoutComments(text).trim() === '') return { ok: true, value: null, empty: true };
      return { ok: false, detail: typeof line === 'number' ? `line ${line} isn't JSON5` : "it isn't JSON5" };
    }
  }
}

function decodeYaml(text: string): Decoded {
  if (text.length > maximumYaml) return { ok: false, detail: `it is larger than ${maximumYaml / 1024} KiB` };
  try {
    const value = parseYaml(text.replace(/^\ufeff/, ''));
    return { ok: true, value, empty: value === null };
  } catch (error) {
    const offset = error instanceof YamlError ? error.offset : null;
    return { ok: false, detail: offset === null ? "it isn't YAML that can be read" : `line ${lineAt(text, offset)} isn't YAML` };
  }
}

function decodePlist(bytes: Uint8Array): Decoded {
  if (bytes.every((byte) => byte === 32 || (byte >= 9 && byte <= 13))) return { ok: true, value: null, empty: true };
  try {
    return { ok: true, value: parsePlist(bytes), empty: false };
  } catch {
    return { ok: false, detail: "it isn't a property list" };
  }
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** One pass over the text before a parser that recurses may see it. */
function tooDeep(text: string, format: Format): boolean {
  // YAML's reader has a limit of its own, and in its plain texts brackets need not pair.
  if (format === 'yaml') return false;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 92) at++;
      else if (code === 34) inString = false;
    } else if (code === 34 && format !== 'toml') inString = true;
    else if (code === 47 && format !== 'toml') at = afterComment(text, at);
    else if (code === 123 || code === 91) {
      if (++depth > maximumDepth) return true;
    } else if (code === 125 || code === 93) depth = Math.max(0, depth - 1);
  }
  return false;
}

function afterComment(text: string, at: number): number {
  const next = text[at + 1];
  if (next !== '/' && next !== '*') return at;
  const end = next === '/' ? text.indexOf('\n', at) : text.indexOf('*/', at + 2) + 1;
  return end <= 0 ? text.length : end;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** A map's own field; undefined for anything inherited, such as a `__proto__` that a file has set. */
export function own(value: unknown, key: string): unknown {
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Where `at` leads, with the key that stood for each `*`: nothing, one value, or one a project. */
export function lookUp(value: unknown, at: readonly string[]): { value: unknown; parent: unknown; star: string | null }[] {
  let found: { value: unknown; parent: unknown; star: string | null }[] = [{ value, parent: null, star: null }];
  for (const key of at) {
    found = found.flatMap((here) =>
      key === '*'
        ? isMap(here.value) || Array.isArray(here.value)
          ? Object.entries(here.value).map(([star, inner]) => ({ value: inner, parent: here.value, star }))
          : []
        : own(here.value, key) === undefined
          ? []
          : [{ value: own(here.value, key), parent: here.value, star: here.star }],
    );
  }
  return found;
}
