/** `npm start`: the tray application where there is a display; where there is none, the inventory of this machine in the terminal. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
import { CAPABILITIES, missingLibraries } from './capabilities.mjs';
import { runInPlace } from './child.mjs';
import { ensureElectron } from './electron-runtime.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const { DISPLAY, WAYLAND_DISPLAY } = process.env;

/** Progress goes to stderr, because without a display the inventory goes to stdout. @param {string} line */
function say(line) {
  process.stderr.write(`muster: ${line}\n`);
}

/** @param {string} why */
async function inventory(why) {
  const code = await runInPlace(process.execPath, [path.join(root, 'agent', 'cli.ts'), 'scan', ...args], { cwd: root });
  say(why);
  return code;
}

async function application() {
  const runtime = await ensureElectron(root, say);
  const libraries = missingLibraries();
  if (libraries.length > 0) {
    return inventory(
      `there is a display, but Electron's libraries are missing (${libraries.join(', ')}); for the tray and the window: ${CAPABILITIES['electron-libraries'].install}`,
    );
  }
  await bundle({ parts: ['main', 'preload', 'renderer'] });
  const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
  if (isRoot)
    say("running as root, where Chromium's sandbox can't work, so it is off (--no-sandbox); start as an ordinary user to have it.");
  say('Muster is starting; look for its icon in the tray.');
  return runInPlace(runtime.executable, [...runtime.args, ...(isRoot ? ['--no-sandbox'] : []), ...args], { cwd: root });
}

try {
  const hasDisplay = process.platform !== 'linux' || DISPLAY || WAYLAND_DISPLAY;
  process.exitCode = hasDisplay
    ? await application()
    : await inventory(
        'there is no display here; with one, this would be the tray icon, the window with every tool and its verdict, and requests by button.',
      );
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
