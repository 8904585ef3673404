/** What a risk rule about a server entry is, and what it may know: the entry, what lies on the disk, what was approved and who publishes what. Pure. */
import type { McpIdentity, McpScope, Severity } from '../../../electron/contract.ts';
import type { Publishers } from '../../../native-catalog/schema.ts';
import type { LaunchFacts } from '../../observe/launch-facts.ts';
import type { ParsedServer } from '../parse.ts';

export type Assessed = ParsedServer & {
  readonly identity: McpIdentity;
  readonly scope: McpScope;
  readonly client: string;
  /** What lies on the disk for this entry; absent or null where nobody looked. */
  readonly facts?: LaunchFacts | null;
  /** The launch hash that was approved; absent or null where none was. */
  readonly approvedHash?: string | null;
};

/** One rule. `test` answers with what the message may say about this server (`''` for nothing more), or null where the rule doesn't apply. */
export type Rule = {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly test: (server: Assessed, known: Publishers) => string | null;
  readonly advice: string;
  /** OWASP MCP Top 10 (`MCP…`), OWASP Agentic (`ASI…`), MITRE ATLAS (`T…`, `M…`). */
  readonly refs: readonly string[];
};
