/** How each client writes what it may do without asking: the keys, what their values mean, and what an organization's file forbids. Pure. */
import { hostOf, redirected } from '../risks/network.ts';
import { isMap, own } from '../text.ts';
import type { SettingRuleId } from './rules.ts';

/** A place in the settings and what it means there: `test` answers with what may be said, `''` for nothing more, null where all is well. */
type Probe = {
  readonly rule: SettingRuleId;
  /** Keys that lead there; a key with dots in it (VS Code) is one key. */
  readonly at: readonly string[];
  readonly test: (value: unknown, top: unknown) => string | null;
};
/** What an organization's file forbids: where `test` holds, the rule's findings in other files mean nothing any more. */
type Ban = { readonly rule: SettingRuleId; readonly at: readonly string[]; readonly test: (value: unknown) => boolean };
export type Reader = { readonly probes: readonly Probe[]; readonly bans?: readonly Ban[] };

const is =
  (...wanted: readonly unknown[]) =>
  (value: unknown): string | null =>
    wanted.includes(value) ? String(value) : null;
const yes = (value: unknown): string | null => (value === true ? '' : null);
const no = (value: unknown): string | null => (value === false ? '' : null);
export const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
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

export const readers: Readonly<Record<string, Reader>> = {
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
