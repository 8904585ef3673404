/** YAML → a value, ending at the first thing that is wrong, however hostile the text is. */
import { createRequire } from 'node:module';

/** A place in the text, never the text itself. */
export class YamlError extends Error {
  readonly offset: number | null;
  constructor(offset: number | null) {
    super('not YAML');
    this.offset = offset;
  }
}

type Library = typeof import('yaml');
let library: Library | undefined;

/** Loaded for the first YAML file only: most people have none, and loading costs every command 15 ms. The bundler sees the first form, Node the second. */
function load(): Library {
  library ??= (typeof require === 'function' ? require('yaml') : createRequire(import.meta.url)('yaml')) as Library;
  return library;
}

type OnError = (source: number | readonly [number, number] | { offset: number }, code: string, message: string, warning?: boolean) => void;

/** The first document of the text; `null` where it is empty. Throws a `YamlError`. Of a key that is there twice the last counts. */
export function parseYaml(text: string): unknown {
  const { Composer, Parser, isAlias, isCollection, visit } = load();
  let first: YamlError | undefined;
  // Silent, because its warnings quote the text and go to the standard error.
  const composer = new Composer({ uniqueKeys: false, merge: true, logLevel: 'silent' });
  // The library's own collects every error with its message, which takes ten seconds for 100,000 of them; the first is enough here.
  (composer as unknown as { onError: OnError }).onError = (source, _code, _message, warning) => {
    if (warning) return;
    // The library catches what is thrown inside of a node, and comes back with the node around it.
    first ??= new YamlError(typeof source === 'number' ? source : 'offset' in source ? source.offset : source[0]);
    throw first;
  };
  try {
    for (const document of composer.compose(new Parser().parse(text), true, text.length)) {
      // A map or a list as a key becomes text in JavaScript, written anew at every level around it: 700 of `? ` in a row would take a minute.
      visit(document, {
        Pair(_, { key }) {
          if (isCollection(key) || isAlias(key)) throw new YamlError(key.range?.[0] ?? null);
        },
      });
      return document.toJS({ maxAliasCount: 100 });
    }
    return null;
  } catch (error) {
    // Too many aliases, or too deep for the stack.
    throw error instanceof YamlError ? error : new YamlError(null);
  }
}
