/** The labelled servers as the risk rules get them, and how the rules do on them: precision and recall for each rule. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { identify } from '../../agent/mcp/identity.ts';
import { parseServers } from '../../agent/mcp/parse.ts';
import type { Assessed } from '../../agent/mcp/risks/rule.ts';
import type { FileFact } from '../../agent/observe/launch-facts.ts';
import type { McpScope } from '../../electron/contract.ts';

const folder = path.resolve(import.meta.dirname, '../fixtures/mcp-labels');

export type Label = {
  readonly file: string;
  readonly id: string;
  readonly client: string;
  readonly scope: McpScope;
  readonly name: string;
  readonly entry: unknown;
  readonly facts?: { readonly config: Partial<FileFact> | null; readonly program: Partial<FileFact> | null };
  readonly approved?: 'same' | 'other';
  /** Ids of rules that have to find something, and of rules that come near and may not, each with the reason. */
  readonly risks: Readonly<Record<string, string>>;
  readonly fine?: Readonly<Record<string, string>>;
};

/** Every label, in order of file and line. */
export function readLabels(): Label[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((file) =>
      (JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Omit<Label, 'file'>[]).map((one) => ({ ...one, file })),
    );
}

const letters = 'aB3dE7gH1jK9mN5pQ2rS8tU4vW6xY0zA';
const run = (length: number) => Array.from({ length }, (_, at) => letters[(at * 7 + length) % letters.length]).join('');

/** Made up here, so that no file of the repository holds what looks like a key. */
const keys: Readonly<Record<string, string>> = {
  github: ['ghp', run(36)].join('_'),
  gitlab: ['glpat', run(20)].join('-'),
  slack: ['xoxb', '123456789012', '123456789012', run(24)].join('-'),
  openai: ['sk', 'proj', run(40)].join('-'),
  aws: `AKIA${run(16).toUpperCase()}`,
  notion: ['ntn', run(40)].join('_'),
  linear: ['lin', 'api', run(40)].join('_'),
  atlassian: `ATATT${run(60)}`,
  figma: ['figd', run(40)].join('_'),
  supabase: ['sbp', run(40)].join('_'),
  stripe: ['sk', 'live', run(24)].join('_'),
  context7: ['ctx7sk', run(32)].join('-'),
  firecrawl: ['fc', run(32)].join('-'),
  tavily: ['tvly', run(32)].join('-'),
  grafana: ['glsa', run(32)].join('_'),
  huggingface: ['hf', run(34)].join('_'),
  password: 'fixture-pass',
  hex: '3f9a1c7e5b2d8064af13ce57b92d80643f9a1c7e5b2d8064af13ce57b92d8064',
  random: run(40),
};

/** Every made-up secret of the labels: none of these may stand in a message. */
export const plantedSecrets: readonly string[] = Object.values(keys);

/** The labelled server as `assess` gets it. @throws Error that names the label, when its entry can't be read. */
export function assessed(label: Label): Assessed {
  const text = JSON.stringify({ mcpServers: { [label.name]: label.entry } }).replace(/⟦(\w+)⟧/g, (_, kind: string) => {
    const key = keys[kind];
    if (key === undefined)
      throw new Error(`${label.file}: ${label.id}: there is no key of the kind ${kind}; add it to test/bench/mcp-labels.ts.`);
    return key;
  });
  const read = parseServers({ client: label.client, format: 'json', at: ['mcpServers'] }, Buffer.from(text));
  const server = read.ok ? read.servers[0] : undefined;
  if (!server) throw new Error(`${label.file}: ${label.id}: the entry can't be read as one of ${label.client}'s; mend it there.`);
  const identity = identify(server);
  const fact = (given: Partial<FileFact> | null): FileFact | null =>
    given && { othersWrite: null, othersRead: false, foreignOwner: false, ...given };
  return {
    ...server,
    identity,
    scope: label.scope,
    client: label.client,
    facts: label.facts ? { config: fact(label.facts.config), program: fact(label.facts.program) } : null,
    approvedHash: label.approved === undefined ? null : label.approved === 'same' ? identity.launchHash : `sha256:${'0'.repeat(64)}`,
  };
}
