/**
 * What feedback at a PN532 can't be faster than: bare-poll.ts DEVICE lists the field every 50 ms and lights P30 for a
 * card, P31 for none. No reading, no verdict, no gateway.
 */
import * as E from "fp-ts/lib/Either.js";
import {
  HSU_WAKE,
  limitRetries,
  listTargets,
  samConfiguration,
  switchField,
  writeGpio,
} from "#core/reader/pn532/commands.ts";
import { type ChipAnswer, Pn532Chip } from "#gateway/reader/pn532/chip.ts";
import { openUart } from "#gateway/reader/pn532/uart.ts";
import { nowMs } from "#test/bench/clock.ts";

const POLL_MS = 50;
const TIMEOUT_MS = 1_000;
const FOUND = writeGpio(0b11_1110, null);
const EMPTY = writeGpio(0b11_1101, null);

const fail = (reason: string): never => {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
};

const chip = new Pn532Chip(() => Math.trunc(nowMs()));
const opened = await openUart(
  { device: process.argv[2] ?? "", baud: 115_200 },
  { onBytes: (bytes) => chip.onBytes(bytes), onLost: (reason) => fail(reason) },
);
if (E.isLeft(opened)) fail(opened.left.reason);
else chip.attach(opened.right);

const ask = async (
  bytes: Uint8Array,
  wake: Uint8Array = new Uint8Array(0),
): Promise<ChipAnswer> => {
  const answer = await chip.command({ bytes, timeoutMs: TIMEOUT_MS, wake });
  return E.isRight(answer) ? answer.right : fail(JSON.stringify(answer.left));
};

await ask(samConfiguration(), HSU_WAKE);
await ask(limitRetries());
await ask(switchField(true));
for (;;) {
  const begunMs = nowMs();
  const { data, isRepeated } = await ask(listTargets());
  await ask((data[0] ?? 0) > 0 ? FOUND : EMPTY);
  if (isRepeated) {
    // The machine was held up, and the first sending may have woken the card, which is silent at the second.
    await ask(switchField(false));
    await ask(switchField(true));
  }
  const restMs = Math.max(1, POLL_MS - (nowMs() - begunMs));
  await new Promise((resolve) => setTimeout(resolve, restMs));
}
