/**
 * Switches one server of a config file off, or on again, and ends itself with SIGKILL right before a step: `node act-child.ts FOLDER TASK STEP`.
 * A step is a call that changes something on the disk. Prints what it found; ends by itself where there are fewer steps.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

const [folder = '', task = '', step = '0'] = process.argv.slice(2);
let left = Number(step);
let steps = 0;
let isCounting = false;
const changing = [
  'mkdirSync',
  'openSync',
  'writeFileSync',
  'writeSync',
  'fsyncSync',
  'renameSync',
  'rmSync',
  'fchmodSync',
  'fchownSync',
] as const;
for (const name of changing) {
  const real = fs[name] as (...args: unknown[]) => unknown;
  (fs as Record<string, unknown>)[name] = (...args: unknown[]) => {
    // Opening to read changes nothing.
    if (isCounting && !(name === 'openSync' && typeof args[1] !== 'string')) {
      steps++;
      if (--left === 0) process.kill(process.pid, 'SIGKILL');
    }
    return real(...args);
  };
}
syncBuiltinESMExports();

const { actMachine } = await import('./act-machine.ts');
const machine = actMachine(folder);
const { acting } = machine;
acting.consider();
const found = acting.shown().map(({ id, state, mayUndo }) => ({ id, state, mayUndo }));
isCounting = true;
if (task === 'off') for (const { id, state } of found) if (state === 'waiting') await acting.actNow(id);
if (task === 'on') for (const { id, mayUndo } of found) if (mayUndo) await acting.undo(id);
isCounting = false;
machine.close();
process.stdout.write(
  JSON.stringify({ steps, found, copies: fs.existsSync(path.join(folder, 'undo')) ? fs.readdirSync(path.join(folder, 'undo')) : [] }),
);
