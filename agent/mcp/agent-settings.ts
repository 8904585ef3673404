/**
 * Reads what an agent's own settings allow it: modes, lists of what needs no question, hooks, sandboxes, and where the model is. What leaves is rules,
 * names and counts; of a hook only the name of its program, because its text may hold secrets. Pure.
 */
import type { Finding, Severity } from '../../electron/contract.ts';
import type { Publishers } from '../../native-catalog/schema.ts';
import type { FileFact } from '../observe/launch-facts.ts';
import { downloadsAndRuns } from './risks/launch.ts';
import { hostOf, redirected } from './risks/network.ts';
import { riskOf } from './score.ts';
import { blankName, isTellingName, kindOfValue } from './secrets.ts';
import { decode, type Format, isMap, lookUp, own } from './text.ts';
import { programName, unwrap } from './unwrap.ts';

/** `managed` is the organization's file; what stands in it, the user can't change. */
export type SettingsScope = 'user' | 'project' | 'local' | 'managed';

export type SettingsFile = { readonly client: string; readonly scope: SettingsScope; readonly format: Format };

/** What one file says: findings, and which rules its organization has switched off for everybody (`managed` only). */
export type SettingsRead = { readonly findings: readonly Finding[]; readonly forbids: readonly SettingRuleId[] };

type SettingRule = { readonly title: string; readonly severity: Severity; readonly advice: string; readonly refs: readonly string[] };

export type SettingRuleId = keyof typeof settingRules;

export const settingRules = {
  'bypass-mode': {
    title: 'The agent acts without asking',
    severity: 'critical',
    advice: 'Choose a mode that asks before commands and changes.',
    refs: ['ASI05', 'ASI10', 'ASI09', 'T0112.000'],
  },
  'edit-mode': {
    title: 'The agent changes files without asking',
    severity: 'medium',
    advice: 'Let it ask before it changes files, at least outside of version control.',
    refs: ['ASI02', 'ASI09'],
  },
  'sandbox-off': {
    title: 'Commands run without a sandbox',
    severity: 'high',
    advice: 'Switch the sandbox on; let it ask for the one thing that needs more.',
    refs: ['ASI05', 'ASI10', 'T0112.000'],
  },
  'wildcard-command': {
    title: 'Every command is allowed beforehand',
    severity: 'critical',
    advice: 'Name the commands, as in Bash(npm test:*).',
    refs: ['ASI02', 'ASI05', 'MCP02'],
  },
  'wildcard-files': {
    title: 'Every file is allowed beforehand',
    severity: 'high',
    advice: 'Name the folders of the project.',
    refs: ['ASI02', 'ASI05', 'MCP02'],
  },
  'auto-approve-tools': {
    title: 'Tools run without a question',
    severity: 'high',
    advice: 'Take the setting out, or list the tools that only read.',
    refs: ['ASI02', 'ASI09', 'MCP02'],
  },
  'project-servers-auto': {
    title: 'MCP servers of any project start without a question',
    severity: 'high',
    advice: 'Switch it off; approve the servers of each project by name.',
    refs: ['MCP09', 'ASI04'],
  },
  'hook-fetch-and-run': {
    title: 'A hook downloads a program and runs it',
    severity: 'critical',
    advice: 'Remove the hook, or put what it runs into a file that can be reviewed.',
    refs: ['ASI05', 'T0081'],
  },
  'start-hook': {
    title: 'A program runs at the start of every session',
    severity: 'low',
    advice: 'See that you know this hook; what it prints, the agent takes for true.',
    refs: ['ASI05', 'T0081'],
  },
  'many-domains': {
    title: 'The agent may fetch from many sites without a question',
    severity: 'medium',
    advice: 'Keep the few that are needed.',
    refs: ['ASI02', 'ASI05'],
  },
  'api-redirect': {
    title: "Prompts and keys go to a host that is not the vendor's",
    severity: 'high',
    advice: 'Take the address out, or ask IT whether this gateway is the organization’s.',
    refs: ['MCP01', 'ASI03'],
  },
  'settings-secret': {
    title: 'A secret stands in the settings in plain text',
    severity: 'high',
    advice: 'Put it into the environment or the keychain, and renew it: it has been on disk.',
    refs: ['MCP01', 'ASI03', 'T0055'],
  },
  'managed-not-obeyed': {
    title: "The organization's settings file will not be obeyed, or the user can change it",
    severity: 'high',
    advice: 'Tell IT: the file has to be valid and to belong to the administrator, and nobody else may write it.',
    refs: ['ASI10', 'MCP09'],
  },
} as const satisfies Readonly<Record<string, SettingRule>>;

/** A place in the settings and what it means there: `test` answers with what may be said, `''` for nothing more, null where all is well. */
type Probe = {
  readonly rule: SettingRuleId;
  /** Keys that lead there; a key with dots in it (VS Code) is one key. */
  readonly at: readonly string[];
  readonly test: (value: unknown, top: unknown) => string | null;
};
/** What an organization's file forbids: where `test` holds, the rule's findings in other files mean nothing any more. */
type Ban = { readonly rule: SettingRuleId; readonly at: readonly string[]; readonly test: (value: unknown) => boolean };
type Reader = { readonly probes: readonly Probe[]; readonly bans?: readonly Ban[] };

const is =
  (...wanted: readonly unknown[]) =>
  (value: unknown): string | null =>
    wanted.includes(value) ? String(value) : null;
const yes = (value: unknown): string | null => (value === true ? '' : null);
const no = (value: unknown): string | null => (value === false ? '' : null);
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
const anyOf =
  (pattern: RegExp) =>
  (value: unknown): string | null =>
    texts(value).find((rule) => pattern.test(rule)) ?? null;

const everyCommand = /^(?:Bash|Shell|shell|PowerShell|run_shell_command|ShellTool|Execute)(?:\(\s*(?:\*{0,2}|:\*|\*:\*|\*\s\*)\s*\))?$/;
const everyFile =
  /^(?:Read|Edit|Write|MultiEdit|NotebookEdit|write_file|replace)(?:\(\s*(?:\/{0,2}\*{1,2}|\/\/|\/\/?\*\*(?:\/\*)?|~\/?\*{0,2}|~\/\*\*|\*\*\/\*)\s*\))$|^(?:Edit|Write)$/;

const claude: Reader = {
  probes: [
    { rule: 'bypass-mode', at: ['permissions', 'defaultMode'], test: is('bypassPermissions') },
    { rule: 'bypass-mode', at: ['skipDangerousModePermissionPrompt'], test: yes },
    { rule: 'edit-mode', at: ['permissions', 'defaultMode'], test: is('acceptEdits') },
    { rule: 'wildcard-command', at: ['permissions', 'allow'], test: anyOf(everyCommand) },
    { rule: 'wildcard-files', at: ['permissions', 'allow'], test: anyOf(everyFile) },
    { rule: 'auto-approve-tools', at: ['permissions', 'allow'], test: anyOf(/^(?:\*|mcp__\*|mcp__[\w-]+__\*|mcp__[A-Za-z0-9-]+)$/) },
    {
      rule: 'many-domains',
      at: ['permissions', 'allow'],
      test: (value) => {
        const count = texts(value).filter((rule) => /^WebFetch(?:\(|$)/.test(rule)).length;
        return texts(value).some((rule) => /^WebFetch(?:\((?:domain:)?\*\))?$/.test(rule))
          ? 'all of them'
          : count > 10
            ? `${count} of them`
            : null;
      },
    },
    { rule: 'project-servers-auto', at: ['enableAllProjectMcpServers'], test: yes },
    { rule: 'sandbox-off', at: ['sandbox', 'enabled'], test: no },
    {
      rule: 'sandbox-off',
      at: ['sandbox', 'autoAllowBashIfSandboxed'],
      test: (value, top) =>
        value === true && own(own(top, 'sandbox'), 'allowUnsandboxedCommands') === true ? 'commands may leave it' : null,
    },
  ],
  bans: [
    { rule: 'bypass-mode', at: ['permissions', 'disableBypassPermissionsMode'], test: (value) => value === 'disable' },
    { rule: 'wildcard-command', at: ['allowManagedPermissionRulesOnly'], test: (value) => value === true },
    { rule: 'wildcard-files', at: ['allowManagedPermissionRulesOnly'], test: (value) => value === true },
    { rule: 'auto-approve-tools', at: ['allowManagedPermissionRulesOnly'], test: (value) => value === true },
    { rule: 'many-domains', at: ['allowManagedPermissionRulesOnly'], test: (value) => value === true },
    { rule: 'hook-fetch-and-run', at: ['allowManagedHooksOnly'], test: (value) => value === true },
    { rule: 'start-hook', at: ['allowManagedHooksOnly'], test: (value) => value === true },
    { rule: 'project-servers-auto', at: ['allowManagedMcpServersOnly'], test: (value) => value === true },
    { rule: 'sandbox-off', at: ['sandbox', 'enabled'], test: (value) => value === true },
  ],
};

const codexModes: readonly Probe[] = [[], ['profiles', '*']].flatMap((before): Probe[] => [
  {
    rule: 'bypass-mode',
    at: [...before, 'sandbox_mode'],
    test: (value, beside) =>
      value === 'danger-full-access' && own(beside, 'approval_policy') === 'never' ? 'danger-full-access, never' : null,
  },
  { rule: 'sandbox-off', at: [...before, 'sandbox_mode'], test: is('danger-full-access') },
]);

const codex: Reader = {
  probes: [
    ...codexModes,
    { rule: 'api-redirect', at: ['openai_base_url'], test: (value) => strangeHost(value, ['openai.com', 'azure.com']) },
    { rule: 'api-redirect', at: ['chatgpt_base_url'], test: (value) => strangeHost(value, ['openai.com', 'chatgpt.com']) },
    {
      rule: 'api-redirect',
      at: ['model_providers', 'openai', 'base_url'],
      test: (value) => strangeHost(value, ['openai.com', 'azure.com']),
    },
  ],
  bans: [
    { rule: 'sandbox-off', at: ['allowed_sandbox_modes'], test: (value) => Array.isArray(value) && !value.includes('danger-full-access') },
    { rule: 'bypass-mode', at: ['allowed_sandbox_modes'], test: (value) => Array.isArray(value) && !value.includes('danger-full-access') },
    { rule: 'bypass-mode', at: ['allowed_approval_policies'], test: (value) => Array.isArray(value) && !value.includes('never') },
    { rule: 'hook-fetch-and-run', at: ['allow_managed_hooks_only'], test: (value) => value === true },
    { rule: 'start-hook', at: ['allow_managed_hooks_only'], test: (value) => value === true },
  ],
};

const gemini: Reader = {
  probes: [
    ...[['general', 'defaultApprovalMode'], ['tools', 'approvalMode'], ['approvalMode']].flatMap((at): Probe[] => [
      { rule: 'bypass-mode', at, test: is('yolo') },
      { rule: 'edit-mode', at, test: is('auto_edit', 'auto-edit') },
    ]),
    { rule: 'bypass-mode', at: ['yolo'], test: yes },
    { rule: 'auto-approve-tools', at: ['tools', 'autoAccept'], test: yes },
    { rule: 'auto-approve-tools', at: ['autoAccept'], test: yes },
    { rule: 'wildcard-command', at: ['tools', 'allowed'], test: anyOf(everyCommand) },
    { rule: 'wildcard-files', at: ['tools', 'allowed'], test: anyOf(/^(?:write_file|replace|WriteFileTool|EditTool)$/) },
    { rule: 'sandbox-off', at: ['tools', 'sandbox'], test: no },
  ],
  bans: [{ rule: 'bypass-mode', at: ['security', 'disableYoloMode'], test: (value) => value === true }],
};

const editor: Reader = {
  probes: [
    { rule: 'bypass-mode', at: ['chat.tools.global.autoApprove'], test: yes },
    { rule: 'bypass-mode', at: ['chat.tools.autoApprove'], test: yes },
    { rule: 'bypass-mode', at: ['chat.permissions.default'], test: is('autopilot', 'bypass') },
    {
      rule: 'wildcard-command',
      at: ['chat.tools.terminal.autoApprove'],
      test: (value) => allowedKey(value, /^(?:\*|\/\^?\.[*+]\$?\/[a-z]*|\/\.\*\/|)$/),
    },
    { rule: 'wildcard-files', at: ['chat.tools.edits.autoApprove'], test: (value) => allowedKey(value, /^\*\*(?:\/\*)?$/) },
    {
      rule: 'auto-approve-tools',
      at: ['chat.tools.urls.autoApprove'],
      test: (value) => allowedKey(value, /^(?:\*|https?:\/\/\*(?:\/\*{0,2})?)$/),
    },
    { rule: 'project-servers-auto', at: ['chat.mcp.autostart'], test: is('always') },
    { rule: 'sandbox-off', at: ['chat.agent.sandbox'], test: no },
  ],
};

const permission = (at: readonly string[]): Probe[] => [
  { rule: 'bypass-mode', at, test: is('allow') },
  { rule: 'bypass-mode', at: [...at, '*'], test: (_, all) => (own(all, '*') === 'allow' ? '* = allow' : null) },
  { rule: 'wildcard-command', at: [...at, 'bash'], test: allows },
  { rule: 'wildcard-files', at: [...at, 'edit'], test: allows },
  { rule: 'wildcard-files', at: [...at, 'external_directory'], test: allows },
];

const readers: Readonly<Record<string, Reader>> = {
  'claude-code': claude,
  codex,
  'gemini-cli': gemini,
  'qwen-code': gemini,
  vscode: editor,
  cursor: {
    probes: [
      ...editor.probes,
      { rule: 'bypass-mode', at: ['approvalMode'], test: is('unrestricted', 'yolo') },
      { rule: 'wildcard-command', at: ['permissions', 'allow'], test: anyOf(everyCommand) },
      { rule: 'wildcard-files', at: ['permissions', 'allow'], test: anyOf(everyFile) },
      { rule: 'auto-approve-tools', at: ['permissions', 'allow'], test: anyOf(/^Mcp\(\*(?::\*)?\)$/) },
      { rule: 'sandbox-off', at: ['sandbox', 'mode'], test: is('disabled') },
    ],
  },
  opencode: {
    probes: [
      ...permission(['permission']),
      ...permission(['agent', '*', 'permission']),
      { rule: 'api-redirect', at: ['provider', 'anthropic', 'options', 'baseURL'], test: (value) => strangeHost(value, ['anthropic.com']) },
      {
        rule: 'api-redirect',
        at: ['provider', 'openai', 'options', 'baseURL'],
        test: (value) => strangeHost(value, ['openai.com', 'azure.com']),
      },
    ],
  },
  zed: {
    probes: [
      { rule: 'bypass-mode', at: ['agent', 'always_allow_tool_actions'], test: yes },
      { rule: 'bypass-mode', at: ['agent', 'tool_permissions', 'default'], test: is('allow') },
    ],
  },
  amp: {
    probes: [
      { rule: 'bypass-mode', at: ['amp.dangerouslyAllowAll'], test: yes },
      {
        rule: 'auto-approve-tools',
        at: ['amp.permissions'],
        test: (value) =>
          Array.isArray(value) &&
          value.some((rule) => own(rule, 'action') === 'allow' && own(rule, 'tool') === '*' && own(rule, 'matches') === undefined)
            ? ''
            : null,
      },
    ],
  },
  droid: { probes: [{ rule: 'bypass-mode', at: ['sessionDefaultSettings', 'autonomyLevel'], test: is('high') }] },
  goose: { probes: [{ rule: 'bypass-mode', at: ['GOOSE_MODE'], test: is('auto') }] },
};

/** The clients whose settings can be read. */
export const settingsClients: readonly string[] = Object.keys(readers);

/**
 * What a client's settings file allows. Never throws; `detail` says why it can't be understood. Findings of one rule come once a file. `fact` is what lies on
 * the disk for a managed file.
 */
export function parseSettings(
  file: SettingsFile,
  text: Uint8Array,
  apis: Publishers['apis'] = [],
  fact: FileFact | null = null,
): ({ readonly ok: true } & SettingsRead) | { readonly ok: false; readonly detail: string } {
  const managed = file.scope === 'managed';
  const decoded = decode(file.format, text);
  const unread = !decoded.ok ? decoded.detail : decoded.empty || isMap(decoded.value) ? null : "it isn't an object with keys";
  if (unread !== null || !decoded.ok) {
    if (!managed) return { ok: false, detail: unread ?? '' };
    return { ok: true, findings: [finding('managed-not-obeyed', 'it cannot be read as it is written', false)], forbids: [] };
  }
  const top: unknown = decoded.empty ? {} : decoded.value;
  const reader = Object.hasOwn(readers, file.client) ? readers[file.client] : undefined;
  const found = new Map<SettingRuleId, string>();
  const note = (rule: SettingRuleId, said: string | null) => {
    if (said !== null && !found.has(rule)) found.set(rule, said);
  };
  for (const { rule, at, test } of reader?.probes ?? []) {
    for (const { value, parent } of lookUp(top, at)) note(rule, cut(test(value, at[0] === 'sandbox' ? top : parent)));
  }
  const env = isMap(own(top, 'env')) ? Object.entries(own(top, 'env') as Record<string, unknown>) : [];
  const texted = env.filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  note('api-redirect', redirected(Object.fromEntries(texted), apis));
  note('settings-secret', secretsOf(texted, top));
  const hooks = hooksOf(own(top, 'hooks'));
  note(
    'hook-fetch-and-run',
    hooks
      .map(({ event, command }) => (downloadsAndRuns(command) === null ? null : /^[A-Za-z_-]{1,40}$/.test(event) ? event : ''))
      .find((one) => one !== null) ?? null,
  );
  note('start-hook', startHook(hooks));
  if (managed && fact !== null && (fact.foreignOwner || fact.othersWrite !== null))
    note('managed-not-obeyed', 'others than the administrator may change it');
  const forbids = managed
    ? (reader?.bans ?? []).filter(({ at, test }) => lookUp(top, at).some(({ value }) => test(value))).map(({ rule }) => rule)
    : [];
  // What runs at the start by the organization's own will is no news.
  if (managed) found.delete('start-hook');
  return {
    ok: true,
    findings: [...found].map(([rule, said]) => finding(rule, said, managed && rule !== 'managed-not-obeyed')),
    forbids: [...new Set(forbids)],
  };
}

export type SettingsOfFile = {
  readonly findings: readonly Finding[];
  readonly forbids: readonly string[];
  readonly scope: string;
  readonly configPath: string;
};

/**
 * All files of one client, worst first. What an organization forbids is no finding in the user's own files, for the client doesn't do it; a file that the
 * client doesn't obey forbids nothing. The file stands behind each message.
 */
export function findingsOfSettings(files: readonly SettingsOfFile[]): readonly Finding[] {
  const forbidden = new Set<string>(
    files.flatMap(({ scope, forbids, findings }) =>
      scope === 'managed' && !findings.some(({ id }) => id === 'managed-not-obeyed') ? forbids : [],
    ),
  );
  const shown = files.flatMap(({ scope, findings, configPath }) =>
    findings
      .filter(({ id }) => scope === 'managed' || !forbidden.has(id))
      .map((one) => ({ ...one, message: `${one.message.replace(/\.$/, '')} (${configPath}).` })),
  );
  return riskOf(shown).findings;
}

function finding(id: SettingRuleId, said: string, byOrganization: boolean): Finding {
  const { title, severity, advice, refs } = settingRules[id];
  const whose = byOrganization ? ', as the organization has set' : '';
  return { id, severity, message: `${title}${whose}${said === '' ? '' : `: ${said}`}.`, advice, refs };
}

/** What may be said is a rule, a mode or a host; nobody writes a long one. */
function cut(said: string | null): string | null {
  return said === null ? null : said.length > 80 ? `${said.slice(0, 80)}…` : said;
}

function allows(value: unknown): string | null {
  return value === 'allow' ? '' : own(value, '*') === 'allow' ? '*' : null;
}

function allowedKey(value: unknown, pattern: RegExp): string | null {
  if (!isMap(value)) return null;
  const found = Object.entries(value).find(([key, how]) => pattern.test(key) && (how === true || own(how, 'approve') === true));
  return found ? found[0] : null;
}

function strangeHost(value: unknown, hosts: readonly string[]): string | null {
  const said = typeof value === 'string' ? redirected({ URL: value }, [{ variables: ['URL'], hosts }]) : null;
  return said === null || typeof value !== 'string' ? null : hostOf(value);
}

function secretsOf(env: readonly (readonly [string, string])[], top: unknown): string | null {
  const isSecret = (name: string, value: string) => /^(?:known-shape|telling-name)$/.test(kindOfValue(name, value));
  const inEnv = env.filter(([name, value]) => isSecret(name, value)).map(([name]) => blankName(name));
  const atTop = isMap(top)
    ? Object.entries(top)
        .filter(
          ([name, value]) =>
            typeof value === 'string' && isTellingName(name) && !/helper|command|cmd$/i.test(name) && isSecret(name, value),
        )
        .map(([name]) => blankName(name))
    : [];
  const names = [...new Set([...inEnv, ...atTop])].sort();
  return names.length === 0 ? null : names.slice(0, 5).join(', ');
}

type Hook = { readonly event: string; readonly command: string };
const maximumHooks = 500;

/** Every command under `hooks`, whichever way the client nests them. */
function hooksOf(hooks: unknown): Hook[] {
  const found: Hook[] = [];
  const walk = (event: string, value: unknown, depth: number): void => {
    if (depth > 6 || found.length >= maximumHooks) return;
    if (Array.isArray(value)) for (const one of value) walk(event, one, depth + 1);
    else if (isMap(value)) {
      for (const field of ['command', 'bash', 'powershell', 'commandWindows']) {
        const command = own(value, field);
        const args = texts(own(value, 'args'));
        if (typeof command === 'string') found.push({ event, command: [command, ...args].join(' ') });
      }
      walk(event, own(value, 'hooks'), depth + 1);
    }
  };
  if (isMap(hooks)) for (const [event, value] of Object.entries(hooks)) walk(event, value, 0);
  return found;
}

/** The program of a hook at the start of a session: its name and nothing of its line. */
function startHook(hooks: readonly Hook[]): string | null {
  const start = hooks.find(({ event }) => /^session_?start$/i.test(event));
  if (!start) return null;
  const [head = ''] = unwrap([start.command]);
  const name = programName(head.trim().split(/\s+/)[0] ?? '').replace(/["']/g, '');
  return /^[\w.+-]{1,60}$/.test(name) ? blankName(name) : '';
}
