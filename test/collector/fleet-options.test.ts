/** The command line of `npm run fleet`: what it explains, what it takes, and what it says of the rest. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { read, UsageError, usage } from '../../collector/load/options.ts';
import { SCENARIOS } from '../../collector/load/scenarios.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'muster-fleet-options-'));
const secret = path.join(folder, 'secret');
writeFileSync(secret, 'mse_example\n');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const main = fileURLToPath(new URL('../../collector/load/main.ts', import.meta.url));
const fleet = (...args: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const child = execFile(process.execPath, [main, ...args], (_, out, err) => resolve({ code: child.exitCode ?? -1, out, err }));
  });

describe('npm run fleet', () => {
  it.each(['--help', '-h'])('explains itself when asked by %s, and does nothing else', async (asked) => {
    expect(await fleet(asked, '--devices', 'many')).toEqual({ code: 0, out: usage(), err: '' });
  });

  it('says in one sentence what was wrong, and ends with 2', async () => {
    const err = "fleet: Unknown option '--device'; “npm run fleet -- --help” lists the options.\n";
    expect(await fleet('--device', '10')).toEqual({ code: 2, out: '', err });
  });

  it('explains every option with its default, every scenario, and gives examples that it takes itself', () => {
    const defaults = read([], {});
    if (defaults === 'help') throw new Error('nobody asked for help');
    expect(defaults).toEqual({
      ...{ devices: 1000, rate: 100, seconds: 30, scenario: 'steady', seed: 1 },
      ...{ json: false, databaseUrl: null, target: null },
    });
    for (const name of ['devices', 'rate', 'seconds', 'scenario', 'seed'] as const)
      expect(usage()).toMatch(new RegExp(`^  --${name} [A-Z]+ .*\\(default: ${defaults[name]}\\)$`, 'm'));
    for (const form of ['--json', '--url URL', '--secret-file FILE']) expect(usage()).toMatch(new RegExp(`^  ${form} .*\\(default: `, 'm'));
    for (const [name, { about }] of Object.entries(SCENARIOS)) expect(usage()).toMatch(new RegExp(`^  ${name} +${about}$`, 'm'));
    const examples = [...usage().matchAll(/^ {2}npm run fleet -- (.*)$/gm)].map(([, line = '']) => line.replace('secret.txt', secret));
    expect(examples.length).toBeGreaterThan(1);
    for (const line of examples) expect(read(line.split(' '), {})).toMatchObject({ devices: expect.any(Number) });
  });

  it('takes what it was given', () => {
    const given = ['--devices', '7', '--rate', '0.5', '--seconds', '2', '--seed=-3', '--scenario', 'enrol', '--json'];
    expect(read([...given, '--url', 'http://127.0.0.1:1/', '--secret-file', secret], { DATABASE_URL: 'postgres://here' })).toEqual({
      ...{ devices: 7, rate: 0.5, seconds: 2, seed: -3, scenario: 'enrol', json: true, databaseUrl: 'postgres://here' },
      target: { url: 'http://127.0.0.1:1', secret: 'mse_example' },
    });
  });

  it.each<[string[], RegExp]>([
    [['--devices', '0'], /^--devices "0" .*from 1 to 10000000\.$/],
    [['--devices', '1.5'], /^--devices "1\.5" /],
    [['--devices', '20000000'], /^--devices "20000000" /],
    [['--devices', ''], /^--devices "" /],
    [['--rate', 'fast'], /^--rate "fast" .*above zero\.$/],
    // Would never come to an end.
    [['--rate', 'Infinity'], /^--rate "Infinity" /],
    [['--seconds=-1'], /^--seconds "-1" .*above zero\.$/],
    [['--seed', ' '], /^--seed " " .*a whole number\.$/],
    [['--seed', '-3'], /^Option '--seed' argument is ambiguous; .*--help” lists the options\.$/],
    [['--devices'], /^Option '--devices <value>' argument missing; .*--help” lists the options\.$/],
    [['--scenario', 'toString'], /^--scenario "toString" is none; give one of steady, enrol, outage, bad-tokens, clones, skew\.$/],
    [['--json=yes'], /^Option '--json' does not take an argument; /],
    // What npm leaves of `npm run fleet --devices 100`.
    [['100'], /^Unexpected argument '100'; options come after “npm run fleet --”, .*--help” lists the options\.$/],
    [['--url', 'http://127.0.0.1:1'], /^--url is given alone; give --url and --secret-file together\.$/],
    [['--secret-file', secret], /^--secret-file is given alone; give --url and --secret-file together\.$/],
    [
      ['--url', 'https://collector.acme.example', '--secret-file', secret],
      /^--url is no address of loopback, .*http:\/\/127\.0\.0\.1:PORT\.$/,
    ],
    [
      ['--url', 'http://127.0.0.1:1', '--secret-file', secret, '--scenario', 'outage'],
      /^--scenario outage kills the collector, .*leave out --url/,
    ],
  ])('%j is refused, by its name and with the remedy', (args, said) => {
    expect(() => read(args, {})).toThrow(UsageError);
    expect(() => read(args, {})).toThrow(said);
  });

  it('never repeats a secret that was given in place of its file', () => {
    const args = ['--url', 'http://127.0.0.1:1', '--secret-file', 'mse_planted'];
    expect(() => read(args, {})).toThrow(
      /^The file of --secret-file can’t be read \(ENOENT\); name the file that holds the enrolment secret\.$/,
    );
  });
});
