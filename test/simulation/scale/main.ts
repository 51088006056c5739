/** Prints the scale table and plot of the README: node test/simulation/scale/main.ts [gateways …] */
import { performance } from "node:perf_hooks";
import * as E from "fp-ts/lib/Either.js";
import { decodeRange, encodeRange, verifyRange } from "#core/log/range.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import {
  dayCosts,
  measure,
  onPaper,
  type DayCosts,
  type Measured,
  type Times,
} from "#test/simulation/scale/costs.ts";
import { sampleEpoch } from "#test/unit/core/log/sample-epoch.ts";

const TAPS_PER_DAY = 2_000;
const SIZES = [5, 16, 50, 100, 200];
/** Worked out from the messages of the largest fleet that was simulated: gateways are alike. */
const SIZES_ON_PAPER = [500, 1_000];
const ROUNDS = 2_000;

const timed = (work: () => void): number => {
  const samples: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) {
    const startMs = performance.now();
    work();
    samples.push(performance.now() - startMs);
  }
  return samples.toSorted((a, b) => a - b)[ROUNDS / 2] ?? 0;
};

/** One lone tap's Range decoded and verified with real signatures, and a signature alone. */
const measureTimes = (): Times => {
  const epoch = sampleEpoch(12);
  const bytes = encodeRange(epoch.range(11, 12, 12));
  const head = epoch.headAt(11);
  const tailMs = timed(() => {
    const range = decodeRange(bytes);
    if (E.isLeft(range)) throw new Error("no range");
    verifyRange(nodeCrypto, { head, knownLeaf: () => undefined }, range.right);
  });
  const message = new Uint8Array(300);
  const signature = epoch.names.epochKey.sign(message);
  const { publicKey } = epoch.names.epochKey;
  const statementMs = timed(() => {
    nodeCrypto.verifyEd25519(publicKey, message, signature);
  });
  return { tailMs, statementMs };
};

const asked = process.argv.slice(2).map(Number);
const times = measureTimes();
const rows: DayCosts[] = [];
const mega = (value: number): string => (value / 1e6).toFixed(value < 1e7 ? 1 : 0);
const out = (text: string): void => void process.stdout.write(`${text}\n`);

out(
  `a received tap ${times.tailMs.toFixed(3)} ms, another statement ${times.statementMs.toFixed(3)} ms (medians here)\n`,
);
out(
  "| gateways | stores the records of (most) | messages in / out a day | MB in / out a day | disk a day | CPU a day |",
);
out("| --- | --- | --- | --- | --- | --- |");
const show = (measured: Measured, mark: string): void => {
  const costs = dayCosts(measured, TAPS_PER_DAY, times);
  rows.push(costs);
  const inOut = `${Math.round(costs.messagesReceived).toLocaleString("en")} / ${Math.round(costs.messagesSent).toLocaleString("en")}`;
  out(
    `| ${measured.gateways}${mark} | ${measured.storedAuthors.toFixed(1)} (${measured.storedAuthorsMax}) | ${inOut} | ${mega(costs.bytesReceived)} / ${mega(costs.bytesSent)} | ${mega(costs.diskBytes)} MB | ${costs.cpuSeconds.toFixed(0)} s |`,
  );
  if (measured.asks > 0) out(`(${measured.asks} asks: something was lost)`);
};

const measured = (asked.length > 0 ? asked : SIZES).map(measure);
for (const one of measured) show(one, "");
const largest = measured.at(-1);
if (asked.length === 0 && largest !== undefined) {
  for (const gateways of SIZES_ON_PAPER) show(onPaper(largest, gateways), " (on paper)");
}
out("\n```mermaid\nxychart-beta");
out('  title "MB received by a gateway a day, 2,000 taps a day at each"');
out(`  x-axis "gateways" [${rows.map(({ gateways }) => gateways).join(", ")}]`);
out('  y-axis "MB a day"');
out(`  line [${rows.map(({ bytesReceived }) => Math.round(bytesReceived / 1e6)).join(", ")}]`);
out(`  line [${rows.map(({ diskBytes }) => Math.round(diskBytes / 1e6)).join(", ")}]`);
out("```");
