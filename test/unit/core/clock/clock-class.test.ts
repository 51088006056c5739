import { expect, test } from "vitest";
import { classifyClock, clockClassName } from "#core/clock/clock-class.ts";
import { CLOCK_CLASS } from "#core/log/body.ts";

const SET_MS = Date.UTC(2027, 0, 1);

test.each([
  ["ntp", { ntpSynchronized: true, hasHardwareClock: false, wallMs: SET_MS }],
  ["ntp", { ntpSynchronized: true, hasHardwareClock: true, wallMs: SET_MS }],
  ["rtc", { ntpSynchronized: false, hasHardwareClock: true, wallMs: SET_MS }],
  ["saved", { ntpSynchronized: false, hasHardwareClock: false, wallMs: SET_MS }],
  // A clock that was never set says so, whatever else claims to be in order.
  ["none", { ntpSynchronized: false, hasHardwareClock: false, wallMs: 0 }],
  ["none", { ntpSynchronized: true, hasHardwareClock: true, wallMs: Date.UTC(2025, 11, 31) }],
  ["saved", { ntpSynchronized: false, hasHardwareClock: false, wallMs: Date.UTC(2026, 0, 1) }],
  ["none", { ntpSynchronized: false, hasHardwareClock: false, wallMs: Date.UTC(2026, 0, 1) - 1 }],
] as const)("%s: %j", (name, signs) => {
  expect(clockClassName(classifyClock(signs))).toBe(name);
});

test("each class has a name, and a later version's is unknown", () => {
  for (const [name, value] of Object.entries(CLOCK_CLASS)) expect(clockClassName(value)).toBe(name);
  expect(clockClassName(9)).toBe("unknown");
});
