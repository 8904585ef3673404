/** From the file that a command line names to the file that is run: absolute, links resolved, and never waiting on a dead network drive. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file system that doesn't answer in this time (a dead network drive) leaves the path as it was named. */
const longestWaitMs = 500;

/**
 * The absolute path of `script`, links resolved. `folder` is the process's working folder, null where the system won't say: then a relative
 * name can't be told and the answer is null, as it is for a descriptor (`/dev/fd/3`). What lies on a Windows share, and what can't be resolved (no such file, no permission),
 * comes back unresolved.
 */
export async function resolveScript(script: string, folder: string | null): Promise<string | null> {
  const named = fromUrl(script);
  if (named === null) return null;
  // A share of another computer (`\\server\share`): only asking for it would send the user's name and a proof of the password there.
  if (named.startsWith('\\\\') || (path.sep === '\\' && named.startsWith('//'))) return named;
  const absolute = path.isAbsolute(named) ? path.normalize(named) : folder === null ? null : path.resolve(folder, named);
  // A here-document or a process substitution: under our own eyes the same name is another file.
  if (absolute === null || /^\/(dev\/(fd\/|std)|proc\/)/.test(absolute)) return null;
  // Node runs `server.js` when it is told `server`.
  return (await resolved(absolute)) ?? (path.extname(absolute) === '' ? await resolved(`${absolute}.js`) : null) ?? absolute;
}

function fromUrl(script: string): string | null {
  if (!script.startsWith('file://')) return script;
  try {
    return fileURLToPath(script);
  } catch {
    return null;
  }
}

/**
 * Resolves links, a few at a time. A question that isn't answered goes on holding one of Node's four threads for files, long after nobody waits for
 * it; so no more than `most` are ever asked at once, and while those hang the answer for every other file is null, at once.
 */
export function boundedResolver(
  ask: (file: string) => Promise<string> = (file) => realpath(file),
  { most = 2, waitMs = longestWaitMs }: { most?: number; waitMs?: number } = {},
): (file: string) => Promise<string | null> {
  let asked = 0;
  let hanging = 0;
  const queue: (() => void)[] = [];
  const next = () => {
    // Whoever waits for a turn is told when there is one, or when there will be none.
    while (queue.length > 0 && (asked < most || hanging >= most)) queue.shift()?.();
  };
  return (file) =>
    new Promise((resolve) => {
      queue.push(() => {
        if (asked >= most) return resolve(null);
        asked++;
        let late = false;
        const timer = setTimeout(() => {
          late = true;
          hanging++;
          resolve(null);
          next();
        }, waitMs);
        const answered = (target: string | null) => {
          clearTimeout(timer);
          asked--;
          if (late) hanging--;
          resolve(target);
          next();
        };
        ask(file).then(answered, () => answered(null));
      });
      next();
    });
}

const resolved = boundedResolver();
