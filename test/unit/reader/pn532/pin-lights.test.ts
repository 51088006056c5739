/** Lights at a PN532's pins, with a chip that fails when it is told to, and time of its own. */
import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import type { ExchangeError } from "#core/reader/pn532/exchange.ts";
import type { Outcome } from "#gateway/reader/pn532/chip.ts";
import { PinLights } from "#gateway/reader/pn532/pin-lights.ts";

const OFF = "0ebf00";
const BOTH = "0ebc00";
const GREEN_BEEP = "0eb600";
const RED_BEEP = "0eb500";
const AWAY = E.left({ _tag: "ReaderAway" });
const UNANSWERED = E.left({
  _tag: "FeedbackRefused",
  detail: expect.stringContaining("the chip did not answer WriteGPIO"),
});
const SHOWN = E.right(undefined);

const benchOf = () => {
  const chip = {
    written: [] as string[],
    error: undefined as ExchangeError | undefined,
    /** What else happens before the chip answers. */
    meanwhile: () => undefined as unknown,
    command: ({ bytes }: { readonly bytes: Uint8Array }): Promise<Outcome> => {
      chip.written.push(toHex(bytes));
      chip.meanwhile();
      const answer = { data: new Uint8Array(0), isRepeated: false };
      return Promise.resolve(chip.error === undefined ? E.right(answer) : E.left(chip.error));
    },
  };
  const clock = { nowMs: 1_000 };
  const pins = { green: "P30", red: "P31", buzzer: "P33" } as const;
  const lights = new PinLights(pins, chip, () => clock.nowMs);
  const pass = async (durationMs: number): Promise<void> => {
    clock.nowMs += durationMs;
    await lights.writeDue();
  };
  return { chip, clock, lights, pass };
};

test("a write that fails is told; what it may have left on is put out later, until that works", async () => {
  const { chip, lights, pass } = benchOf();
  chip.error = { _tag: "NoAnswer" };
  const shown = lights.show("accepted");
  await pass(0);
  expect(await shown).toEqual(UNANSWERED);
  await pass(499);
  expect(chip.written).toEqual([GREEN_BEEP]);
  await pass(1);
  await pass(499);
  chip.error = undefined;
  await pass(1);
  await pass(10_000);
  expect(chip.written).toEqual([GREEN_BEEP, OFF, OFF]);
  expect(lights.dueMs).toBeUndefined();
});

test("a chip that never answers is not held up for ever, and the next signal tries again", async () => {
  const { chip, lights, pass } = benchOf();
  chip.error = { _tag: "NoAnswer" };
  lights.putOut();
  for (let second = 0; second < 60; second += 1) await pass(1_000);
  expect(chip.written).toEqual([OFF, OFF, OFF]);
  chip.error = undefined;
  const shown = lights.show("accepted");
  await pass(0);
  expect(await shown).toEqual(SHOWN);
});

test("a signal that comes while another is written is written next, from its begin", async () => {
  const { chip, lights, pass } = benchOf();
  const first = lights.show("accepted");
  let second: Promise<unknown> | undefined;
  chip.meanwhile = () => {
    chip.meanwhile = () => undefined;
    second = lights.show("refused");
  };
  await pass(0);
  expect(await first).toEqual(SHOWN);
  await pass(0);
  expect(await second).toEqual(SHOWN);
  expect(chip.written).toEqual([GREEN_BEEP, RED_BEEP]);
});

test("the end of a reading leaves a verdict alone, and puts its own light out", async () => {
  const { chip, lights, pass } = benchOf();
  await lights.showReading();
  void lights.show("accepted");
  lights.endReading();
  await pass(0);
  expect(chip.written.slice(1)).toEqual([GREEN_BEEP]);
  await lights.showReading();
  lights.endReading();
  await pass(0);
  expect(chip.written).toEqual([BOTH, GREEN_BEEP, BOTH, OFF]);
});

test("a chip that refuses to say that it reads says so with the verdict, once", async () => {
  const { chip, lights, pass } = benchOf();
  chip.error = { _tag: "CommandRefused" };
  await lights.showReading();
  const first = lights.show("accepted");
  await pass(0);
  expect(await first).toMatchObject({ left: { _tag: "FeedbackRefused" } });
  await lights.showReading();
  const second = lights.show("accepted");
  await pass(0);
  expect(await second).toEqual(SHOWN);
});

test("a chip that is away: nobody waits, and nothing is written", async () => {
  const { chip, lights, pass } = benchOf();
  const shown = lights.show("accepted");
  lights.drop();
  expect(await shown).toEqual(AWAY);
  await pass(10_000);
  expect(chip.written).toEqual([]);
});
