/**
 * Reads what an agent's own settings allow it: modes, lists of what needs no question, hooks, sandboxes, and where the model is. What leaves is rules,
 * names and counts; of a hook only the name of its program, because its text may hold secrets. Pure.
 */
import type { Finding } from '../../electron/contract.ts';
import type { Publishers } from '../../native-catalog/schema.ts';
import type { FileFact } from '../observe/launch-facts.ts';
import { readers } from './agent-settings/clients.ts';
import { fetchingHook, hooksOf, startHook } from './agent-settings/hooks.ts';
import { type SettingRuleId, settingRules } from './agent-settings/rules.ts';
import { redirected } from './risks/network.ts';
import { riskOf } from './score.ts';
import { blankName, isTellingName, kindOfValue } from './secrets.ts';
import { decode, type Format, isMap, lookUp, own } from './text.ts';

/** `managed` is the organization's file; what stands in it, the user can't change. */
export type SettingsScope = 'user' | 'project' | 'local' | 'managed';

export type SettingsFile = { readonly client: string; readonly scope: SettingsScope; readonly format: Format };

/** What one file says: findings, and which rules its organization has switched off for everybody (`managed` only). */
export type SettingsRead = { readonly findings: readonly Finding[]; readonly forbids: readonly SettingRuleId[] };

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
  note('hook-fetch-and-run', fetchingHook(hooks));
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
