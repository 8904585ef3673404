/** One filter of the table, with how many rows it leaves. */
export function FilterChip({ on, count, label, onPress }: { on: boolean; count: number; label: string; onPress: () => void }) {
  return (
    <button type="button" className="chip" aria-pressed={on} onClick={onPress}>
      {label} <b>{count}</b>
    </button>
  );
}
