/** What can be wrong in an agent's own settings: what it is called, how bad it is, what to do, and where to read on. */
import type { Severity } from '../../../electron/contract.ts';

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
