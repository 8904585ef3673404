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
