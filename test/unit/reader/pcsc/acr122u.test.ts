import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { APDU_TIMEOUT_MS } from "#gateway/limits.ts";
import { beepingMs, PATTERNS, type FeedbackSignal } from "#core/feedback/patterns.ts";
import {
  feedbackApdu,
  isAcr122u,
  isAcr122uSuccess,
  LIGHTS_OFF,
} from "#gateway/reader/pcsc/acr122u.ts";

const SIGNALS: ReadonlyArray<FeedbackSignal> = [
  "accepted",
  "unknown",
  "refused",
  "failed",
  "checked-out",
  "checked-in",
  "session-over",
];

describe("an ACR122U's signals", () => {
  test.each([
    { signal: "reading", apdu: "ff00400f0400000000", what: "both lights, no blink, no beep" },
    { signal: "accepted", apdu: "ff0040ee0401000101", what: "green, one short beep" },
    { signal: "unknown", apdu: "ff0040ff0401010201", what: "both lights, two short beeps" },
    { signal: "refused", apdu: "ff0040dd0401010301", what: "red, three short beeps" },
    { signal: "failed", apdu: "ff0040dd0406000101", what: "red, one long beep" },
  ] as const)("$signal: $what", ({ signal, apdu }) => {
    expect(toHex(feedbackApdu(signal))).toBe(apdu);
  });

  test("are put out by a final state of off for both lights", () => {
    expect(toHex(LIGHTS_OFF)).toBe("ff00400c0400000000");
  });

  test("differ in what is heard, not only in the colour", () => {
    const heard = SIGNALS.map((signal) => toHex(feedbackApdu(signal).subarray(5)));
    expect(new Set(heard).size).toBe(SIGNALS.length);
  });

  test.each(SIGNALS)("%s is over before the reader counts as silent", (signal) => {
    expect(beepingMs(PATTERNS[signal])).toBeLessThan(APDU_TIMEOUT_MS - 200);
  });

  test("are known to have been shown by SW1 alone: SW2 is the state of the lights", () => {
    expect(isAcr122uSuccess(Uint8Array.of(0x90, 0x03))).toBe(true);
    expect(isAcr122uSuccess(Uint8Array.of(0x63, 0x00))).toBe(false);
    expect(isAcr122uSuccess(Uint8Array.of())).toBe(false);
  });
});

test("other readers of the same maker have other commands", () => {
  expect(isAcr122u("ACS ACR122U PICC Interface 00 00")).toBe(true);
  expect(isAcr122u("ACS ACR1252 Dual Reader [ACR1252 Dual Reader PICC] 00 00")).toBe(false);
});
