/** What is made when it is first asked for: schemas take time to build, and most runs never need most of them. */

/** A function that makes its answer once. */
export function later<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
