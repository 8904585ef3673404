/** Snapshots for the tests of main: one that is written down, and any that may ever come. */
import fc from 'fast-check';
import type { ApprovalRequest, Mode, Snapshot, Tool, Verdict, VerdictStatus } from '../../electron/contract.ts';

export const statuses: readonly VerdictStatus[] = [
  'approved',
  'conditional',
  'wrong-tier',
  'tier-unknown',
  'pending',
  'tolerated',
  'unreviewed',
  'prohibited',
  'expired',
];

export const FIRST = '2026-11-22T09:00:00.000Z';

export const verdict = (status: VerdictStatus, more: Partial<Verdict> = {}): Verdict => ({
  status,
  reason: 'Nobody has looked at it yet.',
  rule: null,
  clause: null,
  dataClasses: [],
  conditions: null,
  until: null,
  mode: 'warn',
  ...more,
});

export const tool = (id: string, status: VerdictStatus, more: Partial<Tool> = {}): Tool => ({
  id,
  family: null,
  name: id,
  vendor: 'Vendor',
  category: 'chat',
  confidence: 'certain',
  present: true,
  running: false,
  firstSeen: FIRST,
  lastSeen: FIRST,
  surfaces: ['desktop'],
  places: [],
  evidence: [],
  accounts: [],
  tiers: [],
  note: null,
  verdict: verdict(status),
  ...more,
});

export const request = (id: string, state: ApprovalRequest['state'], more: Partial<ApprovalRequest> = {}): ApprovalRequest => ({
  id,
  item: 'cursor',
  itemName: 'Cursor',
  tier: null,
  dataClass: null,
  until: null,
  reason: 'For work.',
  state,
  createdAt: FIRST,
  updatedAt: FIRST,
  answer: null,
  added: null,
  ...more,
});

export const snapshot = (tools: readonly Tool[], more: Partial<Snapshot> = {}): Snapshot => ({
  agent: { version: '0.1.0', pid: 1, startedAt: FIRST, dataDir: '~/.local/share/muster' },
  device: { id: 'd', platform: 'linux', hostname: 'h', user: 'ada' },
  look: { state: 'idle', at: FIRST, durationMs: 100, firstAt: FIRST },
  tools,
  mcpServers: [],
  requests: [],
  problems: [],
  policy: {
    rev: null,
    organization: null,
    contact: null,
    helpUrl: null,
    mode: 'warn',
    dataClasses: [],
    clauses: [],
    approved: [],
    source: null,
  },
  sources: [],
  told: { inventory: FIRST },
  ...more,
});

/** Any text from outside: long, with control characters, with characters that turn the direction of reading. */
export const anyText = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom('‮gnp.exe', 'a&b', '\n\n', ''),
);

const anyTime = fc.integer({ min: -5, max: 10 }).map((days) => new Date(Date.parse(FIRST) + days * 43_200_000).toISOString());
const anyTool = (id: fc.Arbitrary<string>): fc.Arbitrary<Tool> =>
  fc
    .record({
      id,
      status: fc.constantFrom(...statuses),
      name: anyText,
      present: fc.boolean(),
      firstSeen: anyTime,
      mode: fc.constantFrom<Mode>('monitor', 'warn', 'enforce'),
      confidence: fc.constantFrom<Tool['confidence']>('certain', 'likely', 'possible'),
      reason: anyText,
    })
    .map(({ id: named, status, mode, reason, ...more }) => tool(named, status, { ...more, verdict: verdict(status, { mode, reason }) }));

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
export const anySnapshot: fc.Arbitrary<Snapshot> = fc
  .record({
    tools: fc.uniqueArray(anyTool(fc.constantFrom(...ids)), { selector: (each) => each.id, maxLength: 7 }),
    firstAt: fc.option(fc.constant(FIRST), { freq: 5 }),
    looking: fc.boolean(),
    grave: fc.nat(2),
    states: fc.array(fc.constantFrom<ApprovalRequest['state']>('open', 'approved', 'denied', 'needs-info', 'withdrawn', 'expired'), {
      maxLength: 5,
    }),
    itemName: anyText,
  })
  .map(({ tools, firstAt, looking, grave, states, itemName }) =>
    snapshot(tools, {
      told: {},
      look: { state: looking ? 'looking' : 'idle', at: firstAt, durationMs: 1, firstAt },
      problems: Array.from({ length: grave }, () => ({ code: 'x', severity: 'high' as const, path: null, message: 'm', fix: 'f' })),
      requests: states.map((state, index) => request(`r${index}`, state, { itemName })),
    }),
  );
