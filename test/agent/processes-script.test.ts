/** What an interpreter runs, from its command line: by example for each interpreter, and that no command line breaks it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpreterOf, scriptOf } from '../../agent/observe/processes/script.ts';

/** A command line as a person writes it → what is run; `m:` before a module. Blanks separate, and quotes are not needed here. */
const examples: readonly [string, string | null][] = [
  ['node server.js --port 1', 'server.js'],
  ['node', null],
  ['node -', null],
  ['node -e 1 x.js', null],
  ['node --eval=1 x.js', null],
  ['node -p 1', null],
  ['node -r ./a.js b.js', 'b.js'],
  ['node --require ./a.js --require=./c.js b.js', 'b.js'],
  ['node --import tsx --enable-source-maps /x/cli.mjs serve', '/x/cli.mjs'],
  ['node --max-old-space-size=4096 /usr/bin/gemini', '/usr/bin/gemini'],
  ['node --env-file .env -C dev main.js', 'main.js'],
  ['node --inspect=9229 main.js', 'main.js'],
  ['node --inspect-port 9229 main.js', 'main.js'],
  ['node inspect main.js', 'main.js'],
  ['node -- -odd.js x', '-odd.js'],
  ['node --run build', null],
  ['node --test a.test.js', 'a.test.js'],
  ['/usr/bin/nodejs /usr/bin/npx -y some-server', '/usr/bin/npx'],
  ['python3 -m http.server 80', 'm:http.server'],
  ['python3.12 -um mcp_server_git --repository /r', 'm:mcp_server_git'],
  ['python -mpip install', 'm:pip'],
  ['python3 -W ignore -X dev -u /opt/aider x', '/opt/aider'],
  ['python3 -Wignore -Xdev main.py', 'main.py'],
  ['python3 -c import_x a.py', null],
  ['python3 -Ic x a.py', null],
  ['python3 --check-hash-based-pycs always main.py', 'main.py'],
  ['python3 -Es /usr/bin/tool', '/usr/bin/tool'],
  ['python3 -m', null],
  ['python3', null],
  ['pypy3 a.py', 'a.py'],
  ['java -Xmx1g -cp a.jar:b.jar com.example.Main x.jar', null],
  ['java -Dx=y -jar server.jar --port 1', 'server.jar'],
  ['java --add-opens java.base/java.lang=ALL-UNNAMED -jar /a/b.jar', '/a/b.jar'],
  ['java -m mod/cls', null],
  ['java Hello.java', 'Hello.java'],
  ['bun run server.ts', 'server.ts'],
  ['bun --bun run --watch ./server.ts', './server.ts'],
  ['bun run dev', null],
  ['bun server.ts', 'server.ts'],
  ['bun --preload ./p.ts server.ts', 'server.ts'],
  ['bun x cowsay', null],
  ['bunx some.server', null],
  ['bun install', null],
  ['bun -e 1', null],
  ['deno run -A --allow-net=x.com:80 server.ts', 'server.ts'],
  ['deno run --config deno.json main.ts', 'main.ts'],
  ['deno run -A npm:@scope/server', null],
  ['deno run -A https://deno.land/x/a.ts', null],
  ['deno task dev', null],
  ['deno main.ts', 'main.ts'],
  ['deno repl', null],
  ['sh -c ls x', null],
  ['bash -lc claude', null],
  ['bash -euo pipefail ./run.sh a', './run.sh'],
  ['bash --rcfile x ./run.sh', './run.sh'],
  ['bash +x -O extglob ./run.sh', './run.sh'],
  ['-zsh', null],
  ['zsh -i', null],
  ['dash /usr/bin/q', '/usr/bin/q'],
  ['fish -C echo run.fish', 'run.fish'],
  ['ruby -Ilib -r json app.rb', 'app.rb'],
  ['ruby -e 1 x.rb', null],
  ['perl -w -I lib tool.pl', 'tool.pl'],
  ['perl -ne 1', null],
  ['php -d a=b -f x.php', 'x.php'],
  ['php artisan serve', 'artisan'],
  ['php -S localhost:8000', null],
  ['lua -l x main.lua', 'main.lua'],
  ['dotnet /app/server.dll --port 1', '/app/server.dll'],
  ['dotnet exec --fx-version 8.0 server.dll', 'server.dll'],
  ['dotnet run', null],
  ['pwsh -NoProfile -ExecutionPolicy Bypass -File x.ps1', 'x.ps1'],
  ['pwsh -NoProfile -Command claude', null],
  ['C:\\node\\node.exe C:\\app\\cli.js', 'C:\\app\\cli.js'],
  ['py -3.11 -m mcp', 'm:mcp'],
];

describe('the script of an interpreter', () => {
  it.each(examples)('%s → %s', (line, expected) => {
    const args = line.split(' ');
    const interpreter = interpreterOf(null, args);
    expect(interpreter).not.toBeNull();
    const { script, module } = scriptOf(interpreter ?? 'node', args);
    expect(module === null ? script : `m:${module}`).toBe(expected);
  });

  it.each([
    ['/usr/local/bin/claude', ['claude']],
    ['/usr/bin/nodemon', ['nodemon', 'x.js']],
    ['/opt/app/code', ['code', 'cli.js']],
    [null, ['q']],
    [null, []],
    // A program that calls itself node is no interpreter: the executable decides.
    ['/usr/bin/tool', ['node', 'x.js']],
  ] as const)('%s %j is no interpreter', (exe, args) => {
    expect(interpreterOf(exe, args)).toBeNull();
  });

  it.each([
    ['/usr/bin/python3.11', 'python'],
    ['/opt/python/bin/python3.13t', 'python'],
    ['/bin/busybox', 'shell'],
    ['C:\\Program Files\\nodejs\\node.exe', 'node'],
    ['/home/ada/.bun/bin/bun', 'bun'],
    ['/usr/lib/jvm/java-21/bin/java', 'java'],
    ['/usr/bin/ruby3.2', 'ruby'],
  ] as const)('%s is %s', (exe, interpreter) => {
    expect(interpreterOf(exe, ['sh', 'x'])).toBe(interpreter);
  });

  it('answers for every command line with one of its own arguments, or a part of one for a module', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '-',
        '--',
        '-m',
        '-c',
        '-e',
        '-r',
        '--import',
        '-cp',
        '-jar',
        'run',
        'inspect',
        '-lc',
        '-euo',
        'x.js',
        '/a/b.py',
        '+o',
        '-Im',
      ),
    );
    const name = fc.constantFrom(
      'node',
      'python3',
      'bun',
      'bunx',
      'deno',
      'java',
      'bash',
      'fish',
      'ruby',
      'perl',
      'php',
      'lua',
      'dotnet',
      'pwsh',
    );
    fc.assert(
      fc.property(name, fc.array(word, { maxLength: 8 }), (program, rest) => {
        const args = [program, ...rest];
        const { script, module } = scriptOf(interpreterOf(null, args) ?? 'node', args);
        if (script !== null) expect(rest).toContain(script);
        if (module !== null) expect(rest.some((argument) => argument.endsWith(module))).toBe(true);
        expect(script === '' || module === '').toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});
