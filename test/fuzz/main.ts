/** `make fuzz`: INPUTS (100000) for each decoder, from SEED (1). Exit code 1 when one of them throws, or makes up output. */
import { fuzz } from "#test/fuzz/target.ts";
import { TARGETS } from "#test/fuzz/targets.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const inputCount = Number(process.env["INPUTS"] ?? 100_000);
const seed = Number(process.env["SEED"] ?? 1);

let failureCount = 0;
for (const target of TARGETS) {
  const startMs = performance.now();
  const problem = fuzz(target, seed, inputCount);
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
  say(`${problem === undefined ? "ok  " : "FAIL"} ${target.name} (${seconds} s)`);
  if (problem !== undefined) {
    failureCount += 1;
    say(`     ${problem}`);
  }
}
say(
  `${TARGETS.length} decoders, ${inputCount} inputs each from seed ${seed}: ${failureCount} failed`,
);
process.exitCode = failureCount === 0 ? 0 : 1;
