/** The command line of `npm run fleet`: its options as one table, from which they are read and explained. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { FleetOptions } from './fleet.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';

type Given = Omit<FleetOptions, 'signal' | 'say' | 'folder'> & { readonly json: boolean };

/** What was typed can't be used: the message names it and says what to type instead. */
export class UsageError extends Error {}

/** `value`: what follows the option, as the help text calls it; without it the option is a flag. */
type Option = { readonly value?: string; readonly does: string; readonly otherwise: string };
const OPTIONS = {
  devices: { value: 'N', does: 'how many devices', otherwise: '1000' },
  rate: { value: 'R', does: 'requests a second, of all of them together', otherwise: '100' },
  seconds: { value: 'S', does: 'for how long', otherwise: '30' },
  scenario: { value: 'NAME', does: 'what they do, one of those below', otherwise: 'steady' },
  seed: { value: 'N', does: 'another one is another fleet; the same one has the same devices, keys and choices', otherwise: '1' },
  json: { does: 'the report as JSON', otherwise: 'as text' },
  url: { value: 'URL', does: 'a collector that runs already, on loopback', otherwise: 'one is started, and ends with the run' },
  'secret-file': { value: 'FILE', does: 'a file with the enrolment secret of that collector', otherwise: 'none; --url needs one' },
} as const satisfies Readonly<Record<string, Option>>;
type Values = Partial<Record<keyof typeof OPTIONS, string | boolean>>;

/** The addresses that devices come from, and the strangers among them, have room for no more. */
const MOST = 10_000_000;
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d+\/?$/;
const HELP = '“npm run fleet -- --help” lists the options.';

export function usage(): string {
  const options = Object.entries<Option>(OPTIONS).map(([name, { value, does, otherwise }]) => ({
    form: `--${name}${value === undefined ? '' : ` ${value}`}`,
    tells: `${does} (default: ${otherwise})`,
  }));
  const rows = [...options, { form: '-h, --help', tells: 'this text' }];
  const width = Math.max(...rows.map(({ form }) => form.length));
  const longest = Math.max(...Object.keys(SCENARIOS).map((name) => name.length));
  return [
    'Lets simulated devices loose on a collector, with real keys, proofs and bodies, and reports what came of it.',
    '',
    'Usage: npm run fleet -- [options]',
    '',
    ...rows.map(({ form, tells }) => `  ${form.padEnd(width)}  ${tells}`),
    '',
    'Scenarios',
    ...Object.entries(SCENARIOS).map(([name, { about }]) => `  ${name.padEnd(longest)}  ${about}`),
    '',
    'DATABASE_URL names an empty PostgreSQL for the collector that is started (default: an embedded database, in a folder that goes).',
    '',
    'Examples',
    '  npm run fleet -- --devices 5000 --rate 150 --seconds 60',
    '  npm run fleet -- --scenario enrol --devices 200 --rate 20 --url http://127.0.0.1:8787 --secret-file secret.txt',
    '',
    'Exit codes: 0 done · 1 no request was answered well · 2 usage · 70 it could not be played, for the reason that is told',
    '',
  ].join('\n');
}

/** What was asked for; `help` was asked for by name. Throws a UsageError. */
export function read(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Given | 'help' {
  const values = parse(args);
  if (values === 'help') return 'help';
  const text = (name: keyof typeof OPTIONS) => String(values[name] ?? OPTIONS[name].otherwise);
  const number = (name: 'devices' | 'rate' | 'seconds' | 'seed', good: (value: number) => boolean, remedy: string) => {
    const value = text(name).trim() === '' ? Number.NaN : Number(text(name));
    if (!good(value)) throw new UsageError(`--${name} ${JSON.stringify(text(name))} can’t be used; give ${remedy}.`);
    return value;
  };
  const positive = (value: number) => value > 0 && value < Number.POSITIVE_INFINITY;
  const scenario = text('scenario');
  if (!isScenario(scenario))
    throw new UsageError(`--scenario ${JSON.stringify(scenario)} is none; give one of ${Object.keys(SCENARIOS).join(', ')}.`);
  return {
    scenario,
    devices: number('devices', (value) => Number.isInteger(value) && value >= 1 && value <= MOST, `a whole number from 1 to ${MOST}`),
    rate: number('rate', positive, 'requests a second, above zero'),
    seconds: number('seconds', positive, 'seconds, above zero'),
    seed: number('seed', Number.isSafeInteger, 'a whole number'),
    json: values.json === true,
    databaseUrl: environment['DATABASE_URL'] ?? null,
    target: targetOf(values, scenario),
  };
}

function parse(args: readonly string[]): Values | 'help' {
  const options = Object.fromEntries(
    Object.entries<Option>(OPTIONS).map(([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' } as const]),
  );
  try {
    const { values } = parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean', short: 'h' } } });
    return values['help'] ? 'help' : (values as Values);
  } catch (error) {
    // The library's first sentence names what is wrong; the others are about quoting.
    const sentence = (error as Error).message.split(/\.\s/)[0];
    // npm keeps options for itself where no -- comes before them, and passes on what followed them.
    const alone = (error as NodeJS.ErrnoException).code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL';
    throw new UsageError(`${sentence}; ${alone ? 'options come after “npm run fleet --”, each with its name, and ' : ''}${HELP}`);
  }
}

const isScenario = (name: string): name is Scenario => Object.hasOwn(SCENARIOS, name);

function targetOf({ url, 'secret-file': file }: Values, scenario: Scenario): FleetOptions['target'] {
  if (url === undefined && file === undefined) return null;
  if (typeof url !== 'string' || typeof file !== 'string')
    throw new UsageError(`--${url === undefined ? 'secret-file' : 'url'} is given alone; give --url and --secret-file together.`);
  if (!LOOPBACK.test(url))
    throw new UsageError('--url is no address of loopback, and a fleet is let loose nowhere else; give it as http://127.0.0.1:PORT.');
  if (scenario === 'outage')
    throw new UsageError('--scenario outage kills the collector, so it needs one of its own; leave out --url and --secret-file.');
  try {
    return { url: url.replace(/\/$/, ''), secret: readFileSync(file, 'utf8').trim() };
  } catch (error) {
    // Not by its name: somebody may have given the secret itself.
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`The file of --secret-file can’t be read (${code}); name the file that holds the enrolment secret.`);
  }
}
