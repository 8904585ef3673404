/** The line-up: one post a tool, standing in line; a post that steps forward needs something. Its label and captions give the counts in words. */
import { countWord, groups } from '../../electron/attention.ts';
import type { Tool } from '../../electron/contract.ts';
import { glyph, tone } from '../words/status.ts';

/** Beyond this many posts they are drawn closer; beyond `MOST`, a post stands for several tools. */
const ROOMY = 44;
const MOST = 120;

function posts<T>(items: readonly T[], total: number): readonly T[] {
  if (total <= MOST || items.length === 0) return items;
  return items.slice(0, Math.max(1, Math.round((items.length * MOST) / total)));
}

const verb = (n: number, one: string, many: string) => (n === 1 ? one : many);

export function LineUp({ tools }: { tools: readonly Tool[] }) {
  const { needs, waiting, fine } = groups(tools);
  const total = needs.length + waiting.length + fine.length;
  const label = [
    fine.length > 0 && `${countWord(fine.length)} ${verb(fine.length, 'is fine as it is', 'are fine as they are')}`,
    waiting.length > 0 && `${countWord(waiting.length)} ${verb(waiting.length, 'waits', 'wait')} for an answer`,
    needs.length > 0 && `${countWord(needs.length)} ${verb(needs.length, 'needs', 'need')} you`,
  ].filter(Boolean);
  return (
    <div className={total > ROOMY ? 'state-line is-dense' : 'state-line'} role="img" aria-label={`Of your tools, ${label.join(', ')}.`}>
      {fine.length > 0 && (
        <div>
          <div className="lineup fine">
            {posts(fine, total).map(({ id }) => (
              <i key={id} />
            ))}
          </div>
          <span className="caption">
            {fine.length} fine as {verb(fine.length, 'it is', 'they are')}
          </span>
        </div>
      )}
      {waiting.length > 0 && (
        <div>
          <div className="lineup waiting">
            {posts(waiting, total).map(({ id }) => (
              <i key={id} className="wait" />
            ))}
          </div>
          <span className="caption">{waiting.length} waiting for IT</span>
        </div>
      )}
      {needs.length > 0 && (
        <div className="need">
          <div className="lineup">
            {posts(needs, total).map(({ id, verdict }) => (
              <i key={id} className={`need tone-${tone(glyph(verdict))}`} />
            ))}
          </div>
          <span className="caption">
            {needs.length} {verb(needs.length, 'needs', 'need')} you
          </span>
        </div>
      )}
    </div>
  );
}

/** The only looping motion there is; it stands still where motion is reduced, beside its word. */
export function LoadingLineUp() {
  return (
    <div className="lineup is-loading" aria-hidden="true">
      <i />
      <i />
      <i />
      <i />
      <i />
    </div>
  );
}

export function EmptyLineUp() {
  return (
    <div className="lineup" aria-hidden="true">
      <i className="ghost" />
      <i className="ghost" />
      <i className="ghost" />
      <i className="ghost" />
      <i className="ghost" />
    </div>
  );
}
