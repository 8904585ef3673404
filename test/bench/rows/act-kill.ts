/** Kills a process before every single step of switching a server off and on again. */
import { killWhileActing } from '../act-kill.ts';
import type { Row } from '../bench.ts';

export const row: Row = {
  id: 'act-kill',
  about: 'kill -9 before every step of switching a server off, and on again',
  needs: [],
  limitS: { short: 600, long: 600 },
  async run() {
    const [off, on] = [await killWhileActing('off', (all) => all), await killWhileActing('on', (all) => all)];
    const wrong = [...off.wrong, ...on.wrong];
    return [
      {
        what: `kill -9 before each of ${off.steps} steps off and ${on.steps} on`,
        measured: `${off.done + on.done} done, ${off.notDone + on.notDone} not done, ${wrong.length} half${wrong[0] ? ` (${wrong[0]})` : ''}`,
        bar: 'done or not done, never half; taken back byte for byte',
        met: wrong.length === 0 && off.killed === off.steps && on.killed === on.steps,
        numbers: { off: off.steps, on: on.steps, wrong: wrong.length },
      },
    ];
  },
};
