/**
 * Measures against the bounds: main.ts [group]. A table, or with JSON=1 in the environment one JSON line a row.
 * Exit code: 1 when something could not be measured; a bound that is missed is a result like any other.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brokerRows } from "#test/bench/brokers.ts";
import { diskRows } from "#test/bench/disk.ts";
import { feedbackRows } from "#test/bench/feedback.ts";
import { localRows } from "#test/bench/local.ts";
import { otherRows } from "#test/bench/others.ts";
import { peerRows } from "#test/bench/peer.ts";
import { processRows } from "#test/bench/process-rows.ts";
import { rebuildRows } from "#test/bench/rebuild.ts";
import { restoreRows } from "#test/bench/restore.ts";
import { formatTable, type Row } from "#test/bench/row.ts";
import { verdictRows } from "#test/bench/verdict.ts";

const GROUPS: Readonly<Record<string, (folder: string) => Promise<ReadonlyArray<Row>>>> = {
  local: localRows,
  peer: peerRows,
  disk: diskRows,
  process: processRows,
  brokers: brokerRows,
  rebuild: rebuildRows,
  restore: restoreRows,
  verdict: verdictRows,
  feedback: feedbackRows,
  others: otherRows,
};

const only = process.argv[2];
const names = Object.keys(GROUPS).filter((name) => only === undefined || name === only);
if (names.length === 0) {
  process.stderr.write(`no group is called ${only}; there are ${Object.keys(GROUPS).join(", ")}\n`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "tapmesh-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const rows: Row[] = [];
for (const name of names) {
  process.stderr.write(`measuring: ${name}\n`);
  try {
    rows.push(...((await GROUPS[name]?.(join(folder, name))) ?? []));
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${name}: could not be measured: ${detail}\n`);
    process.exitCode = 1;
  }
}
const isJson = process.env["JSON"] === "1";
const text = isJson ? rows.map((row) => JSON.stringify(row)).join("\n") : formatTable(rows);
process.stdout.write(`${text}\n`);
