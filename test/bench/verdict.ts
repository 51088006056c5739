/** Rows of the verdict: what it keeps in memory. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { CHECKOUT } from "#test/bench/bundle.ts";
import { rowOf, type Row } from "#test/bench/row.ts";

const INDEX_MAX_MB = 5;
const PROCESSES = 3;

/** In a process of its own, so that nothing else's memory is counted. */
const indexMb = (): number => {
  const child = join(CHECKOUT, "test/bench/verdict-child.ts");
  const printed = execFileSync(process.execPath, ["--expose-gc", child, "memory"]);
  return Number(printed.toString()) / 1e6;
};

export const verdictRows = (): Promise<ReadonlyArray<Row>> =>
  Promise.resolve([
    rowOf({
      name: "memory, card index, 100,000 cards",
      unit: "MB",
      samples: Array.from({ length: PROCESSES }, indexMb),
      bound: { text: `< ${INDEX_MAX_MB}`, p50Max: INDEX_MAX_MB },
    }),
  ]);
