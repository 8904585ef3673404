/** What is granted to this computer beyond the policy: until when, why, and in its last two weeks the way to ask for longer. */

import type { GrantInForce, Snapshot } from '../../electron/contract.ts';
import { toolLink } from '../route.ts';
import { type Askable, useMuster } from '../use-muster.ts';
import { plain } from '../words/plain.ts';
import { grantGlyph, grantWord, mayAskLonger } from '../words/policy.ts';
import { Glyph } from './icon.tsx';
import { askable } from './need-card.tsx';
import { Outside } from './outside.tsx';

/** The tool of a grant, by its id or its family's; null for an MCP server and for what isn't here. */
const toolOf = ({ item }: GrantInForce, { tools }: Snapshot) =>
  tools.find(({ id }) => id === item) ?? tools.find(({ family, present }) => present && family === item) ?? null;

/** What to ask for, where the thing itself is on this computer. */
export function longer(grant: GrantInForce, snapshot: Snapshot): Askable | null {
  const tool = toolOf(grant, snapshot);
  if (tool) return askable(tool);
  const server = snapshot.mcpServers.find(({ name, identity }) => [`mcp:${name}`, `mcp:${identity.name}`].includes(grant.item));
  return server ? { item: `mcp:${server.name}`, name: server.name, tiers: [], tier: null } : null;
}

export function Exceptions() {
  const { snapshot, now, ask } = useMuster();
  const grants = snapshot.policy.grants ?? [];
  if (grants.length === 0) return null;
  return (
    <section className="after" aria-labelledby="exceptions">
      <h2 className="title" id="exceptions">
        Your exceptions <span className="count">{grants.length}</span>
      </h2>
      <ul className="group">
        {grants.map((grant) => {
          const tool = toolOf(grant, snapshot);
          const may = mayAskLonger(grant, now) ? longer(grant, snapshot) : null;
          const asked = snapshot.requests.some(
            ({ item, state }) => (item === may?.item || item === grant.item) && (state === 'open' || state === 'needs-info'),
          );
          const label = grant.standing === 'ended' ? 'Ask again' : 'Ask for longer';
          return (
            <li key={grant.id} className="need-card" data-grant={grant.standing}>
              <Glyph name={grantGlyph(grant)} />
              <div>
                <h3>
                  {tool ? (
                    <a href={toolLink(tool.id)}>
                      <Outside text={grant.itemName} />
                    </a>
                  ) : (
                    <Outside text={grant.itemName} />
                  )}{' '}
                  <small>{grantWord(grant, now)}</small>
                </h3>
                <p>
                  <Outside text={grant.reason} />
                </p>
              </div>
              <div className="acts">
                {asked ? (
                  <span className="small ink-3">You have asked</span>
                ) : (
                  may && (
                    <button type="button" className="btn" aria-label={`${label}: ${plain(grant.itemName)}`} onClick={() => ask([may])}>
                      {label}
                    </button>
                  )
                )}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
