/**
 * Runs seeds in this process, and writes one JSON line each:
 *   run <from> <to> <step>   stops at the first that fails
 *   shrink <seed>            looks for a smaller plan that fails in the same way; one line for it
 *   lines <seed>             writes what happened, event by event, before the outcome
 */
import { planOf } from "#test/simulation/plan.ts";
import { shrink } from "#test/simulation/shrink.ts";
import { simulate } from "#test/simulation/simulate.ts";

const [mode = "run", ...numbers] = process.argv.slice(2);
const [first = 1, last = first, step = 1] = numbers.map(Number);

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Real turns between seeds: timers and signals of this process have theirs. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const runSeeds = async (): Promise<void> => {
  for (let seed = first; seed <= last; seed += step) {
    const { lines: _lines, ...outcome } = await simulate(planOf(seed));
    say(JSON.stringify(outcome));
    if (outcome.violations.length > 0) return;
    await turn();
  }
};

if (mode === "run") await runSeeds();
if (mode === "shrink") say(JSON.stringify(await shrink(planOf(first))));
if (mode === "lines") {
  const { lines, ...outcome } = await simulate(planOf(first), true);
  for (const line of lines) say(line);
  say(JSON.stringify(outcome));
}
