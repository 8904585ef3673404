/** Takes off what only starts another program, so that the program itself can be judged. Pure. */

/** `C:\x\npx.cmd` → `npx`, without case where Windows' endings show that case means nothing. */
export function programName(command: string): string {
  const base = command.slice(Math.max(command.lastIndexOf('/'), command.lastIndexOf('\\')) + 1);
  const bare = base.replace(/\.(?:exe|cmd|bat|ps1)$/i, '');
  return bare === base ? base : bare.toLowerCase();
}

const elevators = new Set(['sudo', 'doas', 'pkexec', 'gsudo']);
const wrappers = new Set([
  ...elevators,
  'env',
  'nohup',
  'nice',
  'ionice',
  'setsid',
  'stdbuf',
  'exec',
  'command',
  'time',
  'caffeinate',
  'arch',
]);
const wrapperValued = new Set(['-u', '-g', '-n', '-C', '-S', '-i', '-o', '-p', '--user', '--group', '--chdir']);

/**
 * Takes off what only starts the next program: `cmd /c`, `env NAME=value`, `sudo`, a shell around one plain command, a whole line written as the command.
 * A shell line of several commands stays: it is a program of its own.
 */
export function unwrap(line: readonly string[]): readonly string[] {
  let words = line;
  // Each turn takes at least one word off or splits a line into words once, so eight are more than any real nesting.
  for (let turn = 0; turn < 8; turn++) {
    const [head = '', ...rest] = words;
    const name = programName(head).toLowerCase();
    if (rest.length === 0 && /\s/.test(head) && !/[\\/][^\\/]*\s[^\\/]*[\\/]/.test(head) && isPlainLine(head))
      words = head.trim().split(/\s+/);
    else if (name === 'cmd' && /^\/[ck]$/i.test(rest.find((word) => !/^\/[dsqvae]/i.test(word)) ?? '')) {
      words = rest.slice(rest.findIndex((word) => /^\/[ck]$/i.test(word)) + 1);
    } else if (isShell(name)) {
      const at = rest.findIndex((word) => /^-[a-z]*c$/.test(word) || /^-(?:c|command)$/i.test(word));
      const inner = at < 0 ? undefined : rest[at + 1];
      if (inner === undefined || !isPlainLine(inner)) return words;
      words = inner
        .replace(/^exec\s+/, '')
        .trim()
        .split(/\s+/);
    } else if (wrappers.has(name)) {
      let at = 0;
      while (at < rest.length) {
        const word = rest[at] ?? '';
        if (wrapperValued.has(word) && name !== 'env') at += 2;
        else if (word.startsWith('-') || /^[A-Za-z_]\w*=/.test(word)) at += 1;
        else break;
      }
      words = rest.slice(at);
    } else return words;
    if (words.length === 0) return line;
  }
  return words;
}

/** The line that an entry starts its server by, unwrapped; empty where it starts none. Each list of arguments is read once: a dozen rules ask. */
export function launchLine({ command, args }: { readonly command: string | null; readonly args: readonly string[] }): readonly string[] {
  if (command === null) return [];
  const before = lines.get(args);
  if (before?.command === command) return before.line;
  const line = unwrap([command, ...args]);
  lines.set(args, { command, line });
  return line;
}
const lines = new WeakMap<readonly string[], { readonly command: string; readonly line: readonly string[] }>();

export function isShell(name: string): boolean {
  return /^(?:sh|bash|zsh|dash|ash|ksh|fish|powershell|pwsh)$/.test(name);
}

export function isElevator(name: string): boolean {
  return elevators.has(name) || name === 'runas';
}

/** One command and its words: nothing that a shell would do more with. */
export function isPlainLine(line: string): boolean {
  return !/[;&|<>`"'\n]|\$\(/.test(line);
}
