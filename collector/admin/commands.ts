/** What `muster-admin` does: one entry a command. */
import { readFileSync } from 'node:fs';
import { type Api, ApiError } from './client.ts';
import { type Command, type Options, type Output, UsageError } from './command.ts';
import { login, logout } from './login.ts';
import { table } from './table.ts';

const MOST = 5000;

const word = (words: readonly string[], at: number, what: string): string => {
  const found = words[at];
  if (found === undefined) throw new UsageError(`Name ${what}.`);
  return found;
};
const option = (options: Options, name: string): string | null => {
  const value = options[name];
  return typeof value === 'string' && value !== '' ? value : null;
};
const list = (text: string | null) => text?.split(',').map((part) => part.trim()) ?? undefined;
const query = (values: Readonly<Record<string, string | null>>) => {
  const given = Object.entries(values).filter((one): one is [string, string] => one[1] !== null);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
};
const id = (text: string) => encodeURIComponent(text);

async function listed(api: Api, path: string, heads: readonly string[], columns: readonly string[]): Promise<Output> {
  const rows = await api.rows(path, MOST);
  const text = table(
    heads,
    rows.map((row) => columns.map((column) => row[column])),
  );
  return { json: { items: rows }, text: rows.length === MOST ? `${text}\nOnly the first ${MOST} are shown.` : text };
}

const ANSWERS: Readonly<Record<string, string>> = { approve: 'approve', deny: 'deny', ask: 'ask' };

function scopeOf(options: Options): Record<string, string> | undefined {
  const named = option(options, 'scope');
  if (named === null) return undefined;
  const group = /^group:(.+)$/.exec(named)?.[1];
  if (group) return { kind: 'group', group };
  if (named !== 'device' && named !== 'person' && named !== 'everyone')
    throw new UsageError('--scope takes device, person, everyone, or group:ID.');
  return { kind: named };
}

type Simulated = {
  devices: number;
  devicesChanged: number;
  items: { item: string; devices: number; changed: number; from: object; to: object }[];
};

function simulationText({ devices, devicesChanged, items }: Simulated): string {
  const changed = items.filter((item) => item.changed > 0);
  const words = (counts: object) =>
    Object.entries(counts)
      .map(([status, count]) => `${status} ${count}`)
      .join(', ');
  const rows = changed.map(({ item, devices: on, changed: count, from, to }) => [item, `${count} of ${on}`, words(from), words(to)]);
  const head = `${devicesChanged} of ${devices} devices would see a change.`;
  return rows.length === 0 ? head : `${head}\n\n${table(['Item', 'Devices', 'Now', 'With this policy'], rows)}`;
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  login,
  logout,
  requests: {
    usage: ['requests [--state open|approved|denied|needs-info|withdrawn|expired] [--overdue]', 'requests ID'],
    does: 'requests, the longest waiting first; one of them with its decisions',
    words: 1,
    async run(api, [one], options) {
      if (one !== undefined) return wholeRequest(api, one);
      const overdue = options['overdue'] === true;
      return listed(
        api,
        `/requests${query({ state: option(options, 'state') ?? (overdue ? null : 'open'), overdue: overdue ? 'true' : null })}`,
        ['Request', 'State', 'For', 'Tier', 'Who', 'Age (h)', 'Due', 'Reason'],
        ['id', 'state', 'itemName', 'tier', 'person', 'ageHours', 'dueAt', 'reason'],
      );
    },
  },
  decide: {
    usage: [
      'decide ID approve --reason TEXT [--scope device|person|group:ID|everyone] [--tiers A,B] [--data-classes A,B] [--until DATE] [--if-version N]',
      'decide ID deny --reason TEXT [--if-version N]',
      'decide ID ask --reason TEXT [--due DATE] [--if-version N]',
      'decide revoke DECISION --reason TEXT',
    ],
    does: 'answers a request, as it is now or at --if-version; takes an approval back with every grant that came of it',
    words: 2,
    async run(api, words, options) {
      if (words[0] === 'revoke') return revoked(api, word(words, 1, 'the decision by its id; “requests ID” shows it'), options);
      const request = word(words, 0, 'the request by its id');
      const answer = ANSWERS[word(words, 1, 'the answer: approve, deny or ask')];
      if (!answer) throw new UsageError('The answer is approve, deny or ask.');
      const reason = option(options, 'reason');
      if (reason === null) throw new UsageError('Give --reason; the employee reads it.');
      const version = option(options, 'if-version');
      const etag = version === null ? (await api.call('GET', `/requests/${id(request)}`)).etag : `"${version}"`;
      const more = { scope: scopeOf(options), tiers: list(option(options, 'tiers')), dataClasses: list(option(options, 'data-classes')) };
      const body = { answer, reason, ...more, until: option(options, 'until') ?? undefined, dueAt: option(options, 'due') ?? undefined };
      const { status, body: said } = await api.call('POST', `/requests/${id(request)}/decision`, body, etag);
      if (status !== 202) return { json: said, text: `Decided; ${changed(said)}.` };
      const text = `${simulationText(said['simulation'] as Simulated)}\n\nNothing is decided yet. Publish it with: policy publish --draft ${String(said['draft'])}`;
      return { json: said, text };
    },
  },
  policy: {
    usage: [
      'policy show',
      'policy check FILE',
      'policy simulate FILE|--draft ID [--title TEXT]',
      'policy publish FILE|--draft ID [--title TEXT]',
    ],
    does: 'the policy in force; what is wrong with FILE; what it would change; check, simulate and publish it',
    words: 2,
    async run(api, words, options) {
      const what = word(words, 0, 'what to do: show, check, simulate or publish');
      if (what === 'show') {
        const { body } = await api.call('GET', '/policy');
        return { json: body, text: body['policy'] === null ? 'No policy is published.' : JSON.stringify(body['policy'], null, 2) };
      }
      if (what === 'check') {
        const { body } = await api.call('POST', '/policy/check', { text: read(word(words, 1, 'the file')) });
        const said = [...(body['issues'] as string[]), ...(body['warnings'] as string[])];
        if (body['ok'] !== true) throw new ApiError('policy-invalid', 422, said.join('\n'));
        return { json: body, text: ['The policy is valid.', ...said].join('\n') };
      }
      if (what !== 'simulate' && what !== 'publish') throw new UsageError('policy takes show, check, simulate or publish.');
      const known = option(options, 'draft');
      const draft = known ?? String((await api.call('POST', '/policy/drafts', draftOf(words, options))).body['id']);
      const { body: simulation } = await api.call('POST', `/policy/drafts/${id(draft)}/simulate`);
      const told = simulationText(simulation as unknown as Simulated);
      if (what === 'simulate') return { json: { draft, simulation }, text: `${told}\n\nPublish it with: policy publish --draft ${draft}` };
      const { etag } = await api.call('GET', `/policy/drafts/${id(draft)}`);
      const { body } = await api.call('POST', `/policy/drafts/${id(draft)}/publish`, undefined, etag);
      return { json: { ...body, simulation }, text: `${told}\n\nPublished as revision ${String(body['rev'])}.` };
    },
  },
  devices: {
    usage: ['devices [--state STATE] [--person ADDRESS] [--silent] [--find TEXT]', 'devices approve|revoke|clear ID --reason TEXT'],
    does: 'devices; lets one in, shuts one out, ends an alarm about a copy',
    words: 2,
    async run(api, words, options) {
      const [what, device] = words;
      if (what === undefined)
        return listed(
          api,
          `/devices${query({ state: option(options, 'state'), person: option(options, 'person'), q: option(options, 'find'), silent: options['silent'] ? 'true' : null })}`,
          ['Device', 'State', 'Host', 'Person', 'Platform', 'Agent', 'Last seen', 'Items', 'Policy'],
          ['id', 'state', 'hostname', 'person', 'platform', 'agentVersion', 'lastSeen', 'items', 'policyRev'],
        );
      if (!['approve', 'revoke', 'clear'].includes(what)) throw new UsageError('devices takes approve, revoke or clear, and the id.');
      const reason = option(options, 'reason');
      if (reason === null || device === undefined) throw new UsageError('Name the device by its id and give --reason.');
      const { body } = await api.call('POST', `/devices/${id(device)}/${what}`, { reason });
      return { json: body, text: `The device is ${String(body['state'])}.` };
    },
  },
  secrets: {
    usage: ['secrets', 'secrets new LABEL [--quota N] [--until TIME] [--approval]', 'secrets revoke ID'],
    does: 'enrolment secrets; a new one is shown once',
    words: 2,
    run: handedOut('secret', '/enrol-secrets', {
      heads: ['Secret', 'Label', 'Used', 'Quota', 'Approval', 'Ends', 'Revoked'],
      columns: ['id', 'label', 'used', 'quota', 'approval', 'expiresAt', 'revokedAt'],
      about(options) {
        const quota = option(options, 'quota');
        if (quota !== null && !/^[1-9]\d{0,6}$/.test(quota)) throw new UsageError('--quota takes a number of devices.');
        return { quota: quota === null ? undefined : Number(quota), approval: options['approval'] === true };
      },
    }),
  },
  tokens: {
    usage: [
      'tokens',
      'tokens new LABEL --role viewer|approver|policy-admin|owner [--person ADDRESS] [--scopes A,B] [--until TIME]',
      'tokens revoke ID',
    ],
    does: 'administrators’ tokens; a new one is shown once',
    words: 2,
    run: handedOut('token', '/tokens', {
      heads: ['Token', 'Label', 'Role', 'Person', 'Last used', 'Ends', 'Revoked'],
      columns: ['id', 'label', 'role', 'person', 'lastUsed', 'expiresAt', 'revokedAt'],
      about: (options) => ({
        ...{ role: option(options, 'role') ?? undefined, person: option(options, 'person') ?? undefined },
        scopes: list(option(options, 'scopes')),
      }),
    }),
  },
  settings: {
    usage: ['settings', 'settings set NAME VALUE|default'],
    does: 'the collector’s settings; changes one, against what it is now',
    words: 3,
    async run(api, words) {
      const { body: now, etag } = await api.call('GET', '/settings');
      const [what] = words;
      if (what === undefined) return { json: now, text: table(['Setting', 'Value'], Object.entries(now)) };
      if (what !== 'set') throw new UsageError('settings takes set, a name and a value.');
      const [name, given] = [word(words, 1, 'the setting'), word(words, 2, 'its value')];
      if (!Object.hasOwn(now, name)) throw new UsageError(`There is no such setting; there are ${Object.keys(now).join(', ')}.`);
      const value = given === 'default' ? null : Number(given);
      if (value !== null && !Number.isInteger(value)) throw new UsageError('The value is a whole number, or default.');
      const { body } = await api.call('PATCH', '/settings', { [name]: value }, etag);
      return {
        json: body,
        text: `${name} is ${String(body[name])} (it was ${String(now[name])}); every collector follows within half a minute.`,
      };
    },
  },
};

const changed = ({ devices }: Record<string, unknown>) =>
  `the grants of ${String(devices)} ${devices === 1 ? 'device' : 'devices'} changed`;

async function wholeRequest(api: Api, request: string): Promise<Output> {
  const { body } = await api.call('GET', `/requests/${id(request)}`);
  const { decisions, ...asked } = body;
  const about = Object.entries(asked).map(([name, value]) => [name, value]);
  const rows = decisions as readonly Record<string, unknown>[];
  const made = rows.map((row) => ['id', 'state', 'scope', 'until', 'at', 'decidedBy', 'reason'].map((column) => row[column]));
  const heads = ['Decision', 'State', 'Scope', 'Until', 'At', 'By', 'Reason'];
  return { json: body, text: `${table(['Field', 'Value'], about)}\n\n${made.length === 0 ? 'Nothing is decided.' : table(heads, made)}` };
}

async function revoked(api: Api, decision: string, options: Options): Promise<Output> {
  const reason = option(options, 'reason');
  if (reason === null) throw new UsageError('Give --reason, for the audit.');
  const { body } = await api.call('DELETE', `/decisions/${id(decision)}`, { reason });
  return { json: body, text: `Taken back; ${changed(body)}.` };
}

/** What is listed, made and shown once, and taken back: `about` is what a new one has besides its label and its end. */
function handedOut(
  name: 'secret' | 'token',
  path: string,
  { heads, columns, about }: { heads: readonly string[]; columns: readonly string[]; about(options: Options): object },
): Command['run'] {
  return async (api, [what, which], options) => {
    if (what === undefined) return listed(api, path, heads, columns);
    if (which === undefined || (what !== 'new' && what !== 'revoke')) throw new UsageError(`${name}s takes new LABEL or revoke ID.`);
    if (what === 'revoke') return removed(api, `${path}/${id(which)}`);
    const body = { label: which, ...about(options), expiresAt: option(options, 'until') ?? undefined };
    const { body: made } = await api.call('POST', path, body);
    return { json: made, text: `Shown once:\n${String(made[name])}` };
  };
}

async function removed(api: Api, path: string): Promise<Output> {
  const { body } = await api.call('DELETE', path);
  return { json: body, text: 'Taken back.' };
}

function draftOf(words: readonly string[], options: Options) {
  const file = word(words, 1, 'the file of the policy, or a draft with --draft');
  return { title: option(options, 'title') ?? file.slice(-200), text: read(file) };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} can’t be read (${(error as NodeJS.ErrnoException).code}); name a file that you may read.`);
  }
}
