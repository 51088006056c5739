import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { Clocks, recordedTime, type ClockFix, type RecordedTime } from "#core/clock/true-time.ts";
import type { Fact } from "#core/state/facts.ts";

const epoch = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);

const opened = (byte: number, gateway: string, bootId: string): Fact => ({
  _tag: "Opened",
  epoch: toHex(epoch(byte)),
  gateway,
  bootId,
  clockClass: 0,
});

const fix = (
  gateway: string,
  bootId: string,
  [monoMs, wallAtBootMs]: readonly [number, number],
): ClockFix => ({
  _tag: "ClockFixed",
  gateway,
  bootId,
  monoMs,
  wallAtBootMs,
  plusMinusMs: 1_000,
});

const made = (byte: number, wallMs: number, monoMs: number): RecordedTime => ({
  epoch: epoch(byte),
  wallMs,
  monoMs,
});

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const BOOT = Date.UTC(2026, 10, 20, 8);

describe("a boot and its fixes", () => {
  test("a Pi that starts in 1970 and hears of the time a day later: all its records, before and after, are set right", () => {
    const clocks = new Clocks([opened(1, "lobby", "boot-1")]);
    const early = made(1, 12_000, 12_000);
    expect(clocks.trueTime(early)).toBe(12_000);
    clocks.learn(fix("lobby", "boot-1", [DAY, BOOT]));
    expect(clocks.trueTime(early)).toBe(BOOT + 12_000);
    expect(clocks.trueTime(made(1, BOOT + 2 * DAY, 2 * DAY))).toBe(BOOT + 2 * DAY);
  });

  test("a Pi that lives in 2099 is brought back", () => {
    const clocks = new Clocks([opened(1, "lobby", "boot-1"), fix("lobby", "boot-1", [HOUR, BOOT])]);
    expect(clocks.trueTime(made(1, Date.UTC(2099), 5_000))).toBe(BOOT + 5_000);
  });

  test("another epoch of the same boot is set right too, another boot isn't", () => {
    const clocks = new Clocks([
      opened(1, "lobby", "boot-1"),
      opened(2, "lobby", "boot-1"),
      opened(3, "lobby", "boot-2"),
      fix("lobby", "boot-1", [HOUR, BOOT]),
    ]);
    expect(clocks.trueTime(made(2, 7, 9_000))).toBe(BOOT + 9_000);
    expect(clocks.trueTime(made(3, 7, 9_000))).toBe(7);
  });

  test("no gateway sets another's clock, and an epoch that nobody opened has none", () => {
    const clocks = new Clocks([
      opened(1, "lobby", "boot-1"),
      fix("dock", "boot-1", [HOUR, BOOT]),
      fix("lobby boot-1", "", [HOUR, BOOT]),
    ]);
    expect(clocks.trueTime(made(1, 7, 9_000))).toBe(7);
    expect(clocks.trueTime(made(9, 7, 9_000))).toBe(7);
    expect(recordedTime(made(1, 7, 9_000))).toBe(7);
  });

  test("of several fixes the nearest in monoMs holds; halfway, the later one; at one moment, the later time", () => {
    const clocks = new Clocks([
      opened(1, "lobby", "boot-1"),
      fix("lobby", "boot-1", [100, BOOT]),
      fix("lobby", "boot-1", [200, BOOT + DAY]),
      fix("lobby", "boot-1", [100, BOOT - DAY]),
    ]);
    const at = (monoMs: number): number => clocks.trueTime(made(1, 0, monoMs)) - monoMs;
    expect([0, 149, 150, 151, 9_000].map(at)).toEqual([
      BOOT,
      BOOT,
      BOOT + DAY,
      BOOT + DAY,
      BOOT + DAY,
    ]);
    expect(clocks.newestFix("lobby", "boot-1")?.monoMs).toBe(200);
    expect(clocks.newestFix("lobby", "boot-2")).toBeUndefined();
  });
});

const someFixes = fc.array(
  fc.record({
    gateway: fc.constantFrom("lobby", "dock"),
    bootId: fc.constantFrom("boot-1", "boot-2"),
    place: fc.tuple(fc.nat(20), fc.nat(5)),
  }),
  { maxLength: 12 },
);

/** By looking through all of them. */
const slow = (facts: ReadonlyArray<ClockFix>, monoMs: number): number | undefined => {
  const [best] = facts.toSorted(
    (a, b) =>
      Math.abs(a.monoMs - monoMs) - Math.abs(b.monoMs - monoMs) ||
      b.monoMs - a.monoMs ||
      b.wallAtBootMs - a.wallAtBootMs,
  );
  return best && best.wallAtBootMs + monoMs;
};

test("facts tell the same time in every order, repeated or not, whenever they are learnt", () => {
  fc.assert(
    fc.property(
      someFixes,
      fc.nat(25),
      fc.array(fc.nat(), { maxLength: 20 }),
      (drafts, monoMs, keys) => {
        const facts: Fact[] = [opened(1, "lobby", "boot-1")];
        const fixes = drafts.map(({ gateway, bootId, place }) => fix(gateway, bootId, place));
        facts.push(...fixes);
        const own = fixes.filter(
          ({ gateway, bootId }) => gateway === "lobby" && bootId === "boot-1",
        );
        const wanted = slow(own, monoMs) ?? 77;
        const shuffled = facts
          .map((fact, i) => [keys[i] ?? 0, fact] as const)
          .toSorted(([a], [b]) => a - b)
          .map(([, fact]) => fact);
        const learnt = new Clocks();
        for (const fact of [...shuffled, ...facts.slice(0, 3)]) learnt.learn(fact);
        expect(new Clocks(facts).trueTime(made(1, 77, monoMs))).toBe(wanted);
        expect(learnt.trueTime(made(1, 77, monoMs))).toBe(wanted);
      },
    ),
    { numRuns: 500 },
  );
});
