/** Splits a Windows command line into arguments, by the rules of CommandLineToArgvW. Pure. */

/**
 * The first argument is the program's path: to the next quote when it begins with one, else to the first blank; backslashes mean nothing there.
 * In the others a quote begins or ends a part that may hold blanks, 2n backslashes before a quote are n backslashes, 2n + 1 are n and a
 * quote, and the third of three quotes in a row is a quote. An empty line has no arguments.
 */
export function splitCommandLine(line: string): string[] {
  if (line === '') return [];
  const blank = (index: number) => line[index] === ' ' || line[index] === '\t';
  let at = 0;
  let argument = '';
  if (line[0] === '"') {
    const end = line.indexOf('"', 1);
    argument = line.slice(1, end < 0 ? line.length : end);
    at = end < 0 ? line.length : end + 1;
  } else {
    while (at < line.length && !blank(at)) at++;
    argument = line.slice(0, at);
  }
  const args = [argument];
  while (blank(at)) at++;
  if (at === line.length) return args;

  argument = '';
  let quotes = 0;
  let backslashes = 0;
  while (at < line.length) {
    const character = line[at] ?? '';
    if (blank(at) && quotes === 0) {
      args.push(argument);
      argument = '';
      backslashes = 0;
      while (blank(at)) at++;
      if (at === line.length) return args;
    } else if (character === '"') {
      if (backslashes % 2 === 0) {
        argument = argument.slice(0, argument.length - backslashes / 2);
        quotes++;
      } else {
        argument = `${argument.slice(0, argument.length - (backslashes + 1) / 2)}"`;
      }
      backslashes = 0;
      at++;
      for (; line[at] === '"'; at++) {
        if (++quotes === 3) {
          argument += '"';
          quotes = 0;
        }
      }
      if (quotes === 2) quotes = 0;
    } else {
      backslashes = character === '\\' ? backslashes + 1 : 0;
      argument += character;
      at++;
    }
  }
  args.push(argument);
  return args;
}
