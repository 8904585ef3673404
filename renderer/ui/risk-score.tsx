/** A risk from 0 to 100 as ten posts, with the number and its band in words. */
import type { Risk } from '../../electron/contract.ts';
import { riskPosts, riskText } from '../words/mcp.ts';

const ten = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

export function RiskScore({ risk, large = false }: { risk: Risk; large?: boolean }) {
  const on = riskPosts(risk.score);
  return (
    <span className={`score is-${risk.level}${large ? ' lg' : ''}`}>
      <span className="posts" role="img" aria-label={`Risk ${riskText(risk)}`}>
        {ten.map((post) => (
          <i key={post} className={post <= on ? 'on' : undefined} />
        ))}
      </span>
      <span className="num small" aria-hidden="true">
        {large ? riskText(risk) : risk.score}
      </span>
    </span>
  );
}
