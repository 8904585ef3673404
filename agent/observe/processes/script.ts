/**
 * What an interpreter runs, from its command line: `node --require x.js server.js` is `server.js`. Pure.
 *
 * Each interpreter is one row of a table: which of its flags take the next argument with them, which mean that no file is run at all
 * (`-e`, `-c`, a task), and whether its short flags may be written together (`python -uIm module`). The rows come from the programs' own
 * help texts; a flag that isn't in a row is taken to stand alone.
 */

export type Interpreter =
  | 'node'
  | 'bun'
  | 'deno'
  | 'python'
  | 'java'
  | 'ruby'
  | 'perl'
  | 'php'
  | 'lua'
  | 'dotnet'
  | 'shell'
  | 'fish'
  | 'powershell';

/** What is run: a file as the command line names it (maybe relative), or a Python module; both null for a REPL, `-e` and the like. */
export type Script = { readonly script: string | null; readonly module: string | null };

const nothing: Script = { script: null, module: null };

const byName: ReadonlyMap<string, Interpreter> = new Map([
  ['node', 'node'],
  ['nodejs', 'node'],
  ['bun', 'bun'],
  ['bunx', 'bun'],
  ['deno', 'deno'],
  ['python', 'python'],
  ['pythonw', 'python'],
  ['pypy', 'python'],
  ['py', 'python'],
  ['pyw', 'python'],
  ['java', 'java'],
  ['javaw', 'java'],
  ['ruby', 'ruby'],
  ['jruby', 'ruby'],
  ['perl', 'perl'],
  ['php', 'php'],
  ['lua', 'lua'],
  ['luajit', 'lua'],
  ['dotnet', 'dotnet'],
  ['sh', 'shell'],
  ['bash', 'shell'],
  ['dash', 'shell'],
  ['ash', 'shell'],
  ['zsh', 'shell'],
  ['ksh', 'shell'],
  ['mksh', 'shell'],
  ['fish', 'fish'],
  ['pwsh', 'powershell'],
  ['powershell', 'powershell'],
]);

/**
 * Which interpreter a process is, by the name of its executable (`/usr/bin/python3.11`, `C:\…\node.exe`), or by its first argument where the
 * executable is unknown or is one program of many names (busybox). Null for every other program.
 */
export function interpreterOf(exe: string | null, args: readonly string[]): Interpreter | null {
  const name = programName(exe ?? '');
  if (name && name !== 'busybox') return named(name);
  // A login shell's first argument begins with a dash.
  return named(programName(args[0] ?? '').replace(/^-/, ''));
}

function programName(path: string): string {
  return path
    .slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
    .toLowerCase()
    .replace(/\.exe$/, '');
}

function named(name: string): Interpreter | null {
  // python3.11, ruby3.2, php8, lua5.4: the version isn't part of the name; nor is the letter of a build (python3.13t).
  return byName.get(name) ?? byName.get(name.replace(/-?\d[\d.]*[a-z]?$/, '')) ?? null;
}

type Row = {
  /** Flags that take the next argument, unless it is written with `=` or, for a short one, right behind it. */
  readonly values: ReadonlySet<string>;
  /** Flags after which no file is run. */
  readonly none: ReadonlySet<string>;
  /** The flag whose value is the file. */
  readonly file?: ReadonlySet<string>;
  /** The flag whose value is the module. */
  readonly module?: string;
  /** Short flags may be written together, and a short flag's value right behind it. */
  readonly together?: boolean;
  /** Flags are compared without regard to case. */
  readonly anyCase?: boolean;
  /** Another character that begins a flag. */
  readonly alsoFlag?: string;
};

const set = (words: string) => new Set(words.split(/\s+/).filter(Boolean));

const rows: Record<Exclude<Interpreter, 'bun' | 'deno' | 'dotnet'>, Row> = {
  node: {
    values: set(`-r --require --import --loader --experimental-loader -C --conditions --input-type --env-file --env-file-if-exists --title
      --inspect-port --debug-port --cpu-prof-dir --cpu-prof-name --cpu-prof-interval --heap-prof-dir --heap-prof-name --heap-prof-interval
      --diagnostic-dir --redirect-warnings --icu-data-dir --openssl-config --tls-cipher-list --tls-keylog --report-dir --report-directory
      --report-filename --report-signal --secure-heap --secure-heap-min --stack-trace-limit --trace-event-categories
      --trace-event-file-pattern --trace-require-module --unhandled-rejections --dns-result-order --disable-proto --disable-warning
      --heapsnapshot-near-heap-limit --heapsnapshot-signal --max-http-header-size --max-old-space-size-percentage
      --network-family-autoselection-attempt-timeout --test-concurrency --test-name-pattern --test-skip-pattern --test-reporter
      --test-reporter-destination --test-shard --test-timeout --test-isolation --experimental-test-isolation --test-global-setup
      --test-coverage-include --test-coverage-exclude --test-coverage-lines --test-coverage-branches --test-coverage-functions
      --test-random-seed --test-rerun-failures --watch-path --watch-kill-signal --localstorage-file --build-snapshot-config --allow-fs-read
      --allow-fs-write --es-module-specifier-resolution --experimental-specifier-resolution --snapshot-blob --v8-pool-size --use-largepages
      --experimental-config-file --experimental-package-map --inspect-publish-uid --security-revert`),
    none: set(
      '-e --eval -p --print -pe -i --interactive --run --experimental-sea-config -v --version -h --help --v8-options --completion-bash',
    ),
  },
  python: {
    values: set('-W -X -Q --check-hash-based-pycs'),
    none: set('-c -h -V --help --help-all --version'),
    module: '-m',
    together: true,
  },
  java: {
    values: set(`-cp -classpath --class-path -p --module-path --upgrade-module-path --add-modules --add-reads --add-exports --add-opens
      --limit-modules --patch-module --enable-native-access --source -d --describe-module`),
    none: set('-m --module -version --version -help --help -h --list-modules'),
    file: set('-jar'),
  },
  ruby: { values: set('-r -I -C -E -K -F --encoding'), none: set('-e -v --version -h --help'), together: true },
  perl: { values: set('-I -M -m'), none: set('-e -E -v -V -h'), together: true },
  php: {
    values: set('-c -d -z -t --docroot --php-ini --define --zend-extension'),
    none: set('-r -R -B -E -S -a -i -m -v -h --run --server --interactive --info --modules --version --help'),
    file: set('-f -F --file --process-file'),
  },
  lua: { values: set('-l -j -O -b'), none: set('-e -v'), together: true },
  shell: { values: set('-o -O --rcfile --init-file --emulate'), none: set('-c -s --version --help'), together: true, alsoFlag: '+' },
  fish: {
    values: set('-C -d -o -f -D --init-command --debug --debug-output --features'),
    none: set('-c --command -v -h --version --help'),
    together: true,
  },
  powershell: {
    values: set(`-executionpolicy -ex -ep -workingdirectory -wd -wo -windowstyle -w -version -inputformat -inp -if -outputformat -o -of
      -configurationname -config -configurationfile -psconsolefile -settingsfile -settings -custompipename -encodedarguments`),
    none: set('-command -c -encodedcommand -e -ec -enc -commandwithargs -cwa -help -h -?'),
    file: set('-file -f'),
    anyCase: true,
  },
};

/** What the command line makes the interpreter run. `args[0]` is the interpreter's own name, as the system reports it. */
export function scriptOf(interpreter: Interpreter, args: readonly string[]): Script {
  const rest = args.slice(1);
  if (interpreter === 'bun') return bunScript(rest, programName(args[0] ?? '') === 'bunx');
  if (interpreter === 'deno') return denoScript(rest);
  if (interpreter === 'dotnet') return dotnetScript(rest);
  const found = firstFile(rows[interpreter], rest);
  // `node inspect server.js` is the debugger's own word.
  if (interpreter === 'node' && found.script === 'inspect') return firstFile(rows.node, rest.slice(rest.indexOf('inspect') + 1));
  // `java Main` names a class; only source files are named as files.
  if (interpreter === 'java' && found.script && !/\.(jar|war|java)$/i.test(found.script)) return nothing;
  return found;
}

function firstFile(row: Row, args: readonly string[]): Script {
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? '';
    if (argument === '-' || argument === '') return nothing;
    if (argument === '--') return file(args[index + 1]);
    if (argument[0] !== '-' && argument[0] !== row.alsoFlag) return file(argument);
    const flag = row.anyCase ? argument.toLowerCase() : argument;
    if (row.module === flag) return { script: null, module: args[index + 1] || null };
    if (row.none.has(flag)) return nothing;
    if (row.file?.has(flag)) return file(args[index + 1]);
    if (row.values.has(flag)) index++;
    else if (row.together && flag[1] !== '-') {
      const inside = cluster(row, flag, args[index + 1]);
      if (inside === 'next') index++;
      else if (inside) return inside;
    } else if (row.none.has(flag.replace(/=.*/s, ''))) return nothing;
  }
  return nothing;
}

/** Short flags written together: `-lc` (no file), `-Im pip` (a module), `-euo pipefail` (takes the next argument), `-Werror` (has its value). */
function cluster(row: Row, argument: string, following: string | undefined): Script | 'next' | null {
  for (let index = 1; index < argument.length; index++) {
    const flag = `-${argument[index]}`;
    const behind = argument.slice(index + 1);
    if (row.module === flag) return { script: null, module: behind || following || null };
    if (row.none.has(flag)) return nothing;
    if (row.values.has(flag)) return behind && row.alsoFlag === undefined ? null : 'next';
  }
  return null;
}

function file(argument: string | undefined): Script {
  return argument ? { script: argument, module: null } : nothing;
}

const bunRow: Row = {
  values: set(`-r --preload --require --import -c --config --cwd --env-file -d --define -l --loader --tsconfig-override --extension-order
    --main-fields -F --filter --inspect-port --port --install --shell --conditions --drop --title --user-agent --dns-result-order
    --unhandled-rejections --console-depth --max-http-header-size --elide-lines`),
  none: set('-e --eval -p --print -h --help -v --version --revision'),
};
const bunCommands =
  set(`test x exec repl install i add a remove rm update audit outdated link unlink publish patch pm info why build init create c
  upgrade discord feedback completions`);

function bunScript(args: readonly string[], isBunx: boolean): Script {
  if (isBunx) return nothing;
  const found = firstFile(bunRow, args);
  if (found.script === null || bunCommands.has(found.script)) return nothing;
  const runs = found.script === 'run' ? firstFile(bunRow, args.slice(args.indexOf('run') + 1)) : found;
  // `bun run build` and `bun build-it` name scripts of a package.json, not files.
  return runs.script !== null && /[./\\]/.test(runs.script) ? runs : nothing;
}

const denoRow: Row = {
  values: set(
    '-c --config --import-map --lock -L --log-level --location --seed --cert --ext --preload --require --import --conditions --port --host --env-file',
  ),
  none: set('-h --help -V --version'),
};
const denoCommands = set('run serve test bench check watch debug');

function denoScript(args: readonly string[]): Script {
  const first = firstFile(denoRow, args);
  if (first.script === null) return nothing;
  const runs = denoCommands.has(first.script) ? firstFile(denoRow, args.slice(args.indexOf(first.script) + 1)) : first;
  // A module from the network or a registry is no file, and neither is another command (`deno task`, `deno repl`).
  return runs.script !== null && /[./\\]/.test(runs.script) && !/^[a-z]{2,}:/i.test(runs.script) ? runs : nothing;
}

function dotnetScript(args: readonly string[]): Script {
  const row: Row = {
    values: set(
      '--fx-version --roll-forward --additionalprobingpath --depsfile --runtimeconfig --additional-deps --roll-forward-on-no-candidate-fx',
    ),
    none: set('--info --version --help -h --list-sdks --list-runtimes'),
  };
  const first = firstFile(row, args[0] === 'exec' ? args.slice(1) : args);
  return first.script !== null && /\.(dll|exe|cs)$/i.test(first.script) ? first : nothing;
}
