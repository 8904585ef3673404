/** When devices are told to come again: after the usual time, and spread over a whole interval while more of them come than usually do. */

/** 0 ≤ random() < 1. */
type Random = () => number;

export type Pace = {
  /** Seconds until the next check-in of the device that is answered now; as many on average as `everyS`. */
  next(everyS: number): number;
};

const MINUTE_MS = 60_000;
const HOUR = 60;
/** Answers in one minute; fewer are no surge, whatever came before. */
const FEWEST = 120;
const SURGE = 1.5;

/**
 * After an outage most devices come back within a quarter of an hour, and would come so every hour from then on. Two intervals of wide spread, from
 * the last surge on, flatten the wave and cost nothing: on average everybody comes as often. A process that has just begun knows no usual hour, and
 * takes a busy minute for a surge.
 */
export function createPace(clock: () => number, random: Random = Math.random): Pace {
  const minutes = new Array<number>(HOUR).fill(0);
  let minute = Math.floor(clock() / MINUTE_MS);
  let inHour = 0;
  let until = Number.NEGATIVE_INFINITY;
  const at = (which: number) => ((which % HOUR) + HOUR) % HOUR;

  function count(): void {
    const now = Math.floor(clock() / MINUTE_MS);
    for (let step = Math.max(minute + 1, now - HOUR + 1); step <= now; step++) {
      inHour -= minutes[at(step)] ?? 0;
      minutes[at(step)] = 0;
    }
    minute = Math.max(minute, now);
    minutes[at(minute)] = (minutes[at(minute)] ?? 0) + 1;
    inHour++;
  }

  return {
    next(everyS) {
      count();
      const fullest = Math.max(minutes[at(minute)] ?? 0, minutes[at(minute - 1)] ?? 0);
      if (fullest >= FEWEST && fullest > (SURGE * inHour) / HOUR) until = clock() + 2 * everyS * 1000;
      return clock() < until ? Math.round(everyS * (0.5 + random())) : everyS;
    },
  };
}
