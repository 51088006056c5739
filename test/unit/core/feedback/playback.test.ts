/** A pattern shown by somebody who comes when it suits: nothing is skipped, nothing cut short, all is off in the end. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { PATTERNS, stepsOf, type FeedbackSignal, type LightStep } from "#core/feedback/patterns.ts";
import {
  afterStep,
  NOTHING_PLAYS,
  play,
  playbackDueMs,
  playOff,
  stepDue,
} from "#core/feedback/playback.ts";

const SIGNALS: ReadonlyArray<FeedbackSignal> = ["accepted", "unknown", "refused", "failed"];

test("however late each step is written, all come in order, each for its time at least", () => {
  const delays = fc.array(fc.nat(500), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.constantFrom(...SIGNALS), delays, fc.nat(10_000), (signal, lateMs, startMs) => {
      let playback = play(signal, startMs);
      const shown: Array<{ readonly step: LightStep; readonly atMs: number }> = [];
      for (let at = 0; ; at += 1) {
        const dueMs = playbackDueMs(playback);
        if (dueMs === undefined) break;
        expect(stepDue(playback, dueMs - 1)).toBeUndefined();
        const atMs = dueMs + (lateMs[at % lateMs.length] ?? 0);
        const step = stepDue(playback, atMs);
        if (step === undefined) throw new Error("it was due");
        shown.push({ step, atMs });
        playback = afterStep(playback, atMs);
      }
      expect(shown.slice(0, -1).map(({ step }) => step)).toEqual(stepsOf(PATTERNS[signal]));
      expect(shown.at(-1)?.step).toMatchObject({ green: false, red: false, buzzer: false });
      const cutShort = shown.filter(
        ({ step, atMs }, at) => atMs + step.ms > (shown[at + 1]?.atMs ?? Number.POSITIVE_INFINITY),
      );
      expect(cutShort).toEqual([]);
      expect(shown[0]?.atMs).toBe(startMs + (lateMs[0] ?? 0));
    }),
  );
});

test("nothing is due where nothing plays; all off is one step", () => {
  expect(playbackDueMs(NOTHING_PLAYS)).toBeUndefined();
  expect(stepDue(NOTHING_PLAYS, 1)).toBeUndefined();
  const off = playOff(7);
  expect(stepDue(off, 6)).toBeUndefined();
  expect(stepDue(off, 7)).toMatchObject({ green: false, red: false, buzzer: false });
  expect(playbackDueMs(afterStep(off, 7))).toBeUndefined();
});
