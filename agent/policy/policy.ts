/** The policy document (`muster.policy/1`): its shape, and from its text to a value that the rest of the agent can trust. */
import { z } from 'zod';
import { readSource } from './source.ts';
import { parseVersions, type VersionSet } from './versions.ts';

const id = z.string().min(1).max(100);
const words = z.string().trim().min(1).max(2000);
const mode = z.enum(['monitor', 'warn', 'enforce']);
const status = z.enum(['approved', 'conditional', 'tolerated', 'unreviewed', 'prohibited']);
const stance = z.enum(['unreviewed', 'tolerated', 'prohibited']);
const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);
const ids = z.array(id).min(1);
const httpUrl = z.string().regex(/^https?:\/\/[^/\s]+/, 'an address that begins with https://');
/** What the window opens in a browser: it opens nothing else, so another address would be a button that does nothing. */
const helpUrl = z.string().regex(/^https:\/\/[^/\s@]+(?:\/\S*)?$/, 'an address that begins with https://, without a user in it');

/** What every rule may say besides whom it is about. */
const rule = {
  id,
  status,
  mode: mode.optional(),
  dataClasses: ids.optional(),
  conditions: words.optional(),
  /** Why, in words for the employee; shown where the status is `prohibited`. */
  reason: words.optional(),
  clause: id.optional(),
  reviewBy: z.iso.date().optional(),
  assurance: z.record(z.string(), z.unknown()).optional(),
  /** For the policy's owner; shown to nobody. */
  note: z.string().optional(),
};

const versions = z
  .string()
  .max(200)
  .transform((text, context): VersionSet => {
    const any = parseVersions(text);
    if (any) return { text, any };
    const message = `“${text}” is not understood: write 1.2.3, 1.x, ^1.2, ~1.2, >=1.2 <2 (a space is “and”), || for “or”`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** `*` is any text after the host; in the host it may only stand for whole first labels, or `https://acme.example*` would match anybody's. */
const urlGlob = httpUrl.refine((text) => /^https?:\/\/(\*\.)?[^*/?#@\s]+(\/[^?#\s]*)?$/.test(text), {
  message:
    'write scheme, host and path, as in https://mcp.acme.example/*; a * may follow the first / after the host, or begin the host as *.',
});

const match = z
  .strictObject({
    npm: id.optional(),
    pypi: id.optional(),
    oci: id.optional(),
    go: id.optional(),
    url: urlGlob.optional(),
    versions: versions.optional(),
    riskAtLeast: z.enum(['low', 'medium', 'high', 'critical']).optional(),
  })
  .superRefine((value, context) => {
    const targets = (['npm', 'pypi', 'oci', 'go', 'url'] as const).filter((key) => value[key] !== undefined);
    const fail = (message: string) => context.addIssue({ code: 'custom', message });
    if (targets.length > 1) fail(`names ${targets.join(' and ')}; make one rule of each`);
    if (targets.length === 0 && value.riskAtLeast === undefined) fail('names nothing; give npm, pypi, oci, go, url or riskAtLeast');
    if (value.versions !== undefined && (targets.length === 0 || targets[0] === 'url'))
      fail('has versions and no package; add npm, pypi, oci or go, or leave versions out');
  });

const mcpRule = z
  .strictObject({ ...rule, match, action: z.literal('disable-entry').optional(), pin: z.literal('launch').optional() })
  .refine((value) => value.match.riskAtLeast === undefined || value.status === 'prohibited' || value.status === 'unreviewed', {
    path: ['status'],
    message:
      'a rule with riskAtLeast can only be prohibited or unreviewed, or it would approve the more the riskier; change one of the two',
  });

const toolRule = z.strictObject({
  ...rule,
  tool: id,
  tiers: ids.optional(),
  account: z.enum(['company', 'personal']).optional(),
  action: z.literal('end-process').optional(),
});

const Policy = z.strictObject({
  $schema: z.string().optional(),
  schema: z.literal('muster.policy/1'),
  rev: z.int().nonnegative(),
  audience: id.optional(),
  issuedAt: time.optional(),
  expiresAt: time.optional(),
  organization: z
    .strictObject({ name: words, contact: words.optional(), helpUrl: helpUrl.optional(), accountDomains: z.array(id).optional() })
    .optional(),
  stance: stance.default('unreviewed'),
  mode: mode.default('warn'),
  dataClasses: z.array(z.strictObject({ id, label: words, examples: words.optional() })).default([]),
  tools: z.array(toolRule).default([]),
  mcp: z.strictObject({ stance: stance.default('unreviewed'), rules: z.array(mcpRule).default([]) }).prefault({}),
  clauses: z
    .array(
      z.strictObject({
        id,
        title: words,
        text: z.string().min(1).max(20_000),
        backedBy: z.array(id).optional(),
        byPeople: words.optional(),
        maps: z.array(id).optional(),
      }),
    )
    .default([]),
  acknowledge: z.strictObject({ version: id, required: z.boolean().default(false) }).optional(),
  collect: z
    .strictObject({
      usage: z.boolean().optional(),
      matchTitles: z.boolean().optional(),
      username: z.enum(['hash', 'plain', 'none']).optional(),
      projectPaths: z.boolean().optional(),
    })
    .optional(),
  retentionDays: z.int().positive().optional(),
});
export type Policy = z.infer<typeof Policy>;

/** What the catalog knows, where the caller has one: tools and families by id, and a tool's tiers (null where the catalog names none). */
export type KnownTools = { tool(id: string): boolean; tiers(id: string): readonly string[] | null };
export type ParsedPolicy = { ok: true; policy: Policy; warnings: string[] } | { ok: false; issues: string[] };

/**
 * Reads a policy (JSON; comments and a last comma are accepted). Each issue names the line, the field and the remedy. Fields that are not known
 * are left out with a warning, but not in a rule: a misspelled condition would approve more than was meant. Never throws.
 */
export function parsePolicy(text: string, known?: KnownTools): ParsedPolicy {
  const source = readSource(text);
  if ('issues' in source) return { ok: false, issues: source.issues };
  const { raw, where } = source;
  const warnings: string[] = [];
  let parsed = Policy.safeParse(raw);
  if (!parsed.success) {
    // Outside of rules, a field from a later version of the form is no reason to be without a policy.
    let dropped = false;
    for (const issue of parsed.error.issues) {
      if (issue.code !== 'unrecognized_keys' || inRule(issue.path)) continue;
      const holder = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], raw) as Record<
        string,
        unknown
      >;
      for (const key of issue.keys) {
        delete holder[key];
        dropped = true;
        warnings.push(`${where([...issue.path, key])}: this field is not known here and is left out; correct its name or remove it.`);
      }
    }
    if (dropped) parsed = Policy.safeParse(raw);
  }
  if (!parsed.success) return { ok: false, issues: parsed.error.issues.flatMap((issue) => explain(issue, raw, where)) };

  const policy = parsed.data;
  const issues = disagreements(policy, where, warnings, known);
  return issues.length ? { ok: false, issues } : { ok: true, policy, warnings };
}

function inRule(path: readonly PropertyKey[]): boolean {
  return path[0] === 'tools' || path[0] === 'mcp';
}

/** What the shapes alone can't say: references inside the policy, and names that the catalog must know. */
function disagreements(policy: Policy, where: (path: readonly PropertyKey[]) => string, warnings: string[], known?: KnownTools): string[] {
  const issues: string[] = [];
  const all = [
    ...policy.tools.map((value, index) => ({ value, path: ['tools', index] as PropertyKey[] })),
    ...policy.mcp.rules.map((value, index) => ({ value, path: ['mcp', 'rules', index] as PropertyKey[] })),
  ];
  const unique = (kind: string, items: readonly { id: string; path: readonly PropertyKey[] }[]) => {
    const seen = new Set<string>();
    for (const item of items) {
      if (seen.has(item.id)) issues.push(`${where([...item.path, 'id'])}: another ${kind} has the id “${item.id}” too; give each its own.`);
      seen.add(item.id);
    }
    return seen;
  };
  unique(
    'rule',
    all.map(({ value, path }) => ({ id: value.id, path })),
  );
  const classes = unique(
    'data class',
    policy.dataClasses.map((value, index) => ({ id: value.id, path: ['dataClasses', index] })),
  );
  const clauses = unique(
    'clause',
    policy.clauses.map((value, index) => ({ id: value.id, path: ['clauses', index] })),
  );

  for (const { value, path } of all) {
    for (const name of value.dataClasses ?? []) {
      if (!classes.has(name))
        issues.push(
          `${where([...path, 'dataClasses'])}: there is no data class “${name}”; add it to dataClasses or use ${choices([...classes])}.`,
        );
    }
    if (value.clause !== undefined && !clauses.has(value.clause)) {
      warnings.push(`${where([...path, 'clause'])}: there is no clause “${value.clause}”, so nobody can read it; add it to clauses.`);
    }
    if (value.action !== undefined)
      warnings.push(`${where([...path, 'action'])}: this version of Muster does not act by itself; it tells the employee.`);
    if (!('tool' in value) || !known) continue;
    if (!known.tool(value.tool)) {
      issues.push(`${where([...path, 'tool'])}: the catalog has no tool or family “${value.tool}”; use an id that “muster scan” shows.`);
      continue;
    }
    const tiers = known.tiers(value.tool);
    for (const tier of value.tiers ?? []) {
      if (tiers && !tiers.includes(tier))
        issues.push(`${where([...path, 'tiers'])}: ${value.tool} has no tier “${tier}”; use ${choices(tiers)}.`);
    }
  }
  return issues;
}

function choices(list: readonly string[]): string {
  return list.length ? list.join(', ') : 'none, for there are none';
}

/** zod's issue in the words of somebody who edits the file. */
function explain(issue: z.core.$ZodIssue, raw: unknown, where: (path: readonly PropertyKey[]) => string): string[] {
  const at = where(issue.path);
  const given = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], raw);
  const said =
    typeof given === 'string' || typeof given === 'number' || typeof given === 'boolean' ? `“${String(given).slice(0, 60)}”` : 'this';
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${where([...issue.path, key])}: this field is not known; correct its name or remove it.`);
  }
  if (given === undefined && issue.code !== 'custom')
    return [`${at}: is missing; add it${issue.code === 'invalid_value' ? ` (${issue.values.join(', ')})` : ''}.`];
  if (issue.code === 'invalid_value') return [`${at}: ${said} is not one of ${issue.values.join(', ')}; use one of those.`];
  if (issue.code === 'custom') return [`${at}: ${issue.message}.`];
  return [`${at}: ${said} does not fit here (${issue.message}); correct it.`];
}
