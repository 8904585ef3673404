/** The one careful way to read a small file of someone else's: regular files only, never more than asked for, and nothing that can block. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';

type Refused = 'absent' | 'not-a-file' | 'too-big' | 'unreadable' | 'loop';
type SmallFile =
  | { ok: true; bytes: Buffer; mtimeMs: number; uid: number }
  /** `detail` says what was met instead (`EACCES`, `a named pipe`, `300 bytes, more than 200`); it never holds the path or any content. */
  | { ok: false; why: Refused; detail: string };

// O_NONBLOCK opens a named pipe at once instead of waiting for a writer; Windows has neither flag.
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/**
 * The whole content of the regular file at `path` (links are followed) with its owner (0 on Windows) and time of change, or why not.
 * A file of more than `maxBytes` is refused, not cut. Never throws and never waits for another program.
 */
export function readSmall(path: string, maxBytes: number): SmallFile {
  let file: number | undefined;
  try {
    // Looked at before it is opened, because opening a device can have effects of its own, and an absent file should cost no exception.
    const before = statSync(path, { throwIfNoEntry: false });
    if (!before) return { ok: false, why: 'absent', detail: 'ENOENT' };
    const wrong = unfit(before, maxBytes);
    if (wrong) return wrong;
    file = openSync(path, flags);
    // And again, because the name may lead elsewhere by now.
    const stats = fstatSync(file);
    return unfit(stats, maxBytes) ?? readOpen(file, stats, maxBytes);
  } catch (error) {
    return refusal(error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function readOpen(file: number, stats: Stats, maxBytes: number): SmallFile {
  // One byte more than the file claims to have, so that a file that grows (or lies, as those in /proc do) is noticed.
  let bytes = Buffer.allocUnsafe(Math.min(stats.size, maxBytes) + 1);
  let length = 0;
  for (;;) {
    const read = readSync(file, bytes, length, bytes.length - length, null);
    length += read;
    // Exactly what it claimed, with room for more, is the end too: asking once more would be a fifth of the time of a small file.
    if (read === 0 || (length === stats.size && length < bytes.length)) {
      return { ok: true, bytes: bytes.subarray(0, length), mtimeMs: stats.mtimeMs, uid: stats.uid };
    }
    if (length > maxBytes) return { ok: false, why: 'too-big', detail: `more than ${maxBytes} bytes` };
    if (length === bytes.length) bytes = Buffer.concat([bytes], Math.min(Math.max(length * 2, 4096), maxBytes + 1));
  }
}

function unfit(stats: Stats, maxBytes: number): SmallFile | null {
  if (!stats.isFile()) return { ok: false, why: 'not-a-file', detail: kindOf(stats) };
  if (stats.size > maxBytes) return { ok: false, why: 'too-big', detail: `${stats.size} bytes, more than ${maxBytes}` };
  return null;
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

function refusal(error: unknown): SmallFile {
  const code = String((error as NodeJS.ErrnoException).code ?? 'error');
  if (code === 'ENOENT' || code === 'ENOTDIR') return { ok: false, why: 'absent', detail: code };
  if (code === 'ELOOP') return { ok: false, why: 'loop', detail: code };
  if (code === 'EISDIR') return { ok: false, why: 'not-a-file', detail: 'a folder' };
  if (code === 'ENXIO') return { ok: false, why: 'not-a-file', detail: 'a socket' };
  return { ok: false, why: 'unreadable', detail: code };
}
