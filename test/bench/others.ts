/** Rows of the group `others`: what comparable libraries take for the same work. */
import { logRows } from "#test/bench/other-logs.ts";
import { mergeRows } from "#test/bench/other-merges.ts";
import { loadPackages } from "#test/bench/other-packages.ts";
import type { Row } from "#test/bench/row.ts";

export const otherRows = async (folder: string): Promise<ReadonlyArray<Row>> => {
  const packages = await loadPackages();
  return [...(await logRows(folder, packages)), ...mergeRows(packages)];
};
