/** From the file that a command line names to the file that is run: absolute, links resolved, and never waiting on a dead network drive. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';

/** A file system that doesn't answer in this time (a dead network drive) leaves the path as it was named. */
const longestWaitMs = 500;

/**
 * The absolute path of `script`, links resolved. `folder` is the process's working folder, null where the system won't say: then a relative
 * name can't be told and the answer is null, as it is for a descriptor (`/dev/fd/3`). What can't be resolved (no such file, no permission) comes back absolute and unresolved.
 */
export async function resolveScript(script: string, folder: string | null): Promise<string | null> {
  const named = fromUrl(script);
  const absolute = path.isAbsolute(named) ? path.normalize(named) : folder === null ? null : path.resolve(folder, named);
  // A here-document or a process substitution: under our own eyes the same name is another file.
  if (absolute === null || /^\/(dev\/(fd\/|std)|proc\/)/.test(absolute)) return null;
  // Node runs `server.js` when it is told `server`.
  return (await resolved(absolute)) ?? (path.extname(absolute) === '' ? await resolved(`${absolute}.js`) : null) ?? absolute;
}

function fromUrl(script: string): string {
  if (!script.startsWith('file://')) return script;
  try {
    return decodeURIComponent(new URL(script).pathname);
  } catch {
    return script;
  }
}

async function resolved(file: string): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const timeout = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, longestWaitMs, null);
    });
    return await Promise.race([realpath(file), timeout]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
