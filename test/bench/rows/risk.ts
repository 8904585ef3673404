/** How well the risk rules tell: precision and recall of each on the labelled servers. */
import type { Row } from '../bench.ts';
import { readLabels } from '../mcp-labels.ts';
import { benchRisk } from '../mcp-risk.ts';

export const row: Row = {
  id: 'risk',
  about: 'precision and recall of each risk rule on the labelled MCP servers',
  needs: [],
  limitS: { short: 30, long: 30 },
  async run() {
    const servers = readLabels().length;
    return benchRisk().map(({ rule, truePositives, falsePositives, falseNegatives, precision, recall, wrong }) => ({
      what: `risk rule ${rule}, ${servers} labelled servers`,
      measured: `precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)} (${truePositives} found rightly, ${falsePositives} wrongly, ${falseNegatives} missed${wrong.length > 0 ? `: ${wrong.join(', ')}` : ''})`,
      bar: '≥ 0.95 both',
      met: Math.min(precision, recall) >= 0.95,
      numbers: { truePositives, falsePositives, falseNegatives, precision, recall },
    }));
  },
};
