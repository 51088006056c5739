import * as E from "fp-ts/lib/Either.js";

/** The value of what must have succeeded; a failure shows what went wrong. */
export const rightOf = <L, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(`unexpected Left: ${JSON.stringify(either.left)}`);
  return either.right;
};

/** The tag of what must have failed. */
export const leftTag = <T extends string, A>(
  either: E.Either<{ readonly _tag: T }, A>,
): T | "Right" => (E.isLeft(either) ? either.left._tag : "Right");

/** An element that a test knows to be there. */
export const at = <A>(items: ReadonlyArray<A>, index: number): A => {
  const item = items.at(index);
  if (item === undefined) throw new Error(`nothing at ${index}`);
  return item;
};
