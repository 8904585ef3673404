/** Lets so many at once do something, and the others wait in the order in which they came. */

export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

export function createTurns(most: number): Turns {
  let busy = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    // Who ends gives its place to the next, so that nobody who has just come takes it.
    if (busy >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else busy--;
    }
  };
}
