/** All tools as one table, grouped by kind: ↑ and ↓ go from row to row, Enter opens one. */
import { type KeyboardEvent, useRef, useState } from 'react';
import type { Tool } from '../../electron/contract.ts';
import { toolLink } from '../route.ts';
import { useMuster } from '../use-muster.ts';
import type { Group } from '../words/list.ts';
import { plain } from '../words/plain.ts';
import { toolGlyph, toolWord } from '../words/status.ts';
import { dataText, planText } from '../words/tool.ts';
import { Glyph, Icon } from './icon.tsx';
import { Outside } from './outside.tsx';

function Row({ tool, tabbable, onFocus }: { tool: Tool; tabbable: boolean; onFocus: () => void }) {
  const { snapshot, now } = useMuster();
  const plan = planText(tool);
  return (
    <tr className="t" data-tool={tool.id}>
      <td>
        <Glyph name={toolGlyph(tool)} />
      </td>
      <td className="nm">
        <div>
          <a href={toolLink(tool.id)} tabIndex={tabbable ? 0 : -1} onFocus={onFocus} title={plain(tool.name)}>
            <Outside text={tool.name} />
          </a>
          <small>
            {tool.running ? 'Running now' : tool.confidence === 'possible' ? 'A trace, no more' : <Outside text={tool.vendor} />}
          </small>
        </div>
      </td>
      <td className="d plan">
        {plan === null ? (
          <>
            <span aria-hidden="true">—</span>
            <span className="vh">No plans</span>
          </>
        ) : (
          <Outside text={plan} />
        )}
      </td>
      <td className="d data">
        <Outside text={dataText(tool.verdict, snapshot.policy.dataClasses)} />
      </td>
      <td className="stat">{toolWord(tool, now)}</td>
      <td className="go">
        <Icon name="right" className="chev" />
      </td>
    </tr>
  );
}

export function ToolTable({ groups, label }: { groups: readonly Group[]; label: string }) {
  const table = useRef<HTMLTableElement>(null);
  const [current, setCurrent] = useState<string | null>(null);
  const ids = groups.flatMap(({ tools }) => tools.map(({ id }) => id));
  // One row is in the Tab order: the one last visited, or the first.
  const tabStop = current !== null && ids.includes(current) ? current : ids[0];

  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const links = [...(table.current?.querySelectorAll<HTMLAnchorElement>('.nm a') ?? [])];
    const at = links.indexOf(document.activeElement as HTMLAnchorElement);
    if (at < 0) return;
    event.preventDefault();
    links[Math.max(0, Math.min(links.length - 1, at + step))]?.focus();
  };

  return (
    <table className="tools" ref={table} onKeyDown={onKeyDown} aria-label={label}>
      <colgroup>
        <col className="w-glyph" />
        <col />
        <col className="w-plan" />
        <col className="w-data" />
        <col className="w-stat" />
        <col className="w-go" />
      </colgroup>
      <thead>
        <tr>
          <td />
          <th scope="col">Tool</th>
          <th scope="col" className="plan">
            Plan
          </th>
          <th scope="col" className="data">
            Use it with
          </th>
          <th scope="col">Status</th>
          <td className="go" />
        </tr>
      </thead>
      {groups.map(({ kind, tools }) => (
        <tbody key={kind}>
          <tr>
            <th colSpan={6} scope="rowgroup">
              <Outside text={kind} />
            </th>
          </tr>
          {tools.map((tool) => (
            <Row key={tool.id} tool={tool} tabbable={tool.id === tabStop} onFocus={() => setCurrent(tool.id)} />
          ))}
        </tbody>
      ))}
    </table>
  );
}
