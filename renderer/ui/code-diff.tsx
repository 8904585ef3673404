/** What changes in a file or a list, line by line. “Added” and “removed” are read out; the sign is for the eye. */
import { diffLines } from '../words/action.ts';
import { plain } from '../words/plain.ts';

const sign = { same: ' ', removed: '−', added: '+' } as const;
const said = { same: null, removed: 'removed: ', added: 'added: ' } as const;

export function CodeDiff({ before, after, label }: { before: readonly string[]; after: readonly string[]; label: string }) {
  const lines = diffLines(before, after);
  if (lines.length === 0) return null;
  return (
    // A box that scrolls has to be reached by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above.
    <section className="code diff" aria-label={label} tabIndex={0}>
      <pre dir="ltr">
        {lines.map(({ kind, text }, at) => (
          // The same line may come twice; its place tells them apart.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above.
          <span key={at} className={`line is-${kind}`}>
            <span aria-hidden="true">{sign[kind]} </span>
            {said[kind] && <span className="vh">{said[kind]}</span>}
            {plain(text)}
            {'\n'}
          </span>
        ))}
      </pre>
    </section>
  );
}
