/** From the text of a policy file to plain values, with the line of each for whoever has to mend it. */
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

/** More is no policy that a person has read. */
const MAX_CHARS = 2_000_000;
const MAX_DEPTH = 64;

/** “line 12, tools[0].status” */
export type Where = (path: readonly PropertyKey[]) => string;
export type Source = { readonly raw: unknown; readonly where: Where };

/** JSON, with comments and a last comma; or what is wrong with it, where, and the remedy. Never throws. */
export function readSource(text: string): Source | { readonly issues: string[] } {
  if (text.length > MAX_CHARS) return { issues: [`The policy has ${text.length} characters; ${MAX_CHARS} is the most, so shorten it.`] };
  const source = text.replace(/^\uFEFF/, '');
  const deep = tooDeep(source);
  if (deep !== null) return { issues: [`line ${lineAt(source, deep)}: nested deeper than any policy; remove what is too much.`] };
  const errors: ParseError[] = [];
  const tree = parseTree(source, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (!tree || error) {
    const at =
      error && source.trim() !== ''
        ? `line ${lineAt(source, error.offset)}: ${spaced(printParseErrorCode(error.error))}`
        : 'The policy is empty';
    return { issues: [`${at}; correct it so that it is JSON.`] };
  }
  const twice = doubled(tree).map(
    (node) => `line ${lineAt(source, node.offset)}: “${String(node.value).slice(0, 60)}” stands here twice; keep one of them.`,
  );
  if (twice.length > 0) return { issues: twice };
  return {
    raw: toValue(tree),
    where: (path) => `line ${lineAt(source, nodeAt(tree, path).offset)}, ${path.length > 0 ? field(path) : 'the whole policy'}`,
  };
}

/** The offset where brackets nest deeper than `MAX_DEPTH`, or null. The parser is recursive and must not meet more. */
function tooDeep(source: string): number | null {
  let depth = 0;
  for (let at = 0; at < source.length; at++) {
    const char = source[at];
    if (char === '"') {
      for (at++; at < source.length && source[at] !== '"' && source[at] !== '\n'; at++) if (source[at] === '\\') at++;
    } else if (char === '/' && (source[at + 1] === '/' || source[at + 1] === '*')) {
      const end = source.indexOf(source[at + 1] === '/' ? '\n' : '*/', at + 2);
      if (end < 0) return null;
      at = end;
    } else if (char === '{' || char === '[') {
      depth++;
      if (depth > MAX_DEPTH) return at;
    } else if (char === '}' || char === ']') depth--;
  }
  return null;
}

function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let at = source.indexOf('\n'); at >= 0 && at < offset; at = source.indexOf('\n', at + 1)) line++;
  return line;
}

/** `PropertyNameExpected` → `property name expected`. */
function spaced(code: string): string {
  return code.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}

function field(path: readonly PropertyKey[]): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index ? '.' : ''}${String(key).slice(0, 60)}`)).join('');
}

/** The node at a path, or the nearest one around it. */
function nodeAt(tree: Node, path: readonly PropertyKey[]): Node {
  let node = tree;
  for (const key of path) {
    const next =
      node.type === 'array'
        ? node.children?.[Number(key)]
        : node.children?.find(({ children }) => children?.[0]?.value === key)?.children?.[1];
    if (!next) break;
    node = next;
  }
  return node;
}

/** Property names that stand twice in one object: JSON takes the last, people read the first. */
function doubled(node: Node): Node[] {
  const names = new Set<unknown>();
  const found: Node[] = [];
  for (const child of node.children ?? []) {
    const name = child.type === 'property' ? child.children?.[0] : undefined;
    if (name && names.has(name.value)) found.push(name);
    if (name) names.add(name.value);
    found.push(...doubled(child));
  }
  return found;
}

function toValue(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(toValue);
  if (node.type !== 'object') return node.value;
  // A property called __proto__ is a property here, and then one that no rule knows.
  const object: Record<string, unknown> = Object.create(null);
  for (const { children } of node.children ?? []) {
    if (children?.[0] && children[1]) object[String(children[0].value)] = toValue(children[1]);
  }
  return object;
}
