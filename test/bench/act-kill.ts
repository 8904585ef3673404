/** Kills a process before each step of switching a server off, or on: after the next start it is not done, or done and can be taken back byte for byte. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { actMachine } from '../agent/act-machine.ts';

const child = fileURLToPath(new URL('../agent/act-child.ts', import.meta.url));
const SECRET = 'planted-71c4e9a0d2b85f36';
const MODE = 0o640;
const BEFORE = `{\n  // mine\n  "mcpServers": {\n    "files": { "command": "npx", "args": ["@acme/files"], "env": { "T": "${SECRET}" } },\n    "notes": { "command": "x" }\n  }\n}\n`;

export type Killed = {
  readonly steps: number;
  readonly killed: number;
  readonly done: number;
  readonly notDone: number;
  readonly wrong: readonly string[];
};

/** `pick` chooses among the steps, which are numbered from 1. Leaves nothing behind. */
export async function killWhileActing(task: 'off' | 'on', pick: (steps: readonly number[]) => readonly number[]): Promise<Killed> {
  const scratch = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'muster-act-kill-')));
  try {
    const whole = await made(path.join(scratch, 'whole'), task);
    const steps = (await runs(whole, task, 0)) ?? 0;
    const wrong = [...(await wrongIn(whole)).wrong];
    const chosen = [...pick(Array.from({ length: steps }, (_, at) => at + 1))];
    const count = { killed: 0, done: 0, notDone: 0 };
    const work = async () => {
      for (let step = chosen.shift(); step !== undefined; step = chosen.shift()) {
        const folder = await made(path.join(scratch, String(step)), task);
        if ((await runs(folder, task, step)) === null) count.killed++;
        else wrong.push(`step ${step} never came`);
        const found = await wrongIn(folder);
        wrong.push(...found.wrong.map((what) => `step ${step}: ${what}`));
        if (found.isOff) count.done++;
        else count.notDone++;
      }
    };
    await Promise.all([work(), work()]);
    return { steps, ...count, wrong };
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

const configIn = (folder: string) => path.join(folder, 'home/.cursor/mcp.json');

async function made(folder: string, task: 'off' | 'on'): Promise<string> {
  const file = configIn(folder);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, BEFORE);
  fs.chmodSync(file, MODE);
  if (task === 'on') {
    const { acting, close } = actMachine(folder);
    acting.consider();
    for (const { id } of acting.shown()) await acting.actNow(id);
    close();
  }
  return folder;
}

/** How many steps it took; null where it was killed. */
function runs(folder: string, task: string, step: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [child, folder, task, String(step)], (error, stdout, stderr) => {
      if (error?.signal === 'SIGKILL') resolve(null);
      else if (error) reject(new Error(stderr));
      else resolve((JSON.parse(stdout) as { steps: number }).steps);
    });
  });
}

/** Starts anew, says what isn't whole, takes back what is done, and says what isn't as it was. */
async function wrongIn(folder: string): Promise<{ isOff: boolean; wrong: readonly string[] }> {
  const wrong: string[] = [];
  const demand = (holds: boolean, what: string) => {
    if (!holds) wrong.push(what);
  };
  const file = configIn(folder);
  const text = () => fs.readFileSync(file, 'utf8');
  const copies = () => (fs.existsSync(path.join(folder, 'undo')) ? fs.readdirSync(path.join(folder, 'undo')) : []);
  const { acting, store, close } = actMachine(folder);
  acting.consider();
  const isOff = !text().includes('@acme/files');
  const undoable = acting.shown().filter(({ mayUndo }) => mayUndo);
  demand(undoable.length === (isOff ? 1 : 0), 'what is off can’t be taken back, or what is on can');
  demand(
    acting.shown().every(({ state }) => ['waiting', 'done', 'undone'].includes(state)),
    'something failed',
  );
  demand(copies().join() === undoable.map(({ id }) => id).join(), 'a copy too many or too few');
  if (undoable[0]) await acting.undo(undoable[0].id);
  demand(text() === BEFORE, 'the file is not what it was');
  demand((fs.statSync(file).mode & 0o777) === MODE, 'its mode is not what it was');
  demand(fs.readdirSync(path.dirname(file)).join() === 'mcp.json', 'something lies beside it');
  demand(copies().length === 0, 'a copy is left');
  demand(!JSON.stringify([...store.evidenceRows.all(), ...store.actions()]).includes(SECRET), 'the record holds the secret');
  close();
  for (const name of fs.readdirSync(folder)) {
    const at = path.join(folder, name);
    if (fs.statSync(at).isFile()) demand(!fs.readFileSync(at, 'latin1').includes(SECRET), `${name} holds the secret`);
  }
  return { isOff, wrong };
}
