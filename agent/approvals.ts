/** What the employee asks for and acknowledges and what IT answers: each change with its rows in the record, in one transaction. */
import type { AgentApi, ApprovalRequest, RequestInput } from '../electron/contract.ts';
import type { Catalog } from '../native-catalog/catalog.ts';
import type { EvidenceLog, Note } from './evidence.ts';
import type { Policy } from './policy/policy.ts';
import { answered, type Decision, decided, dueAt, isOpen, lapsed, newRequest, Refusal, withdrawn } from './requests.ts';
import type { Store } from './store/store.ts';

export type Approvals = {
  request(input: RequestInput): ApprovalRequest;
  withdraw(id: string): ApprovalRequest;
  answer(id: string, text: string): ApprovalRequest;
  acknowledge(version: string): Awaited<ReturnType<AgentApi['acknowledge']>>;
  /** Takes in what IT decided; null where it changes nothing. Safe to repeat. */
  applyDecision(decision: Decision): ApprovalRequest | null;
  /** Ends what nobody answered in time. Returns how many. */
  lapse(): number;
  /** When the next open request ends by itself. */
  nextLapse(): Date | null;
};

type RequestChange = Parameters<Store['updateRequest']>[1];

export function createApprovals(parts: {
  readonly store: Store;
  readonly catalog: Catalog;
  readonly evidence: EvidenceLog;
  readonly policy: () => Policy | null;
  readonly now: () => Date;
  /** Notes what the change did to verdicts, in the same transaction. */
  readonly settle: (note: Note) => void;
}): Approvals {
  const { store, catalog, evidence, policy, now, settle } = parts;

  const find = (item: string) => {
    if (item.startsWith('mcp:')) {
      const server = store.servers().find(({ name }) => name === item.slice(4));
      return server ? { id: item, name: server.name, tiers: [] } : null;
    }
    const wanted = item.toLowerCase();
    const entry = catalog.entries.get(item) ?? [...catalog.entries.values()].find(({ name }) => name.toLowerCase() === wanted);
    if (!entry) return null;
    const tiers = entry.family ? (catalog.families.get(entry.family)?.tiers ?? []) : [];
    return { id: entry.id, name: entry.name, tiers: tiers.map(({ id }) => id) };
  };

  const policyRev = () => policy()?.rev ?? null;
  /** The reason and the answer are what somebody typed, and stay out of the record. */
  const noteRequest = (note: Note, { id, item, tier, dataClass, until, state }: ApprovalRequest, was: string | null) =>
    note({ kind: 'request', item, was, decision: state, policyRev: policyRev(), detail: { request: id, tier, dataClass, until } });

  const changed = (note: Note, id: string, was: string, change: RequestChange): ApprovalRequest => {
    const after = store.updateRequest(id, change);
    if (!after) throw new Error(`Request ${id} vanished while it was changed.`);
    noteRequest(note, after, was);
    return after;
  };
  const change = (id: string, what: RequestChange): ApprovalRequest => {
    const was = store.requests().find((request) => request.id === id)?.state ?? 'open';
    return evidence.write((note) => {
      const after = changed(note, id, was, what);
      settle(note);
      return after;
    });
  };

  return {
    request(input) {
      const dataClasses = policy()?.dataClasses.map(({ id }) => id) ?? [];
      const request = newRequest(input, { find, dataClasses, requests: store.requests() }, now());
      return evidence.write((note) => {
        store.addRequest(request);
        noteRequest(note, request, null);
        settle(note);
        return request;
      });
    },
    withdraw: (id) => change(id, withdrawn(store.requests(), id, now())),
    answer: (id, text) => change(id, answered(store.requests(), id, text, now())),
    acknowledge(version) {
      const asked = policy()?.acknowledge;
      if (!asked) throw new Refusal('wrong-state', 'The policy in force asks nobody to acknowledge it; there is nothing to do.');
      if (asked.version !== version) {
        throw new Refusal(
          'wrong-state',
          `The policy in force has version “${asked.version}”, not “${version.slice(0, 60)}”; read that one and acknowledge it.`,
        );
      }
      const before = store.evidenceRows.acknowledged().get(version);
      if (before !== undefined) return { version, acknowledgedAt: before };
      const at = now();
      evidence.write((note) => {
        store.evidenceRows.acknowledge(version, at);
        note({ kind: 'acknowledgement', decision: version, policyRev: policyRev(), detail: { required: asked.required } });
      });
      return { version, acknowledgedAt: at.toISOString() };
    },
    applyDecision(decision) {
      const found = decided(store.requests(), decision, now());
      if (!found) return null;
      const { id, item, state } = found.request;
      return evidence.write((note) => {
        note({
          kind: 'decision',
          item,
          was: state,
          decision: decision.state,
          policyRev: policyRev(),
          detail: { request: id, at: decision.at },
        });
        const after = changed(note, id, state, found.change);
        settle(note);
        return after;
      });
    },
    lapse() {
      const late = lapsed(store.requests(), now());
      if (late.length === 0) return 0;
      evidence.write((note) => {
        for (const { request, change } of late) changed(note, request.id, request.state, change);
        settle(note);
      });
      return late.length;
    },
    nextLapse() {
      const due = store.requests().flatMap((request) => (isOpen(request.state) ? dueAt(request).getTime() : []));
      return due.length > 0 ? new Date(Math.min(...due)) : null;
    },
  };
}
