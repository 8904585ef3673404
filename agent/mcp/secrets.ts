/**
 * Judges whether a piece of text is, holds or names a secret, and writes text again without it. Pure, and the one place where that is decided:
 * everything that leaves `parse.ts` has gone through `blankText`, `blankName` or `sanitizeUrl` here, or `blankArgs` beside it. In doubt it blanks.
 */

/** What stands where a secret stood. */
export const BLANK = '…';

/**
 * What a value is. `reference`: it names where the value is (`${VAR}`, a keychain). `known-shape`: a vendor's key by its prefix. `telling-name`: a
 * plain value under a name that says it is secret. `random`: it looks generated. `placeholder`: `YOUR_KEY`, `<token>`. `plain`: none of these.
 */
export type ValueKind = 'empty' | 'reference' | 'placeholder' | 'known-shape' | 'telling-name' | 'random' | 'plain';

/** Keys by the shapes that their issuers document (2026-11). Each is linear to match: one prefix, one class. */
const shapes: readonly RegExp[] = [
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
  /\bsk-[\w-]{12,}/g, // OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-), LiteLLM and others
  /\b(?:sk|rk|pk|whsec)_(?:live|test)?_?\w{12,}/g, // Stripe, Clerk
  /\bgh[pousr]_\w{12,}/g,
  /\bgithub_pat_\w{12,}/g,
  /\bgl(?:pat|dt|ft|rt|cbt|ptt|soat|agent)-[\w.-]{12,}/g, // GitLab
  /\bx(?:ox[a-z]|app)-[\w-]{10,}/g, // Slack
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}/g, // AWS
  /\bAIza[\w-]{20,}/g, // Google API key
  /\bya29\.[\w.-]{10,}/g,
  /\bGOCSPX-[\w-]{10,}/g,
  /\beyJ[\w-]{8,}(?:\.[\w-]+){0,4}/g, // JWT
  /\b(?:npm|hf|gsk|r8|shpat|shpca|shpss|figd|sbp|napi|phx|phc|pul|tfp|dp\.pt|lin_api|lin_oauth|ntn|secret|dop_v1|doo_v1|dckr_pat|dapi|ctx7sk|pat|rpa|nvapi|glc|glsa|sntry[su]|csk|jina|re|tskey|fo1|fm2|PMAK|apify_api|ATATT|ATCTT|ATBB|key|tok)_(?:[A-Za-z0-9+/=.-]{14,}|\w{20,})/g,
  /\b(?:pplx|tvly|fc|xai|ctx7sk|nvapi|pypi|PMAK|tskey|key|dp|apify|BSA|exa|secret|token|glsa|sgp|vcp|vck|cal|pat|rnd|sl|up)-(?=[\w-]*\d)[\w-]{16,}/g,
  /\b(?:ATATT|ATCTT|ATBB)\w{12,}[\w=-]*/g, // Atlassian
  /\bSG\.[\w-]{10,}\.[\w-]{10,}/g,
  /\bhv[sbr]\.[\w-]{12,}/g, // HashiCorp Vault
  /\bAGE-SECRET-KEY-1[A-Z0-9]{20,}/g,
  /\b\d{8,10}:[\w-]{30,}/g, // Telegram bot
  /\b[MNO][\w-]{23,28}\.[\w-]{6}\.[\w-]{25,}/g, // Discord bot
];

const tellingWords = new Set(
  (
    'token tokens key keys apikey apikeys accesskey secretkey secret secrets password passwords passwd pwd pass passphrase passcode otp ' +
    'authorization auth authentication bearer credential credentials cred creds cookie cookies sessionid pat jwt signature sig dsn ' +
    'webhook headers apitoken authtoken accesstoken bearertoken clientsecret oauth salt mnemonic'
  ).split(' '),
);
/** As the last word these say that the value is about the secret (where it is, how long) and not it. */
const aboutWords = new Set(
  'file path dir directory env var variable name type url uri endpoint host port format size count limit ttl expiry timeout length mode provider method sock domain region algorithm enabled disabled server scheme flow scope scopes'.split(
    ' ',
  ),
);
const fusedTelling =
  /(?:api|access|secret|private|auth|client|bearer|refresh|db|user|root|admin)(?:key|pwd)s?$|(?:token|secret|password|passwd)s?$/;

/** Whether a name (of a variable, a header, a flag, a field) says that its value is secret: `GITHUB_TOKEN`, `X-Api-Key`, `--clientSecret`. */
export function isTellingName(name: string): boolean {
  const words = name
    .slice(0, 200)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(Boolean);
  const last = words.at(-1);
  if (last === undefined || aboutWords.has(last)) return false;
  // MAX_TOKENS, TOKEN_BUDGET: a size of a model's context, the commonest innocent name.
  if (/^(?:max|min|num|total|budget|chunk)$/.test(words[0] ?? '') && words.includes('tokens')) return false;
  if (words.includes('token') && last === 'budget') return false;
  if (/^(?:no|disable|skip|without|enable|require|allow)$/.test(words[0] ?? '')) return false;
  return words.some((word) => tellingWords.has(word) || fusedTelling.test(word));
}

const referencePattern =
  /\$\{[A-Za-z_][\w.:-]*(?:(?::?[-=?+])[^}]*)?\}|\$\{\{[^{}]*\}\}|\$(?:env:)?[A-Za-z_]\w*|%[A-Za-z_]\w*%|\{\{[^{}]{1,80}\}\}|\{env:[A-Za-z_]\w*\}|\{file:[^{}]*\}/g;
const vaultPattern = /^(?:(?:op|vault|awssm|gcpsm|azurekv|bws|doppler|infisical|keyring):\/\/|keychain:)[\w ./:-]+$/i;
const placeholderPattern =
  /^(?:<[^<>]*>|\[[^[\]]*\]|\.{3,}|x{3,}|\*{3,}|(?:my|the)?[-_ ]?(?:your|insert|replace|enter|add|put)[-_ ]?[\w -]*|change-?me|todo|tbd|example|placeholder|dummy|none|null|undefined)$/i;

/**
 * `${NAME:-default}` → `${NAME}`: a default is a value like any other and may be a secret. A reference that holds more than a name is blanked.
 */
function plainReference(reference: string): string {
  const named = /^(\$\{)([A-Za-z_][\w.:]*?)(?::?[-=?+][^}]*)?(\})$/.exec(reference);
  if (!named) {
    const words = reference.match(/\w+/g) ?? [];
    const clean = /^(?:\$|%|\{\{|\{env:)/.test(reference) && !/\s{2,}|['"]/.test(reference);
    return clean && !words.some((word) => looksRandom(word)) ? reference : BLANK;
  }
  const name = named[2] ?? '';
  return looksRandom(name) || looksRandom(reference.slice(2, -1)) || hasKnownShape(reference) ? `\${${BLANK}}` : `\${${name}}`;
}

function hasKnownShape(text: string): boolean {
  return shapes.some((shape) => {
    shape.lastIndex = 0;
    return shape.test(text);
  });
}

/** `xoxb-your-bot-token`, `ntn_****`: the beginning of a real key and words or stars after it. Nothing generated is in it. */
function isKeyOfReadme(text: string): boolean {
  return (
    /^(?:[A-Za-z]{2,12}[-_])+(?:your|insert|replace)(?:[-_][A-Za-z]+)*$/i.test(text) ||
    /^(?:bearer )?[A-Za-z]{0,10}[-_]?\*{3,}$/i.test(text)
  );
}

/** Judges one value under its name (null where it has none). */
export function kindOfValue(name: string | null, value: string): ValueKind {
  const text = value.trim();
  if (text === '') return 'empty';
  if (vaultPattern.test(text)) return 'reference';
  if (isKeyOfReadme(text)) return 'placeholder';
  if (hasKnownShape(text)) return 'known-shape';
  // `$ecret1` is a password and not a variable: without braces, only a name in capitals is believed under a telling name.
  if (name !== null && isTellingName(name) && /^\$[A-Za-z_]\w*$/.test(text) && !/^\$[A-Z_][A-Z0-9_]*$/.test(text)) return 'telling-name';
  const without = text
    .replace(referencePattern, (reference) =>
      /[-=?+]/.test(reference.slice(2)) ? (/(?::?[-=?+])([^}]*)\}/.exec(reference)?.[1] ?? '') : '',
    )
    .trim();
  const bare = without.replace(/^(?:bearer|basic|token|apikey|key)\b[\s:]*/i, '').trim();
  if (bare === '' && without !== text) return 'reference';
  if (placeholderPattern.test(bare)) return 'placeholder';
  if (name !== null && isTellingName(name) && !/^(?:true|false|yes|no|on|off|auto|required|optional|basic|bearer|oauth2?)$/i.test(bare)) {
    return /^[\w-]*headers$/i.test(name) ? (holdsSecret(text) ? 'telling-name' : 'plain') : 'telling-name';
  }
  return holdsSecret(text) ? 'random' : 'plain';
}

/** Whether text, wherever it stands, holds something that must not go on. */
export function holdsSecret(text: string): boolean {
  return blankText(text) !== undress(text);
}

/** What `blankText` does to text without secrets: nothing but simpler references. */
export function undress(text: string): string {
  return text.replace(referencePattern, plainReference);
}

/**
 * Whether one run of characters looks generated and not written. Tuned to keep package names, paths, versions and words: a run counts by
 * how often it changes between upper case, lower case and digits, and by runs of consonants that no word has.
 */
function looksRandom(text: string, least = 16): boolean {
  if (text.length < least) return false;
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)) return true;
  if (/^\d+$/.test(text)) return text.length >= 16;
  const run = text.replace(/[-_+=~.]/g, '');
  if (run.length < least) return false;
  const digits = run.replace(/\D/g, '').length;
  if (/^[0-9a-f]+$/i.test(run) && run.length >= 16 && digits >= 3 && digits < run.length) return true;
  let changes = 0;
  let before = 0;
  let consonants = 0;
  let worst = 0;
  for (const character of text) {
    const sort = /[a-z]/.test(character) ? 1 : /[A-Z]/.test(character) ? 2 : /\d/.test(character) ? 3 : 0;
    if (before !== 0 && sort !== 0 && sort !== before) changes++;
    if (sort !== 0) before = sort;
    // A separator starts a new word; a digit in the middle of one doesn't.
    consonants = sort === 0 || /[aeiouy]/i.test(character) ? 0 : sort === 3 ? consonants : consonants + 1;
    worst = Math.max(worst, consonants);
  }
  const density = changes / (run.length - 1);
  // A version or a date changes only at its separators, a camel-cased name twice a word.
  if (digits >= 2 && density >= 0.25 && changes >= 5) return true;
  if (density >= 0.4) return true;
  return worst >= 7;
}

const nameValue =
  /(^|[\s,;&?{"'(]|\$[Ee][Nn][Vv]:)(["']?)(--?[A-Za-z][\w.-]*|[A-Za-z_][\w.-]*)(["']?\s*(?:=|:(?!\/\/))\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,;&|)}"']+)/g;
const goDsn = /[^\s/:@'"=]+:(?!\/\/)[^\s@'"]+@(?=[\w.-]*[([]|[\w.-]+(?::\d+)?(?:[/\s'"]|$))/g;
const registryPrefix = /^(?:npm|jsr|github|gitlab|bitbucket|gist|file|link|workspace|portal|patch|pypi|docker|oci|ghcr|https?):/i;
/** Addresses inside a text. */
export const urlPattern = /\b[A-Za-z][A-Za-z0-9+.-]{0,30}:\/\/[^\s'"`<>|\\^]+/g;

/**
 * Writes a text again with `…` in the place of every secret in it: known key shapes, `name=value` and `name: value` under telling names, credentials,
 * queries and secret-looking segments of addresses, and runs that look generated. Names, paths and ordinary words stay.
 */
export function blankText(text: string): string {
  // Nobody reads an argument this long, and a rule that has to is a rule that can be made slow.
  if (text.length > 4000) return BLANK;
  let result = text.replace(referencePattern, plainReference);
  for (const shape of shapes) result = result.replace(shape, BLANK);
  result = result.replace(urlPattern, (address) => sanitizeUrl(address) ?? BLANK);
  result = result.replace(goDsn, (credentials) => (registryPrefix.test(credentials) ? credentials : `${BLANK}@`));
  result = result.replace(nameValue, (whole, lead: string, quote: string, name: string, joint: string, value: string) =>
    isTellingName(name) && !isHarmless(value) ? `${lead}${quote}${name}${joint}${BLANK}` : whole,
  );
  result = result.replace(
    /\b(bearer|basic)\s+(?!\$\{|\$[A-Za-z_]|[A-Za-z]{0,10}[-_]?\*{3,}(?:['"\s,}]|$))[^\s'"…]{6,}/gi,
    (_, scheme: string) => `${scheme} ${BLANK}`,
  );
  // Base64 with its slashes, which would otherwise be read as a path of short names.
  result = result.replace(/[A-Za-z0-9+/=]{32,}/g, (run) =>
    /[A-Z].*[A-Z]/.test(run) && /\d.*\d/.test(run) && looksRandom(run.replaceAll('/', ''), 28) ? BLANK : run,
  );
  // A digest and a commit pin what runs; a git address has lost its user info by now.
  return result.replace(
    /(sha(?:256|384|512):[0-9a-f]{64,128}|git\+(?:https?|ssh):\/\/[\w.~/-]{3,300}@[0-9a-f]{40}\b|(?:github|gitlab|bitbucket):[\w.-]{1,100}\/[\w.-]{1,100}#[0-9a-f]{40}\b)|[A-Za-z0-9][A-Za-z0-9_+=~.-]{11,}/g,
    (word, pin?: string) => (pin ? word : blankWord(word)),
  );
}

function isHarmless(value: string): boolean {
  const bare = value.replace(/^["']|["']$/g, '');
  return (
    bare === '' ||
    bare === BLANK ||
    bare === `{${BLANK}}` ||
    /^(?:bearer )?[A-Za-z]{0,10}[-_]?\*{3,}$/i.test(bare) ||
    /^(?:true|false|\d{1,3})$/i.test(bare) ||
    bare.replace(referencePattern, '') === ''
  );
}

/** A dotted or dashed word is blanked whole where one of its pieces, or all of it, looks generated. */
function blankWord(word: string): string {
  const pieces = word.split(/[.=~]/);
  return looksRandom(word.replace(/\.(?:js|mjs|cjs|ts|py|json|toml|exe)$/i, ''), 20) && !/^[a-z]+(?:[-_.][a-z]+)+(?:[-_.]?\d+)*$/.test(word)
    ? BLANK
    : pieces.some((piece) => looksRandom(piece))
      ? BLANK
      : word;
}

/**
 * An address without what may be secret: scheme, host, port and path stay, user info, query and fragment go, secret-looking labels and
 * segments become `…`. References stay. Null for an empty one.
 */
export function sanitizeUrl(address: string): string | null {
  const text = address.trim().replace(referencePattern, plainReference);
  if (text === '') return null;
  if (text.length > 4000) return BLANK;
  const [, scheme = '', afterScheme = ''] = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/|)([\s\S]*)$/.exec(text) ?? [];
  const rest = dropUserInfo(scheme.toLowerCase(), afterScheme);
  const end = rest.search(/[?#]/);
  const [authority = '', ...segments] = (end < 0 ? rest : rest.slice(0, end)).split(/[/\\]/);
  const host = authority
    .split('.')
    .map((label) => (judgeSegment(label.replace(/:\d+$/, '')) ? `${BLANK}${/:\d+$/.exec(label)?.[0] ?? ''}` : label))
    .join('.');
  const git = /^git/i.test(scheme);
  let before = '';
  const kept = segments.map((segment) => {
    const telling = isTellingName(before) && (/\d/.test(segment) || segment.length >= 16);
    before = segment;
    if (segment === '' || segment === BLANK || segment.replace(referencePattern, '') === '') return segment;
    const bare = segment.replace(/;.*$/s, '');
    // `@scope`, `package@1.2.3`, and a branch or commit behind `git+https://`.
    const at = /^([\w.-]*)@([\w.^~-]+)$/.exec(bare);
    if (at) return judgeSegment(at[1] ?? '') || (judgeSegment(at[2] ?? '') && !(git && /^[0-9a-f]{40}$/.test(at[2] ?? ''))) ? BLANK : bare;
    if (/[=@]/.test(bare)) return BLANK;
    return telling || judgeSegment(bare) || judgeSegment(decode(bare)) ? BLANK : bare;
  });
  const blank = [scheme.toLowerCase() + host.toLowerCase(), ...kept].join('/');
  return /\s/.test(blank) ? blank.replace(/\s[\s\S]*$/, BLANK) : blank;
}

/**
 * Drops `user:password@`. A password may hold an unescaped `/`, `?` or `#`, so where an `@` comes later and what stands before the
 * first of these can't be a host with a port, everything up to the last `@` is taken for credentials.
 */
function dropUserInfo(scheme: string, rest: string): string {
  const last = rest.lastIndexOf('@');
  if (last < 0) return rest;
  const web = scheme === '' || /^(?:https?|wss?|git|(?:git\+)(?:https?|ssh)|ssh|npm|jsr):\/\/$/.test(scheme);
  const authority = /^[^/?#\\]*/.exec(rest)?.[0] ?? '';
  if (authority.includes('@')) {
    const tail = rest.slice(authority.lastIndexOf('@') + 1);
    return web ? tail : dropUserInfo(scheme, tail);
  }
  return !web || (authority.includes(':') && !/^(?:[^:[\]]*|\[[^\]]*\]):\d*$/.test(authority)) ? rest.slice(last + 1) : rest;
}

/** What an address holds that may be secret, as names and kinds. */
export function valuesOfUrl(address: string): NamedValue[] {
  const found: NamedValue[] = [];
  const [, authority = ''] = /^[A-Za-z][\w+.-]*:\/\/([^/?#]*)/.exec(address) ?? [];
  if (authority.includes('@')) {
    found.push({
      position: 'url',
      name: 'user info',
      kind: kindOfValue('password', authority.slice(0, authority.lastIndexOf('@')).replace(/^[^:]*:/, '')),
    });
  }
  const query = address.indexOf('?');
  if (query >= 0) {
    const pairsOfQuery = address.slice(query + 1).split(/[&#;]/);
    for (const pair of pairsOfQuery.slice(0, 100)) {
      // A query without `=` is a value; and only a telling name is sure to be a name.
      const [key = '', value = pair] = pair.split(/=(.*)/s);
      const telling = pair.includes('=') && isTellingName(key);
      if (pair) found.push({ position: 'url', name: telling ? blankName(key) : 'query', kind: kindOfValue(telling ? key : null, value) });
    }
  }
  const bare = query < 0 ? address : address.slice(0, query);
  if (sanitizeUrl(bare)?.includes(BLANK) && !bare.includes(BLANK)) found.push({ position: 'url', name: 'path', kind: 'random' });
  return found;
}

function judgeSegment(segment: string): boolean {
  return hasKnownShape(segment) || looksRandom(segment, 12) || segment.split(/[.:,~!$]/).some((piece) => looksRandom(piece, 12));
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** What was found in arguments that stands for an environment variable or a header: its name, and what kind of value it has. */
export type NamedValue = { readonly position: 'env' | 'header' | 'arg' | 'url'; readonly name: string; readonly kind: ValueKind };

/** A name as it may be shown: one that is itself a key (somebody swapped the two) becomes `…`. */
export function blankName(name: string): string {
  return hasKnownShape(name) || looksRandom(name.replace(/^-+/, ''), 20) ? BLANK : name.slice(0, 200);
}
