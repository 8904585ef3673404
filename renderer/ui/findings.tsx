/** What was found about a server or a tool's settings: how bad, what it adds to the score where there is one, and what to do about it. */
import type { Finding } from '../../electron/contract.ts';
import { severityWord } from '../words/mcp.ts';
import { Outside } from './outside.tsx';

/** Worst first, as they come. */
export function Findings({ findings }: { findings: readonly Finding[] }) {
  return (
    <ul className="findings">
      {findings.map((finding, at) => (
        // One rule may have found two things, with two messages.
        <li key={`${finding.id} ${finding.message}`}>
          <div>
            <b>{severityWord[finding.severity]}</b>
            {finding.points !== undefined && (
              <span className="block small ink-3 num">
                {at === 0 ? '' : '+ '}
                {finding.points}
              </span>
            )}
          </div>
          <div>
            <p>
              <Outside text={finding.message} />
            </p>
            <p className="ink-2">
              <Outside text={finding.advice} />
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}
