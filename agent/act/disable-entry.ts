/**
 * Switching an MCP server off in its client's file, and on again.
 *
 * The order: a copy of the bytes, a note of what is about to be done (both on the disk), then the file. Whoever finds the note after a kill at any
 * point asks the file itself whether the entry is off, and has the copy if it is.
 */
import type { Os } from '../observe/os.ts';
import { type Copies, createOwn, hashOf, readOwn, removeBeside, replaceOwn } from './config-file.ts';
import { edited } from './edit.ts';
import { type EntryPlace, isOff, offEdits, onEdits, previewOf, type Show, type Target, type Way } from './entry.ts';

/** Enough to take it back; no byte of the file is in it. */
export type Disabled = {
  readonly path: string;
  readonly place: EntryPlace;
  readonly way: Way;
  readonly mode: number;
  readonly before: string;
  readonly after: string;
};

type Refused = { readonly ok: false; readonly why: string };
/** `tried`: it was about to be written, and may be written the next time. */
type NotDone = Refused & { readonly tried: boolean };
export type Preview = { readonly before: readonly string[]; readonly after: readonly string[] };

export type Disabling = {
  /** What would change; writes nothing. */
  preview(target: Target): { readonly ok: true; readonly preview: Preview } | Refused;
  /** `note` is called once, before the file changes, and must have written what it is given when it returns. */
  disable(id: string, target: Target, note: (disabled: Disabled) => void): { readonly ok: true; readonly disabled: Disabled } | NotDone;
  /** Takes it back; the copy is still there afterwards. `exact`: the file is byte for byte what it was. */
  enable(id: string, disabled: Disabled): { readonly ok: true; readonly exact: boolean } | Refused;
  /** Whether it is off now; null where the file can't be asked. Removes what a killed process left beside the file. */
  found(id: string, disabled: Pick<Disabled, 'path' | 'place' | 'way'>): boolean | null;
};

/** `os` says whose files may be written. */
export function createDisabling(os: Os, copies: Copies, show: Show): Disabling {
  function planned(target: Target) {
    const read = readOwn(os, target.path);
    if (!read.ok) return read;
    const off = offEdits(target, read.file.bytes, show);
    if (!off.ok) return off;
    const format = off.way.by === 'elsewhere' ? off.way.format : target.place.format;
    const changed = edited(format, read.file.bytes, off.edits);
    if (!changed.ok) return changed;
    // The proof that counts in the end: read as Muster reads it, the server is off.
    if (isOff({ ...target, way: off.way }, changed.bytes, show) !== true) {
      return { ok: false, why: 'its tool has more places for the entry than one' } as const;
    }
    return { ok: true, file: read.file, bytes: changed.bytes, way: off.way } as const;
  }

  return {
    preview(target) {
      const plan = planned(target);
      return plan.ok ? { ok: true, preview: previewOf({ ...target, way: plan.way }) } : plan;
    },
    disable(id, target, note) {
      const plan = planned(target);
      if (!plan.ok) return { ...plan, tried: false };
      const { file, bytes, way } = plan;
      const disabled: Disabled = {
        ...{ path: file.path, place: target.place, way },
        mode: file.mode,
        before: file.hash,
        after: hashOf(bytes),
      };
      copies.keep(id, file.bytes);
      note(disabled);
      const done = replaceOwn(file, bytes, id);
      return done.ok ? { ok: true, disabled } : { ...done, tried: true };
    },
    enable(id, { path, place, way, mode, before, after }) {
      const copy = copies.read(id);
      const whole = copy !== null && hashOf(copy) === before ? copy : null;
      const read = readOwn(os, path);
      if (!read.ok) {
        if (!read.absent || whole === null) return { ok: false, why: read.why };
        createOwn(path, whole, mode, id);
        return { ok: true, exact: true };
      }
      const { file } = read;
      if (file.hash === after && whole !== null) {
        const done = replaceOwn({ ...file, mode }, whole, id);
        return done.ok ? { ok: true, exact: true } : done;
      }
      const on = onEdits({ place, way }, file.bytes, whole, show);
      if (!on.ok) return on;
      if (on.edits.length === 0) return { ok: true, exact: file.hash === before };
      const changed = edited(way.by === 'elsewhere' ? way.format : place.format, file.bytes, on.edits);
      if (!changed.ok) return changed;
      const done = replaceOwn(file, changed.bytes, id);
      return done.ok ? { ok: true, exact: false } : done;
    },
    found(id, { path, place, way }) {
      removeBeside(path, id);
      const read = readOwn(os, path);
      return read.ok ? isOff({ place, way }, read.file.bytes, show) : null;
    },
  };
}
