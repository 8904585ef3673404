/** The policy document (`muster.policy/1`): its shape, and from its text to a value that the rest of the agent can trust. */
import { z } from 'zod';
import { disagreements } from './disagreements.ts';
import { readSource, type Where } from './source.ts';
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

/** What the owner found out before deciding; shown beside the verdict. */
const assurance = z.strictObject({
  training: z.enum(['yes', 'no', 'opt-out', 'unknown']).optional().describe('Whether the vendor trains on what goes in.'),
  dpa: z.boolean().optional().describe('Whether there is a data processing agreement.'),
  residency: words.optional().describe('Where the data is kept.'),
  reviewedBy: words.optional().describe('Which role looked at it, and when; never a person’s name.'),
});

/** What every rule may say besides whom it is about. The descriptions are for editors, which show them beside the field. */
const rule = {
  id,
  status: status.describe('What is said of it. The most specific rule wins, and among equals the stricter.'),
  mode: mode.optional().describe('For this rule alone, so that enforcement rolls out rule by rule.'),
  dataClasses: ids.optional().describe('Ids of the data classes that may go in; without it nothing is said.'),
  conditions: words.optional().describe('What to keep to, in words for the employee.'),
  reason: words.optional().describe('Why, in words for the employee; shown where the status is prohibited.'),
  clause: id.optional().describe('The id of the clause that explains the rule.'),
  reviewBy: z.iso
    .date()
    .optional()
    .describe('The day by which the owner looks at it again. It ends nothing; a day that has passed is reported.'),
  assurance: assurance.optional(),
  note: z.string().optional().describe('For the policy’s owner; shown to nobody.'),
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
    'write scheme, host and path, as in https://mcp.acme.example/*; a * may follow the first / after the host, or stand for the beginning of the host, as in https://*.acme.example/mcp',
});

/** As Muster shows publishers, so that a rule can be written from what is seen. */
const publisher = z
  .string()
  .max(200)
  .regex(
    /^(@[\w.-]+|[\w-]+(\.[\w-]+)*(:\d+)?(\/[\w.-]+)?)$/,
    'write it as Muster shows it: @scope, github.com/owner, ghcr.io/owner, or the host of a remote server',
  );

const match = z
  .strictObject({
    npm: id.optional(),
    pypi: id.optional(),
    oci: id.optional(),
    go: id.optional(),
    url: urlGlob.optional(),
    publisher: publisher.optional(),
    versions: versions.optional().describe('Of the package: 1.2.3, 1.x, ^1.2, ~1.2, ">=1.2 <2" (a space is “and”), || for “or”.'),
    riskAtLeast: z.enum(['low', 'medium', 'high', 'critical']).optional(),
  })
  .superRefine((value, context) => {
    const targets = (['npm', 'pypi', 'oci', 'go', 'url', 'publisher'] as const).filter((key) => value[key] !== undefined);
    const fail = (message: string) => context.addIssue({ code: 'custom', message });
    if (targets.length > 1) fail(`names ${targets.join(' and ')}; make one rule of each`);
    if (targets.length === 0 && value.riskAtLeast === undefined)
      fail('names nothing; give npm, pypi, oci, go, url, publisher or riskAtLeast');
    if (value.versions !== undefined && (targets.length === 0 || targets[0] === 'url' || targets[0] === 'publisher'))
      fail('has versions and no package; add npm, pypi, oci or go, or leave versions out');
  });

const mcpRule = z
  .strictObject({
    ...rule,
    match,
    action: z.literal('disable-entry').optional().describe('Acts only in the mode enforce, and only where the managed settings allow it.'),
    pin: z.literal('launch').optional().describe('Approves what is started as it is now: a change of it asks again.'),
  })
  .refine((value) => value.match.riskAtLeast === undefined || value.status === 'prohibited' || value.status === 'unreviewed', {
    path: ['status'],
    message:
      'a rule with riskAtLeast can only be prohibited or unreviewed, or it would approve the more the riskier; change one of the two',
  });

const toolRule = z.strictObject({
  ...rule,
  tool: id.describe('The id of a tool or of a family in the catalog; a tool wins over its family.'),
  tiers: ids.optional().describe('Only on these licence tiers.'),
  account: z.enum(['company', 'personal']).optional().describe('Only with an account of the company, or only with one’s own.'),
  action: z.literal('end-process').optional().describe('Acts only in the mode enforce, and only where the managed settings allow it.'),
});

const clause = z.strictObject({
  id,
  title: words,
  text: z.string().trim().min(1).max(20_000).describe('Plain words.'),
  backedBy: z
    .array(id)
    .optional()
    .describe('What makes it true on the computer: verdict, request, notice, mcp-gate, process-gate, evidence, acknowledge.'),
  byPeople: words.optional().describe('Who makes it true, and how often; a role and never a person’s name.'),
  maps: z.array(id).optional().describe('Controls that it supports evidence for, as iso42001:A.9.2.'),
});

export const Policy = z.strictObject({
  $schema: z.string().optional(),
  schema: z.literal('muster.policy/1'),
  rev: z.int().nonnegative().describe('Higher with every change.'),
  audience: id.optional().describe('The tenant that it is for.'),
  issuedAt: time.optional(),
  expiresAt: time.optional(),
  organization: z
    .strictObject({
      name: words,
      contact: words.optional(),
      helpUrl: helpUrl.optional(),
      accountDomains: z.array(id).optional().describe('What follows the @ in the addresses of company accounts.'),
    })
    .optional(),
  stance: stance.default('unreviewed').describe('What is said of a tool that no rule names.'),
  mode: mode.default('warn').describe('monitor records, warn tells the employee, enforce acts where a rule names an action.'),
  dataClasses: z
    .array(z.strictObject({ id, label: words, examples: words.optional() }))
    .default([])
    .describe('Least to most sensitive, in the company’s words.'),
  tools: z.array(toolRule).default([]),
  mcp: z.strictObject({ stance: stance.default('unreviewed'), rules: z.array(mcpRule).default([]) }).prefault({}),
  clauses: z.array(clause).default([]),
  acknowledge: z.strictObject({ version: id, required: z.boolean().default(false) }).optional(),
  collect: z
    .strictObject({
      usage: z.boolean().optional(),
      matchTitles: z.boolean().optional(),
      username: z.enum(['hash', 'plain', 'none']).optional(),
      projectPaths: z.boolean().optional(),
    })
    .optional()
    .describe('May only narrow what the build and the managed settings allow.'),
  retentionDays: z.int().positive().optional().describe('How long decisions are kept.'),
});
export type Policy = z.infer<typeof Policy>;

/** What the catalog knows, where the caller has one: tools and families by id, and a tool's tiers (null where the catalog names none). */
export type KnownTools = {
  tool(id: string): boolean;
  tiers(id: string): readonly string[] | null;
  /** Every id that `tool` knows: those near a misspelled one are suggested. */
  readonly ids?: readonly string[];
};

/** `where` tells the line and the field of a path in the text that was read. */
export type ParsedPolicy = { ok: true; policy: Policy; warnings: string[]; where: Where } | { ok: false; issues: string[] };

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
  return issues.length ? { ok: false, issues } : { ok: true, policy, warnings, where };
}

function inRule(path: readonly PropertyKey[]): boolean {
  return path[0] === 'tools' || path[0] === 'mcp';
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
  return [`${at}: ${said} does not fit here (${wanted(issue)}); correct it.`];
}

/** What the form wants there; zod's own sentences are for programmers. */
function wanted(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `it has to be ${FORMS[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_union' || (issue.code === 'invalid_format' && issue.format === 'date'))
    return `it has to be a day that there is, as in 2027-02-28${issue.code === 'invalid_union' ? ', or a time, as in 2027-02-28T12:00:00Z' : ''}`;
  if (issue.code === 'too_big') return `${String(issue.maximum)} is the most`;
  if (issue.code === 'too_small') return issue.origin === 'number' ? `${String(issue.minimum)} is the least` : 'it may not be empty';
  return issue.message;
}

const FORMS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list, in [ ]',
  object: 'an object, in { }',
};
