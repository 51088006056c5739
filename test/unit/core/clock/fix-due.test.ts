import { describe, expect, test } from "vitest";
import { bootClockAtStart, CLOCK_STEP_MS, fixDue, type SeenClock } from "#core/clock/fix-due.ts";

const BOOT = Date.UTC(2026, 10, 20, 8);
const FRESH = { fixedWallAtBootMs: null, hasDoubtfulRecords: false };

const seen = (wallMs: number, monoMs: number, ntpSynchronized = true): SeenClock => ({
  ntpSynchronized,
  wallMs,
  monoMs,
});

describe("at the start of the process", () => {
  test("a clock that is right, of a boot whose records are, needs no fix", () => {
    const boot = bootClockAtStart(FRESH, seen(BOOT + 5_000, 5_000));
    expect(fixDue(boot, seen(BOOT + 90_000, 90_000))).toBeNull();
  });

  test("a clock that isn't synchronised says nothing, however long it isn't; then it says once", () => {
    const boot = bootClockAtStart(FRESH, seen(5_000, 5_000, false));
    expect(fixDue(boot, seen(BOOT + 90_000, 90_000, false))).toBeNull();
    expect(fixDue(boot, seen(BOOT + 95_000, 95_000))).toBe(BOOT);
    expect(fixDue({ wallAtBootMs: BOOT }, seen(BOOT + 99_000, 99_000))).toBeNull();
  });

  test("records of an earlier process of this boot, made before the clock was right, are set right", () => {
    const past = { ...FRESH, hasDoubtfulRecords: true };
    const boot = bootClockAtStart(past, seen(BOOT + 90_000, 90_000));
    expect(fixDue(boot, seen(BOOT + 90_000, 90_000))).toBe(BOOT);
  });

  test("a fix that this boot has already is not made again", () => {
    const past = { fixedWallAtBootMs: BOOT + 3, hasDoubtfulRecords: true };
    const boot = bootClockAtStart(past, seen(BOOT + 90_000, 90_000));
    expect(fixDue(boot, seen(BOOT + 90_000, 90_000))).toBeNull();
  });
});

test("a clock that is set by more than the step gets another fix, either way; less is drift", () => {
  const boot = { wallAtBootMs: BOOT };
  expect(fixDue(boot, seen(BOOT + CLOCK_STEP_MS + 50, 50))).toBeNull();
  expect(fixDue(boot, seen(BOOT + CLOCK_STEP_MS + 51, 50))).toBe(BOOT + CLOCK_STEP_MS + 1);
  expect(fixDue(boot, seen(BOOT - CLOCK_STEP_MS + 49, 50))).toBe(BOOT - CLOCK_STEP_MS - 1);
  expect(fixDue(boot, seen(BOOT + 3_600_000, 50, false))).toBeNull();
});

test("a clock that is before its own boot is not to be believed, synchronised or not", () => {
  expect(fixDue({ wallAtBootMs: null }, seen(10, 50))).toBeNull();
});
