/** `make soak`: 10,000 taps at each kind of reader, with memory watched; then the same with a planted leak, which must show. */
import { problemsOfSoak, soak, type SoakOptions } from "#test/soak/soak.ts";

const TAPS = 10_000;

const SOAKS: ReadonlyArray<SoakOptions> = [
  { kind: "simulated", taps: TAPS, leaks: false },
  { kind: "pcsc", taps: TAPS, leaks: false },
  { kind: "pn532", taps: TAPS, leaks: false },
  { kind: "simulated", taps: TAPS, leaks: true },
  { kind: "pcsc", taps: TAPS / 5, leaks: true },
  { kind: "pn532", taps: TAPS / 5, leaks: true },
];

const say = (text: string): void => void process.stdout.write(`${text}\n`);

say("| reader | taps arrived | heap rose | PC/SC child rose | |");
say("| --- | --- | --- | --- | --- |");
for (const options of SOAKS) {
  const run = await soak(options);
  const problems = problemsOfSoak(run);
  const isRight = options.leaks === problems.length > 0;
  if (!isRight) process.exitCode = 1;
  const child = run.childRiseMb === null ? "" : `${run.childRiseMb.toFixed(2)} MB`;
  const name = `${options.kind}${options.leaks ? ", planted leak" : ""}`;
  const words = options.leaks ? "the leak was not seen" : problems.join("; ");
  const verdict = isRight ? (options.leaks ? "seen" : "flat") : `WRONG: ${words}`;
  say(
    `| ${name} | ${run.arrived} of ${run.taps} | ${run.heapRiseMb.toFixed(2)} MB | ${child} | ${verdict} |`,
  );
}
