/** Writes a command line again without the secrets in it, by what each argument is for: a flag's value, a header, a variable, a shell line. Pure. */
import { BLANK, blankName, blankText, isTellingName, kindOfValue, type NamedValue, undress, urlPattern, valuesOfUrl } from './secrets.ts';

const headerFlags = new Set(['-H', '--header', '--headers', '--http-header', '--request-header']);
/** An address in brackets, which is no list. */
const ipv6 = /^\[[0-9a-f:]*\](?::\d+)?$/i;
const envFlags = new Set(['-e', '--env', '--build-arg', '--set-env']);

/**
 * Arguments with every secret in them blanked, and the named values that were met. After a telling flag the whole next argument goes; of `-e NAME=value`
 * and `-H 'Name: value'` the name stays; JSON goes whole; the rest is judged by `blankText`. References (`${VAR}`) stay.
 */
export function blankArgs(args: readonly string[]): { args: string[]; values: NamedValue[] } {
  const values: NamedValue[] = [];
  const note = (position: NamedValue['position'], name: string, value: string) => {
    const kind = kindOfValue(name, value);
    values.push({ position, name: blankName(name), kind });
    return kind === 'reference' ? undress(value) : kind === 'empty' ? value : BLANK;
  };
  let expecting: 'env' | 'header' | 'user' | 'short' | { flag: string } | null = null;
  const blanked = args.map((arg) => {
    const expected = expecting;
    expecting = null;
    if (expected === 'env') {
      const written = assignment(arg, 'env', note);
      if (written !== null || !/^\w+$/.test(arg)) return written ?? judgeArg(arg, values);
      // `-e NAME` passes on the variable that the client has.
      if (isTellingName(arg)) values.push({ position: 'env', name: blankName(arg), kind: 'reference' });
      return blankName(arg);
    }
    if (expected === 'header') return header(arg, note) ?? BLANK;
    if (expected === 'user') return arg.includes(':') ? BLANK : blankText(arg);
    if (expected === 'short') {
      // Judged too, so that a key is counted; what merely could be a password is only not shown.
      const written = arg.startsWith('-') ? null : judgeArg(arg, values);
      if (written !== null) return isPlainValue(arg) ? written : BLANK;
    } else if (expected !== null && !(arg.startsWith('--') && isTellingFlagName(arg))) return note('arg', expected.flag, arg);
    if (/^\s*[[{]/.test(arg) && !/^\s*\{\{/.test(arg) && !ipv6.test(arg)) {
      if (/["':]/.test(arg)) return `{${BLANK}}`;
    }
    if (headerFlags.has(arg)) expecting = 'header';
    else if (envFlags.has(arg)) expecting = 'env';
    else if (arg === '-u' || arg === '--user' || arg === '--proxy-user') expecting = 'user';
    else if (/^--?[A-Za-z]/.test(arg) && !/[=\s]/.test(arg) && isTellingName(arg)) expecting = { flag: arg.replace(/^-+/, '') };
    else if (/^(?:-[pkta]|--pw)$/.test(arg)) expecting = 'short';
    if (expecting !== null) return blankName(arg);

    const attached = /^(-p)([^=].*)$/s.exec(arg);
    if (attached && !/^-[a-z-]+$/.test(arg) && !isPlainValue(attached[2] ?? '')) {
      judgeArg(attached[2] ?? '', values);
      return `-p${BLANK}`;
    }
    if (bareLogin.test(arg) && !isPlainValue(arg)) {
      judgeArg(arg, values);
      return `${BLANK}@${arg.slice(arg.lastIndexOf('@') + 1)}`;
    }

    const glued = /^(-H|--header=|--headers=|-e(?=[A-Z_][A-Z0-9_]*=)|--env=|--build-arg=)([\s\S]+)$/.exec(arg);
    if (glued) {
      const [, flag = '', value = ''] = glued;
      if (/^(?:-H|--header)/.test(flag)) return flag + (header(value, note) ?? (flag === '-H' ? blankText(value) : BLANK));
      const written = assignment(value, 'env', note);
      if (written !== null) return flag + written;
    }
    const flag = /^(--?[A-Za-z][\w.-]*)=([\s\S]*)$/.exec(arg);
    if (flag) {
      const [, name = '', value = ''] = flag;
      if (isTellingName(name)) return `${name}=${note('arg', name.replace(/^-+/, ''), value)}`;
      return /^\s*[[{]/.test(value) && /["':]/.test(value) && !ipv6.test(value)
        ? `${name}={${BLANK}}`
        : `${blankName(name)}=${blankText(value)}`;
    }
    const named = header(arg, note, true) ?? assignment(arg, 'env', note, true);
    if (named !== null) return named;
    return judgeArg(arg, values);
  });
  return { args: blanked, values };
}

/** `ada:secret@host`, without a scheme. */
const bareLogin = /^[^\s/:@'"=]+:[^\s/@'"]+@[A-Za-z][\w.-]*(?::\d+)?$/;

/**
 * What stands after `-p`, `-k`, `-t` or `-a` where these mean a port, a project, a tag, an address or a package: numbers, ports, paths,
 * addresses, references, names with a scope or a version, and words without a digit or a capital. Any other may be a password.
 */
function isPlainValue(value: string): boolean {
  return (
    /^\d{1,5}(?:\.\d+)?$/.test(value) ||
    /^(?:[\d.]{7,15}:|\[[0-9a-f:]*\]:)?\d{1,5}(?:-\d{1,5})?(?::\d{1,5}(?:-\d{1,5})?)?(?:\/(?:tcp|udp))?$/.test(value) ||
    /^(?:\.{0,2}|~|[A-Za-z]:)[/\\]|^\.{1,2}$/.test(value) ||
    /^[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\//.test(value) ||
    /^(?:npm|jsr|github|gitlab|git|file|docker|oci|ghcr):\S/i.test(value) ||
    /^(?:\$\{[^{}]*\}|\{\{[^{}]*\}\}|\$[A-Z_][A-Z0-9_]*|%\w+%)(?:[/\\].*)?$/.test(value) ||
    /^@[a-z0-9~-][\w.~-]*\/[\w.~-]+(?:@[\w.^~*-]+)?$/.test(value) ||
    /^[a-z][a-z0-9._-]*(?:\[[a-z,]+\])?(?:@|==)(?:latest|next|[\^~]?\d[\w.^~*-]*)$/i.test(value) ||
    /^[a-z][a-z0-9.-]*(?:\/[a-z0-9._-]+)+(?::[\w.-]+)?$/.test(value) ||
    /^[a-z]+(?:[-_.:][a-z]+)*$/.test(value)
  );
}

function isTellingFlagName(arg: string): boolean {
  return /^--[A-Za-z][\w.-]*(?:=|$)/.test(arg);
}

/** An argument that is no flag with a value: a shell line is read word by word, anything else judged as it is. */
function judgeArg(given: string, values: NamedValue[]): string {
  const arg = adoPattern.test(given) ? blankPairs(undress(given)) : undress(given);
  const words = /\s/.test(arg) ? (arg.slice(0, 4001).match(/(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"'])+|\s+/g) ?? []) : [];
  if (words.length <= 1 || arg.length > 4000) {
    const written = blankText(arg);
    const inUrls = (arg.slice(0, 4000).match(urlPattern) ?? []).flatMap(valuesOfUrl);
    values.push(...inUrls);
    if (inUrls.length === 0 && written !== undress(arg)) {
      values.push({ position: 'arg', name: '', kind: kindOfValue(null, arg) === 'known-shape' ? 'known-shape' : 'random' });
    }
    return written;
  }
  const spoken = words.filter((word) => !/^\s/.test(word)).map((word) => (/^(["']).*\1$/s.test(word) ? word.slice(1, -1) : word));
  // Quoted text may hold spaces and another shell line; each level is shorter than the one before, so this ends.
  const inner = blankArgs(spoken);
  values.push(...inner.values);
  let index = 0;
  return blankText(words.map((word) => (/^\s/.test(word) ? word : (inner.args[index++] ?? BLANK))).join(''));
}

/** `Server=db;User Id=ada;Password=a b;`: a connection string of the kind whose values may hold spaces. */
const adoPattern = /^[A-Za-z][\w ]{0,60}=[^;=]{0,500}(?:;[A-Za-z][\w ]{0,60}=[^;]{0,500})+;?$/;

function blankPairs(text: string): string {
  const pairs = text.split(';').map((pair) => {
    const at = pair.indexOf('=');
    return at >= 0 && isTellingName(pair.slice(0, at)) ? `${pair.slice(0, at)}=${BLANK}` : pair;
  });
  return pairs.join(';');
}

type Note = (position: NamedValue['position'], name: string, value: string) => string;

function header(text: string, note: Note, onlyTelling = false): string | null {
  const parts = /^([A-Za-z][\w-]{1,60})\s*:(?!\/\/|\\)(\s*)([\s\S]*)$/.exec(text);
  if (!parts || (onlyTelling && !isTellingName(parts[1] ?? ''))) return null;
  const [, name = '', space = '', value = ''] = parts;
  return `${blankName(name)}:${space}${note('header', name, value)}`;
}

function assignment(text: string, position: 'env', note: Note, onlyTelling = false): string | null {
  const parts = /^([A-Za-z_][\w.-]{0,100})=([\s\S]*)$/.exec(text);
  if (!parts || (onlyTelling && !isTellingName(parts[1] ?? ''))) return null;
  const [, name = '', value = ''] = parts;
  return `${blankName(name)}=${note(position, name, value)}`;
}
