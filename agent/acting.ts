/**
 * What Muster does by itself where a rule enforces it: decides what is due, counts down, and lets the employee put it off or take it back.
 *
 * It stays one file over three hundred lines: what is due, what a kill left half done and what the employee says meanwhile are steps of the same rows,
 * and whether each leaves a row from which the next start goes on can only be judged side by side.
 */
import type { Action, Mode } from '../electron/contract.ts';
import { type Copies, createCopies } from './act/config-file.ts';
import { createDisabling } from './act/disable-entry.ts';
import { createEnding } from './act/end-process.ts';
import { targetOf } from './act/entry.ts';
import { type Data, type Row, sameThing, shownOf, tell, type Want } from './acting/rows.ts';
import { wanted } from './acting/wanted.ts';
import type { AgentParts } from './agent.ts';
import type { EvidenceLog } from './evidence.ts';
import type { Homes } from './homes.ts';
import type { Looks } from './looks.ts';
import type { ProcessObservation } from './observe/observation.ts';
import { createProcessObserver, type ProcessObserver } from './observe/processes/processes.ts';
import { Refusal, uuidv7 } from './requests.ts';
import type { Verdicts } from './verdicts.ts';

export type Acting = {
  /** The newest first. */
  shown(): readonly Action[];
  actNow(id: string): Promise<Action>;
  keepForToday(id: string): Promise<Action>;
  undo(id: string): Promise<Action>;
  /** Compares what the policy wants done with what is under way; starts countdowns, and ends those that nothing asks for any more. */
  consider(): void;
  /** Does what is due. */
  due(signal: AbortSignal): Promise<void>;
  /** When something is due next; null where nothing waits. */
  next(): Date | null;
};

/** The employee sees it coming for this long; also how often a program that comes back is ended at most. */
const COUNTDOWN_MS = 60_000;
const KEEP_MS = 86_400_000;
const RETRY_MS = 5 * 60_000;
/** How long what is over is shown, and how long it is kept beside the record. */
const SHOWN_MS = 7 * 86_400_000;
const KEPT_MS = 30 * 86_400_000;

const OPEN: ReadonlySet<Action['state']> = new Set(['would', 'waiting', 'failed', 'refused']);
const NOT_ALLOWED = 'IT hasn’t allowed it on this computer.';
const ONLY_TOLD: Readonly<Record<Exclude<Mode, 'enforce'>, string>> = {
  monitor: 'The rule only records for now.',
  warn: 'The rule only tells for now.',
};

/** Reads and writes nothing yet. `onChange` is called when what is shown may be another. */
export function createActing(
  parts: Pick<AgentParts, 'os' | 'clock' | 'catalog' | 'store' | 'problems' | 'settings' | 'dataDir' | 'policyFile' | 'log'> & {
    readonly homes: Homes;
    readonly looks: Pick<Looks, 'configFile' | 'usage'>;
    readonly verdicts: Pick<Verdicts, 'tools' | 'servers'>;
    readonly evidence: EvidenceLog;
    readonly onChange: () => void;
  },
): Acting {
  const { os, clock, catalog, store, problems, settings, policyFile, looks, verdicts, evidence, onChange } = parts;
  const { show } = parts.homes;
  const copies: Copies = createCopies(parts.dataDir);
  const disabling = createDisabling(os, copies, show);
  let observer: Promise<ProcessObserver> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isRecovered = false;

  const rows = () => store.actions<Data>();
  const nowText = () => clock.now().toISOString();
  const after = (ms: number) => new Date(clock.now().getTime() + ms).toISOString();
  const with_ = (row: Row, state: Row['state'], data: Partial<Data>): Row => ({
    ...row,
    state,
    data: { ...row.data, ...data },
    updatedAt: nowText(),
  });
  const isTool = (tool: string) => (seen: ProcessObservation) => {
    const match = seen.owner === 'self' ? catalog.identify(seen) : null;
    return match?.strength === 'certain' && match.entry.id === tool;
  };

  const wants = () =>
    wanted(policyFile.current().policy, verdicts, (id) =>
      looks.usage.running().some(({ tool, process }) => tool === id && isTool(id)(process)),
    );

  /** The row as it is now, with a row of the record. */
  function put(row: Row, was: string | null, decision: string, more?: Readonly<Record<string, unknown>>): Row {
    evidence.write((note) => {
      store.putAction(row);
      tell(note, row, was, decision, more);
    });
    return row;
  }

  /** How things stand with what is wanted: what would change, or why nothing will. Writes nothing. */
  function standing(want: Want): Pick<Row, 'state'> & { readonly data: Pick<Data, 'why' | 'preview'> } {
    const plan = want.server === null ? null : planned(want.server);
    const preview: Action['preview'] = plan
      ? { path: plan.path, ...(plan.ok ? plan.preview : { before: [], after: [] }) }
      : { path: null, before: [want.itemName], after: [] };
    if (want.mode !== 'enforce') return { state: 'would', data: { why: ONLY_TOLD[want.mode], preview } };
    if (!(settings.allowActions ?? []).includes(want.kind)) return { state: 'would', data: { why: NOT_ALLOWED, preview } };
    if (plan && !plan.ok) return { state: 'refused', data: { why: plan.why, preview } };
    return { state: 'waiting', data: { why: null, preview } };
  }

  function planned(server: string) {
    const row = store.servers().find(({ id }) => id === server);
    const file = looks.configFile(server);
    // Nothing has been read since the start; the next whole look does.
    if (!row || !file) return { ok: false, path: row?.configPath ?? null, why: 'its file was not read yet' } as const;
    const found = targetOf(os, file, row, show);
    if (!found.ok) return { ...found, path: row.configPath };
    const path = show(found.target.path);
    const answer = disabling.preview(found.target);
    return answer.ok ? { ok: true as const, path, preview: answer.preview, target: found.target } : { ...answer, path };
  }

  function consider(): void {
    recover();
    const all = rows();
    const wanted = wants();
    const isDue = new Set<string>();
    for (const want of wanted) {
      const done = all.find((row) => sameThing(row, want) && row.state === 'done' && row.data.disabled !== null);
      if (done?.data.disabled) {
        const off = disabling.found(done.id, done.data.disabled);
        // What is stored may be older than the file.
        if (off !== false) continue;
        put(with_(done, 'undone', { by: 'outside', disabled: null }), 'done', 'undone');
        copies.drop(done.id);
      }
      const isTakenBack = (row: Row) =>
        row.state === 'undone' &&
        row.data.by === 'employee' &&
        row.rule === want.rule &&
        row.data.rev === want.rev &&
        row.data.launch === want.launch;
      if (all.some((row) => sameThing(row, want) && isTakenBack(row))) continue;
      const open = all.find((row) => sameThing(row, want) && OPEN.has(row.state) && row.rule === want.rule);
      if (open) isDue.add(open.id);
      begin(want, open ?? null);
    }
    for (const row of all) {
      const isOver = OPEN.has(row.state) && !isDue.has(row.id) && row.data.step === null;
      const isOld = !OPEN.has(row.state) && row.data.disabled === null && Date.parse(row.updatedAt) < clock.now().getTime() - KEPT_MS;
      const keepsLaw = row.data.by === 'employee' && row.data.rev === (policyFile.current().policy?.rev ?? null);
      if (isOver) {
        evidence.write((note) => {
          store.dropAction(row.id);
          if (row.state === 'waiting') tell(note, row, 'waiting', 'dropped');
        });
      } else if (isOld && !keepsLaw) store.dropAction(row.id);
    }
    report();
    onChange();
  }

  /** A new countdown, or how an open one stands now. */
  function begin(want: Want, open: Row | null): void {
    const { kind, item, rule, ...said } = want;
    const { state, data } = standing(want);
    if (open === null) {
      const id = uuidv7(clock.now());
      const more: Data = {
        ...said,
        ...data,
        endsAt: state === 'waiting' ? after(COUNTDOWN_MS) : null,
        kept: false,
        step: null,
        disabled: null,
        by: null,
      };
      put(
        { id, kind, item, rule, state, data: more, createdAt: nowText(), updatedAt: nowText() },
        null,
        state === 'would' ? 'would-act' : state,
      );
      return;
    }
    const goesOn = open.state === state || (open.state === 'failed' && state === 'waiting');
    const row: Row = with_(open, goesOn ? open.state : state, {
      ...said,
      preview: data.preview,
      ...(goesOn
        ? open.state === 'failed'
          ? {}
          : { why: data.why }
        : { why: data.why, endsAt: state === 'waiting' ? after(COUNTDOWN_MS) : null }),
    });
    if (!goesOn) put(row, open.state, state === 'would' ? 'would-act' : state);
    else if (JSON.stringify(row.data) !== JSON.stringify(open.data)) store.putAction(row);
  }

  /** What can't be done is told beside what else is wrong. */
  function report(): void {
    problems.clear('action-refused');
    const refused = rows().filter(({ state, data }) => state === 'refused' && data.preview.path !== null);
    for (const [at, of] of Map.groupBy(refused, ({ data }) => data.preview.path ?? '')) {
      const detail = of.map(({ data }) => `“${data.itemName}” (${data.why ?? ''})`).join(' and ');
      problems.raise({ code: 'action-refused', path: at, detail }, at);
    }
  }

  /** After a start: what a kill has left half done is asked of the files themselves, and countdowns that nobody saw begin anew. */
  function recover(): void {
    if (isRecovered) {
      for (const row of rows()) if (row.data.step !== null) finish(row);
      return;
    }
    isRecovered = true;
    const soonest = after(COUNTDOWN_MS);
    for (const row of rows()) {
      if (row.data.step !== null) finish(row);
      else if (row.state === 'waiting' && (row.data.endsAt ?? '') < soonest) store.putAction(with_(row, 'waiting', { endsAt: soonest }));
    }
    copies.sweep(new Set(rows().flatMap(({ id, data }) => (data.disabled === null ? [] : [id]))));
  }

  function finish(row: Row): void {
    const { disabled, step } = row.data;
    if (disabled === null) {
      store.putAction(with_(row, row.state, { step: null }));
      return;
    }
    const off = disabling.found(row.id, disabled);
    if (off !== false) {
      // Where the file can't be asked, the copy stays and undo with it.
      const done = with_(row, 'done', { step: null, endsAt: null });
      if (step === 'doing') put(done, 'waiting', 'done', { recovered: true });
      else store.putAction(done);
      return;
    }
    if (step === 'doing') store.putAction(with_(row, 'waiting', { step: null, disabled: null, endsAt: after(COUNTDOWN_MS) }));
    else put(with_(row, 'undone', { step: null, disabled: null, by: 'employee' }), 'done', 'undone', { recovered: true });
    copies.drop(row.id);
  }

  function disable(row: Row, by: 'countdown' | 'employee'): Row {
    const { server } = row.data;
    const plan = server === null ? null : planned(server);
    if (!plan) return row;
    if (!plan.ok) return put(with_(row, 'refused', { why: plan.why, endsAt: null }), row.state, 'refused');
    const done = disabling.disable(row.id, plan.target, (disabled) => {
      store.durably(() => store.putAction(with_(row, row.state, { disabled, step: 'doing', by })));
    });
    if (done.ok) {
      const { disabled } = done;
      const finished = with_(row, 'done', { disabled, step: null, by, why: null, endsAt: null });
      return put(finished, row.state, 'done', { way: disabled.way.by, client: disabled.place.client });
    }
    const state = done.tried ? 'failed' : 'refused';
    const data = { disabled: null, step: null, why: done.why, endsAt: done.tried ? after(RETRY_MS) : null };
    const left = put(with_(row, state, data), row.state, state);
    copies.drop(row.id);
    return left;
  }

  async function end(row: Row, by: 'countdown' | 'employee', signal: AbortSignal): Promise<Row> {
    observer ??= createProcessObserver(os, { homes: os.user.home === null ? [] : [{ home: os.user.home, uid: os.user.uid }] });
    const at = await observer;
    const look = async () => {
      at.forget();
      return (await at.look()).appeared;
    };
    const terminate = os.platform === 'win32' ? (await import('./observe/processes/win32-api.ts')).win32Terminate : null;
    const windows = terminate ? { terminate: await terminate() } : {};
    const { ended, left } = await createEnding({ os, clock, look, signal, ...windows }).end(isTool(row.item));
    const state = left.length === 0 ? 'done' : 'failed';
    const data = { by, why: left[0] ?? null, endsAt: state === 'failed' ? after(RETRY_MS) : null };
    return put(with_(row, state, data), row.state, state, { ended, left: left.length });
  }

  /** One at a time, and each on the row as it is then. */
  function inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const run = async () => {
      recover();
      try {
        return await work();
      } finally {
        report();
        onChange();
      }
    };
    const done = last.then(run, run);
    last = done.catch(() => {});
    return done;
  }

  const carryOut = async (row: Row, by: 'countdown' | 'employee', signal: AbortSignal) =>
    row.kind === 'disable-entry' ? disable(row, by) : end(row, by, signal);

  const find = (id: string): Row => {
    const row = rows().find((one) => one.id === id);
    if (!row) throw new Refusal('unknown-item', `There is no action “${id.slice(0, 60)}”; take an id from the list of actions.`);
    return row;
  };
  const waits = (row: Row) => {
    if (row.state === 'waiting' || row.state === 'failed') return;
    throw new Refusal('wrong-state', `“${row.data.itemName}” waits for nothing any more; look at the list of actions again.`);
  };

  return {
    shown() {
      const since = clock.now().getTime() - SHOWN_MS;
      const isShown = (row: Row) => OPEN.has(row.state) || row.data.disabled !== null || Date.parse(row.updatedAt) >= since;
      return rows().filter(isShown).map(shownOf).reverse();
    },
    actNow: (id) =>
      inTurn(async () => {
        const row = find(id);
        waits(row);
        return shownOf(await carryOut(row, 'employee', new AbortController().signal));
      }),
    keepForToday: (id) =>
      inTurn(() => {
        const row = find(id);
        waits(row);
        if (row.kind !== 'disable-entry' || row.data.kept) {
          throw new Refusal(
            'wrong-state',
            `“${row.data.itemName}” can’t be put off ${row.data.kept ? 'twice' : 'any longer'}; ask for an approval.`,
          );
        }
        return shownOf(put(with_(row, 'waiting', { kept: true, endsAt: after(KEEP_MS) }), 'waiting', 'put-off', { until: after(KEEP_MS) }));
      }),
    undo: (id) =>
      inTurn(() => {
        const row = find(id);
        const { disabled, itemName } = row.data;
        if (row.state !== 'done' || disabled === null) {
          throw new Refusal('wrong-state', `“${itemName}” can’t be taken back; look at the list of actions again.`);
        }
        store.durably(() => store.putAction(with_(row, 'done', { step: 'undoing' })));
        const back = disabling.enable(id, disabled);
        if (!back.ok) {
          store.putAction(with_(row, 'done', { step: null }));
          const remedy = 'mend or close what stands in the way, and try again';
          throw new Refusal('wrong-state', `${show(disabled.path)} was not changed back, because ${back.why}; ${remedy}.`);
        }
        const undone = put(with_(row, 'undone', { step: null, disabled: null, by: 'employee' }), 'done', 'undone', { exact: back.exact });
        copies.drop(id);
        return shownOf(undone);
      }),
    consider,
    due: (signal) =>
      inTurn(async () => {
        for (const { id } of rows().filter(({ data }) => data.endsAt !== null)) {
          if (signal.aborted) return;
          const row = rows().find((one) => one.id === id);
          const { endsAt } = row?.data ?? {};
          if (!row || !endsAt || (row.state !== 'waiting' && row.state !== 'failed') || Date.parse(endsAt) > clock.now().getTime())
            continue;
          const want = wants().find((one) => sameThing(row, one) && one.rule === row.rule);
          // Asked again at the last moment: a grant may have come, or the program may have been closed.
          if (want && standing(want).state !== 'would') await carryOut(row, 'countdown', signal);
        }
      }),
    next() {
      const times = rows().flatMap(({ state, data }) =>
        data.endsAt !== null && (state === 'waiting' || state === 'failed') ? [Date.parse(data.endsAt)] : [],
      );
      return times.length > 0 ? new Date(Math.min(...times)) : null;
    },
  };
}
