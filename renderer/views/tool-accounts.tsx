/** With which accounts a tool is signed in, each with what holds for it; and what the vendor does with data on each plan. */
import type { Tool } from '../../electron/contract.ts';
import { Glyph } from '../ui/icon.tsx';
import { Code, Outside } from '../ui/outside.tsx';
import { useMuster } from '../use-muster.ts';
import { accountText, dataTerms, sourceText } from '../words/account.ts';
import { glyph, word } from '../words/status.ts';

export function Accounts({ tool }: { tool: Tool }) {
  const { now } = useMuster();
  if (tool.accounts.length === 0) return null;
  return (
    <section>
      <h2>{tool.accounts.length === 1 ? 'The account it is signed in with' : 'Accounts it is signed in with'}</h2>
      <ul className="group accounts">
        {tool.accounts.map((account) => (
          <li key={`${account.source} ${account.home} ${account.tier}`} data-account={account.verdict.status}>
            <Glyph name={glyph(account.verdict)} />
            <div>
              <p>
                <span className="strong">
                  <Outside text={accountText(account, tool.tiers)} />
                </span>{' '}
                <span className="ink-2">{word(account.verdict, now)}</span>
              </p>
              {tool.accounts.length > 1 && (
                <p className="ink-2">
                  <Outside text={account.verdict.reason} />
                </p>
              )}
              <small className="ink-3">
                Read in <Code text={account.source} />
              </small>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The vendor's own word, or what somebody has found out; where it is said stands beside it. */
export function VendorData({ tool }: { tool: Tool }) {
  const rows = dataTerms(tool);
  if (rows.length === 0) return null;
  return (
    <section>
      <h2>
        What <Outside text={tool.vendor} /> does with your data
      </h2>
      <ul className="terms">
        {rows.map(({ plans, trains, terms, sources }) => (
          <li key={plans.join(' ')}>
            <b>
              <Outside text={plans.join(', ')} />
            </b>
            <div>
              <p>{trains}.</p>
              {terms !== null && (
                <p className="ink-2">
                  <Outside text={terms} />
                </p>
              )}
              <small className="block ink-3">
                {sources.length === 0 ? (
                  'Nobody has found out where that is said.'
                ) : (
                  <>
                    Said at{' '}
                    {sources.map((source, at) => (
                      <span key={source}>
                        {at > 0 && ' and '}
                        <Code text={sourceText(source)} />
                      </span>
                    ))}
                  </>
                )}
              </small>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
