/** Moments as people type them. */
import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatTime, parseMoment, parseRecordName } from "#gateway/cli/moment.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 14, 30, 0);
const timeOf = (text: string): number | string => {
  const parsed = parseMoment(text, NOW_MS);
  if (E.isLeft(parsed)) return parsed.left;
  return "trueMs" in parsed.right ? parsed.right.trueMs : "a record";
};

describe("a time", () => {
  test.each([
    ["2026-11-22T14:05:00Z", Date.UTC(2026, 10, 22, 14, 5)],
    ["2026-11-22T14:05Z", Date.UTC(2026, 10, 22, 14, 5)],
    ["2026-11-22 14:05:01.5Z", Date.UTC(2026, 10, 22, 14, 5, 1, 500)],
    ["2026-11-22T14:05:00+02:00", Date.UTC(2026, 10, 22, 12, 5)],
    ["2026-11-22T08:35:00-0530", Date.UTC(2026, 10, 22, 14, 5)],
    ["2024-02-29T00:00Z", Date.UTC(2024, 1, 29)],
    ["-2h", NOW_MS - 7_200_000],
    ["-90s", NOW_MS - 90_000],
    ["-15m", NOW_MS - 900_000],
    ["-3d", NOW_MS - 3 * 86_400_000],
    ["-0s", NOW_MS],
  ])("%s is read", (text, expected) => {
    expect(timeOf(text)).toBe(expected);
  });

  test("without a zone is local", () => {
    const local = new Date(2026, 10, 20, 14, 5, 7).getTime();
    expect(timeOf("2026-11-20 14:05:07")).toBe(local);
    expect(timeOf("2026-11-20T14:05:07")).toBe(local);
  });

  test("as it is written reads back, to the second", () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(2000, 0, 1), max: NOW_MS - 86_400_000 }), (ms) => {
        const text = formatTime(ms);
        const parsed = timeOf(text);
        // In the hour that a clock change repeats one text stands for two times.
        expect(formatTime(Number(parsed))).toBe(text);
      }),
    );
  });

  test.each([
    "yesterday",
    "",
    "2h",
    "-2x",
    "--2h",
    "2026-11-22",
    "14:05",
    "2026-02-30 10:00",
    "2025-02-29 10:00",
    "2026-13-01 10:00",
    "2026-00-01 10:00",
    "2026-01-00 10:00",
    "2026-01-01 24:00",
    "2026-01-01 10:60",
    "2026-01-01 10:00:60",
    "2026-01-01T10:00+25:00",
    "2026-01-01T10:00 Z",
    "28cf",
    "28cf/",
    "28cf/-1",
    "g8cf/3",
    "28cf/1234567",
  ])("%j is none, and what would be one is said", (text) => {
    expect(timeOf(text)).toMatch(/is no moment; give .*-2h.*28cf\/3/);
  });

  test("that is to come, or before all computers, is refused", () => {
    expect(timeOf("2026-11-22T14:31Z")).toMatch(/still to come/);
    expect(timeOf("-999999d")).toMatch(/before 1970/);
  });
});

test("a record is named by digits of its epoch and its place", () => {
  expect(parseRecordName("28cf/3")).toEqual({ epoch: "28cf", seq: 3 });
  expect(parseRecordName("28CF:65535")).toEqual({ epoch: "28cf", seq: 65_535 });
  expect(parseRecordName(`${"a".repeat(32)}/0`)).toEqual({ epoch: "a".repeat(32), seq: 0 });
  for (const text of ["2/3", `${"a".repeat(33)}/0`, "28cf 3", "28cf/3/4", " 28cf/3"]) {
    expect(parseRecordName(text)).toBeUndefined();
  }
});
