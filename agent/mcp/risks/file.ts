/** Rules about the config file itself: what stands in it and who may read or change it. Pure. */
import { BLANK, type NamedValue } from '../secrets.ts';
import { whoElse } from './launch.ts';
import type { Assessed, Rule } from './rule.ts';

export const fileRules: readonly Rule[] = [
  {
    id: 'plaintext-secret',
    title: 'A secret stands in the config file in plain text',
    severity: 'high',
    test: (server) => {
      const found = secretsIn(server);
      const places = [...new Set(found.map(({ name, position }) => (name === '' || name === BLANK ? position : name)))].sort();
      return found.length === 0 ? null : places.slice(0, 5).join(', ');
    },
    advice: 'Replace the value with a reference (an environment variable or the keychain), and renew the secret: it has been on disk.',
    refs: ['MCP01', 'ASI03', 'T0055'],
  },
  {
    id: 'config-writable',
    title: 'Another account can change what this entry starts',
    severity: 'high',
    test: ({ facts }) => whoElse(facts?.config, 'the config file'),
    advice: 'Take the right to write from everybody but the owner (chmod go-w), for the file and for its folder.',
    refs: ['MCP01', 'MCP09', 'T0081'],
  },
  {
    id: 'config-readable',
    title: 'Other accounts on this computer can read the secret in the file',
    severity: 'medium',
    test: (server) => (server.facts?.config?.othersRead && secretsIn(server).length > 0 ? '' : null),
    advice: 'Let only the owner read the file (chmod 600), and put a reference in the place of the secret.',
    refs: ['MCP01', 'ASI03'],
  },
];

/** Values that are secrets and stand there themselves. A generated run counts in an argument only under a name, and never as the id of something. */
function secretsIn(server: Assessed): readonly NamedValue[] {
  return server.launch.values.filter(
    ({ kind, position, name }) =>
      kind === 'known-shape' || kind === 'telling-name' || (kind === 'random' && position !== 'arg' && !isIdentifier(name)),
  );
}

/** `AZURE_TENANT_ID`, `NOTION_DATABASE_ID`, `project_ref`: generated, and known to everybody who has a link. */
function isIdentifier(name: string): boolean {
  return /(?:^|[_-])(?:ids?|uuid|guid|ref|arn|sha|hash|commit|digest)$/i.test(name) || /[a-z](?:Id|Uuid)s?$/.test(name);
}
