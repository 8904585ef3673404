/** A draft as the text of a file: with comments for whoever edits it, one rule a line, and nothing from outside that could act on a terminal. Pure. */
import type { Draft } from './draft.ts';

const ABOVE: Readonly<Record<string, readonly string[]>> = {
  organization: [
    'Your organization’s name stands in the sentences that employees read. Add helpUrl and accountDomains, the domains of your addresses.',
  ],
  stance: ['What no rule names: unreviewed, tolerated or prohibited.'],
  mode: ['monitor records, warn tells the employee, enforce acts where a rule names an action. A rule may have a mode of its own.'],
  dataClasses: ['Least to most sensitive, in your words.'],
  tools: [
    'status: approved, conditional, tolerated, unreviewed or prohibited. The tier is the control: approve “business”, not the product.',
    'Notes are for you; employees never see them.',
  ],
  clauses: ['What employees read. backedBy names controls, byPeople says who sees to it and how often; a clause with neither is a wish.'],
  collect: ['May only narrow what this build and your device management allow.'],
};

/** `head` are sentences for the top of the file. */
export function writeDraft({ policy, leftOut }: Draft, head: readonly string[]): string {
  const fields = Object.entries(policy).filter(([, value]) => value !== undefined);
  const lines = fields.flatMap(([name, value], index) => {
    const comma = index < fields.length - 1 ? ',' : '';
    const above = (ABOVE[name] ?? []).map((line) => `  // ${line}`);
    if (name === 'mcp') return [...above, ...mcp(value as NonNullable<Draft['policy']['mcp']>, leftOut, comma)];
    return [...above, ...block(name, value, '  ', comma)];
  });
  return `${[...head.map((line) => `// ${oneLine(line)}`), '{', ...lines, '}'].join('\n')}\n`;
}

function mcp({ stance, rules = [] }: NonNullable<Draft['policy']['mcp']>, leftOut: readonly string[], comma: string): string[] {
  return [
    '  "mcp": {',
    `    "stance": ${inline(stance)},`,
    ...leftOut.map((line) => `    // ${oneLine(line)}`),
    ...block('rules', rules, '    ', ''),
    `  }${comma}`,
  ];
}

/** Clauses are read, so each of their fields has its line; everything else is one line an item. */
function block(name: string, value: unknown, indent: string, comma: string): string[] {
  if (!Array.isArray(value) || value.length === 0) return [`${indent}"${name}": ${inline(value)}${comma}`];
  const items = value.flatMap((item, index) => {
    const end = index < value.length - 1 ? ',' : '';
    if (name !== 'clauses') return [`${indent}  ${inline(item)}${end}`];
    const fields = Object.entries(item as object);
    const lines = fields.map(([key, inner], at) => `${indent}    "${key}": ${inline(inner)}${at < fields.length - 1 ? ',' : ''}`);
    return [`${indent}  {`, ...lines, `${indent}  }${end}`];
  });
  return [`${indent}"${name}": [`, ...items, `${indent}]${comma}`];
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return escaped(JSON.stringify(value));
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return fields.length === 0 ? '{}' : `{ ${fields.map(([key, inner]) => `${escaped(JSON.stringify(key))}: ${inline(inner)}`).join(', ')} }`;
}

/** Characters that don't stand there but act: on a terminal, or on the direction of what follows. */
const ACTING = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

function escaped(json: string): string {
  const unit = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`;
  return json.replaceAll(ACTING, (found) => [...Array(found.length).keys()].map((at) => unit(found.charCodeAt(at))).join(''));
}

function oneLine(text: string): string {
  return text.replaceAll(ACTING, '·');
}
