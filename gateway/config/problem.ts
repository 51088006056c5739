/** What is wrong with a configuration, with the place, and the words to mend it. */
export interface ConfigProblem {
  readonly _tag: "ConfigProblem";
  /** 1 for the first; 0 where the file as a whole is meant. */
  readonly line: number;
  /** Dotted path of the key, such as `readers.0.driver`; empty for the file. */
  readonly path: string;
  readonly message: string;
}

/** Steps to turn one word into another: insert, delete, replace (Levenshtein). */
const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      const replace = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replace, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
};

/** ` (did you mean "x"?)`, or nothing where no known word is near. */
export const suggestion = (word: string, known: ReadonlyArray<string>): string => {
  const nearest = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .toSorted((a, b) => a.distance - b.distance)[0];
  if (nearest === undefined || nearest.distance > Math.max(2, word.length / 3)) return "";
  return ` (did you mean "${nearest.candidate}"?)`;
};

export const formatProblem = (file: string, problem: ConfigProblem): string => {
  const place = problem.line > 0 ? `${file}:${problem.line}` : file;
  return problem.path === ""
    ? `${place}: ${problem.message}`
    : `${place}: ${problem.path}: ${problem.message}`;
};
