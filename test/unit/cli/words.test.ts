/** What people read at a terminal. */
import { describe, expect, test } from "vitest";
import { formatTime } from "#gateway/cli/moment.ts";
import {
  formatDevice,
  formatDeviceRow,
  formatDifference,
  formatRecord,
} from "#gateway/cli/words.ts";
import type { DeviceValue, Provenance } from "#gateway/queries/devices.ts";

const WALL_MS = Date.UTC(2026, 10, 22, 12, 0, 0);
const why: Provenance = {
  epoch: "28cf".padEnd(32, "0"),
  seq: 3,
  gateway: "lobby",
  wallMs: WALL_MS,
  trueMs: null,
  clock: "saved",
  actor: "local user ann",
  simulated: false,
  voidedBy: null,
  status: "local",
};
const value: DeviceValue = {
  key: "place",
  type: "register",
  value: "dock",
  conflict: false,
  inDoubt: false,
  why,
  survivors: [{ value: "dock", why }],
};
const other = { value: "yard", why: { ...why, seq: 4, gateway: "yard" } };
const voidedBy = { epoch: "77aa".padEnd(32, "0"), seq: 9 };

const shown = (changed: Partial<DeviceValue>, isWhy = true): ReadonlyArray<string> =>
  formatDevice({ device: "cart-7", values: [{ ...value, ...changed }], brought: [] }, isWhy).split(
    "\n",
  );

describe("a device", () => {
  test("whose clock was corrected shows both times", () => {
    const corrected = { ...why, wallMs: 1_000, trueMs: WALL_MS };
    expect(shown({ why: corrected, survivors: [{ value: "dock", why: corrected }] })).toEqual([
      expect.stringContaining(`(saved, corrected ${formatTime(WALL_MS)}), local`),
    ]);
  });

  test("whose clocks alone decided shows the other value, and with --why each with its record", () => {
    const doubtful = { inDoubt: true, survivors: [other, { value: "dock", why }] };
    const [line] = shown(doubtful, false);
    expect(line).toBe("place  dock   [IN DOUBT: also yard, by clocks alone]");
    expect(shown(doubtful)).toEqual([
      line,
      expect.stringMatching(/^ {7}- yard {3}record 28cf\/4 at yard/),
      expect.stringMatching(/^ {7}- dock {3}record 28cf\/3 at lobby/),
    ]);
  });

  test("with a conflict names no winner", () => {
    const survivors = [other, { value: "dock", why }];
    const conflict = { type: "exclusive", conflict: true, value: ["dock", "yard"], survivors };
    expect(shown(conflict, false)).toEqual(["place  CONFLICT  yard | dock"]);
    const same = {
      ...conflict,
      value: "dock",
      survivors: [
        { value: "dock", why },
        { value: "dock", why },
      ],
    };
    expect(shown(same, false)).toEqual(["place  CONFLICT  dock | dock"]);
  });

  test("shows sets as sets, what is unset, and what a void could not undo", () => {
    expect(shown({ type: "set", value: ["a", 7] }, false)).toEqual(["place  {a, 7}"]);
    expect(shown({ type: "set", value: [] }, false)).toEqual(["place  {}"]);
    expect(shown({ value: null }, false)).toEqual(["place  (unset)"]);
    expect(shown({ why: { ...why, voidedBy } }, false)).toEqual(["place  dock   [VOID by 77aa/9]"]);
  });

  test("in a list leaves out what is unset, and marks conflicts and simulated taps", () => {
    const row = {
      device: "cart-7",
      values: { card: "00ff", place: null, tags: ["a", "b"], visits: 3 },
      conflicts: ["holder"],
      simulated: true,
    };
    expect(formatDeviceRow(row)).toBe(
      `${"cart-7".padEnd(20)} tags={a, b} visits=3   CONFLICT holder   [simulated]`,
    );
    expect(formatDeviceRow({ ...row, conflicts: [], simulated: false })).toMatch(/visits=3$/);
  });
});

test("a record shows when it really was, and that it is wrong", () => {
  const { epoch, seq, gateway, wallMs } = why;
  const record = { epoch, seq, gateway, wallMs, kind: "tap", summary: "accepted cart-7" };
  const plain = formatRecord({ ...record, trueMs: null, voidedBy: null });
  expect(plain).toMatch(/accepted cart-7$/);
  expect(formatRecord({ ...record, trueMs: WALL_MS, voidedBy })).toBe(
    `${plain}   [corrected ${formatTime(WALL_MS)}]   [VOID by 77aa/9]`,
  );
});

test("a difference says from what to what, and what stays, why", () => {
  const difference = { key: "card", type: "register", now: "aabbccdd", after: null, stays: null };
  expect(formatDifference(difference)).toBe("  card  …ccdd → (unset)");
  const best = { key: "best", type: "max", now: 9, after: 5, stays: "it never goes back" };
  expect(formatDifference(best)).toBe("  best  stays 9, not 5: it never goes back");
  expect(formatDifference({ ...best, after: 9 })).toBe("  best  stays 9: it never goes back");
});
