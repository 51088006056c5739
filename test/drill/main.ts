/** `make drill`: plays every failure on three real gateways, and prints what was lost and how long it took. */
import { DrilledFleet } from "#test/drill/drilled-fleet.ts";
import { SCENARIOS } from "#test/drill/scenarios.ts";

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const wanted = process.argv.slice(2).join(" ");

say("| failure | taps lost | recovered in | what the operator does |");
say("| --- | --- | --- | --- |");
for (const { failure, command, play } of SCENARIOS) {
  if (!failure.includes(wanted)) continue;
  try {
    await using drilled = await DrilledFleet.start();
    const { tapsLost, recoveredS } = await play(drilled);
    say(`| ${failure} | ${tapsLost} | ${recoveredS.toFixed(1)} s | ${command} |`);
    if (tapsLost !== 0) process.exitCode = 1;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    say(`| ${failure} | FAILED | ${detail.slice(0, 300)} | ${command} |`);
    process.exitCode = 1;
  }
}
