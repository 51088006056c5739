import { expect, test } from "vitest";
import { beepingMs, PATTERNS, stepsOf, type LightStep } from "#core/feedback/patterns.ts";

const signals = Object.values(PATTERNS);
const { reading, ...VERDICTS } = PATTERNS;

/** What somebody hears who doesn't look: how long it beeps, and is silent before it beeps again. */
const heard = (steps: ReadonlyArray<LightStep>): string =>
  steps
    .map(({ buzzer, ms }) => (buzzer ? `beep ${ms}` : `silent ${ms}`))
    .slice(0, steps.findLastIndex(({ buzzer }) => buzzer) + 1)
    .join(" ");

test("no two signals sound alike", () => {
  const sounds = signals.map((pattern) => heard(stepsOf(pattern)));
  expect(new Set(sounds).size).toBe(signals.length);
});

test("only what lets somebody through is green alone", () => {
  const green = Object.entries(PATTERNS).filter(([, { green: on, red }]) => on && !red);
  expect(green.map(([signal]) => signal)).toEqual(["accepted", "checked-out", "checked-in"]);
});

test.each(Object.entries(PATTERNS))(
  "%s: beeps as long as it says, then shines silently",
  (_, pattern) => {
    const steps = stepsOf(pattern);
    const [afterglow, beeps] = [steps.at(-1), steps.slice(0, -1)];
    expect(afterglow).toMatchObject({ buzzer: false, red: pattern.red, green: pattern.green });
    expect(beeps.reduce((sum, { ms }) => sum + ms, 0)).toBe(beepingMs(pattern));
    expect(beeps.filter(({ buzzer }) => buzzer)).toHaveLength(pattern.times);
  },
);

test("the first step is a beep: nothing comes before the verdict", () => {
  for (const pattern of Object.values(VERDICTS)) {
    expect(stepsOf(pattern)[0]?.buzzer).toBe(true);
  }
});

test("that a card is being read is both lights at once, and no beep", () => {
  expect(stepsOf(reading)).toEqual([{ green: true, red: true, buzzer: false, ms: reading.stayMs }]);
});
