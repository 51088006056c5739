/** A fresh process with 100,000 enrolled tags: how many bytes its card index takes. Started with --expose-gc. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { recordedTime } from "#core/clock/true-time.ts";
import { TYPE } from "#core/log/operation.ts";
import { CARD_KEY, CardIndex } from "#core/verdict/card-index.ts";

export const TAGS = 100_000;
/** So many enrolments an epoch, as an import writes them. */
const EPOCH_RECORDS = 65_536;

export const cardOf = (tag: number): Uint8Array =>
  new Uint8Array(createHash("sha256").update(String(tag)).digest().subarray(0, 16));

/** 10 letters, such as tag-000123. */
export const deviceOf = (tag: number): string => `tag-${String(tag).padStart(6, "0")}`;

export const indexOfTags = (): CardIndex => {
  const index = new CardIndex(recordedTime);
  for (let tag = 0; tag < TAGS; tag += 1) {
    const epoch = new Uint8Array(16).fill(Math.floor(tag / EPOCH_RECORDS));
    const seq = tag % EPOCH_RECORDS;
    const write = { epoch, seq, value: cardOf(tag), wallMs: 1.8e12 + tag, monoMs: tag };
    index.apply({
      device: deviceOf(tag),
      key: CARD_KEY,
      type: TYPE.register,
      content: { _tag: "Survivors", writes: [write], awaited: [] },
    });
  }
  return index;
};

/** Buffers that were dropped are given back by another thread, so it is given the time. */
const usedBytes = async (): Promise<number> => {
  for (let round = 0; round < 5; round += 1) {
    globalThis.gc?.();
    await sleep(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

if (process.argv[2] === "memory") {
  // What Node keeps of compiled code is no part of the index.
  for (let round = 0; round < 2; round += 1) indexOfTags();
  const before = await usedBytes();
  const index = indexOfTags();
  const used = (await usedBytes()) - before; // before stdout is opened, which takes memory too
  process.stdout.write(`${used}\n`);
  if (index.size !== TAGS) throw new Error(`${index.size} cards`);
}
