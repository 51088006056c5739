/** Check-out sessions at a desk: who may hold things, for how long, and who has what. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fromHex } from "#core/bytes.ts";
import { SAFETY, TYPE } from "#core/log/operation.ts";
import { CARD_KEY, SAFETY_KEY } from "#core/verdict/card-index.ts";
import type { CheckOutOutcome } from "#core/verdict/check-out.ts";
import { holderKey } from "#gateway/check-outs.ts";
import { CHECK_OUT, OWN, readerOf, Rig, WITHIN_MS } from "#test/unit/check-outs-rig.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the sessions of a gateway's readers", () => {
  test("last from the badge, and anew from each thing, and then end once by themselves", () => {
    const rig = new Rig();
    expect(rig.tag("ada")).toBe("Begun");
    rig.pass(WITHIN_MS - 1);
    expect(rig.tag("drill-1")).toBe("CheckedOut");
    rig.pass(WITHIN_MS - 1);
    expect([rig.tag("saw-1"), rig.overs]).toEqual(["CheckedOut", []]);
    rig.pass(WITHIN_MS);
    expect(rig.overs).toEqual([{ reader: "desk", person: "ada", thingCount: 2 }]);
    expect(rig.shown).toEqual(["desk session-over"]);
    expect(rig.tag("saw-1")).toBe("PersonFirst");
    rig.pass(10 * WITHIN_MS);
    expect(rig.overs).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("go on where a timer fires before the clock says so", () => {
    const rig = new Rig();
    rig.tap("ada");
    rig.monoMs = -2; // the timer's clock is 2 ms ahead
    rig.pass(WITHIN_MS);
    expect(rig.overs).toEqual([]);
    rig.pass(2);
    expect(rig.overs).toHaveLength(1);
  });

  test("end at the badge without a word about time, and with the gateway", () => {
    const rig = new Rig();
    rig.tap("ada");
    expect(rig.tag("ada")).toBe("Ended");
    expect(vi.getTimerCount()).toBe(0);
    rig.tap("ada");
    rig.tap("bob", readerOf("gate"));
    rig.outs.stop();
    rig.pass(2 * WITHIN_MS);
    expect([rig.overs, rig.tag("drill-1")]).toEqual([[], "PersonFirst"]);
  });

  test("are each reader's own, and none where there is no check-out", () => {
    const rig = new Rig();
    rig.tap("ada");
    expect(rig.tag("drill-1", readerOf("gate"))).toBe("PersonFirst");
    expect(rig.tap("drill-1", readerOf("door", null))).toBeNull();
    expect(rig.tag("drill-1")).toBe("CheckedOut");
  });

  test.each(["ada", "drill-1"] as const)(
    "are not begun, and are ended, by %s that was found lying there",
    (name) => {
      const rig = new Rig();
      expect(rig.tag(name, readerOf("desk"), { atStart: true })).toBe("Nothing");
      expect(rig.tag("saw-1")).toBe("PersonFirst");
      rig.tap("bob");
      expect(rig.tag(name, readerOf("desk"), { atStart: true })).toBe("Nothing");
      expect(rig.tag("saw-1")).toBe("PersonFirst");
    },
  );

  test("count a thing that was held in time, though it was read only after their end", () => {
    const rig = new Rig();
    rig.tap("ada");
    rig.pass(WITHIN_MS + 300);
    expect(rig.overs).toHaveLength(1);
    expect(rig.tag("drill-1", readerOf("desk"), { monoMs: WITHIN_MS - 50 })).toBe("CheckedOut");
    expect(rig.tag("saw-1")).toBe("CheckedOut");
    rig.pass(WITHIN_MS);
    expect(rig.overs).toHaveLength(2);
    expect(rig.tag("saw-1")).toBe("PersonFirst");
  });

  test.each<[string, (rig: Rig) => void]>([
    [
      "lost",
      (rig): void => rig.set("ada", { key: SAFETY_KEY, type: TYPE.safety, value: SAFETY.lost }),
    ],
    ["no person any more", (rig): void => rig.kind("ada", "tool")],
    [
      "another card's by now",
      (rig): void =>
        rig.set("ada", {
          key: CARD_KEY,
          type: TYPE.register,
          value: fromHex("ee".repeat(16)) ?? null,
        }),
    ],
  ])("are worth nothing once the badge is %s", (_, change) => {
    const rig = new Rig();
    rig.tap("ada");
    change(rig);
    expect(rig.tag("drill-1")).toBe("PersonFirst");
  });
});

/** The tap is on disk as the record of that number, or (null) failed. */
const settle = (rig: Rig, outcome: CheckOutOutcome | null, seq: number | null): void =>
  rig.outs.settle(readerOf("desk"), {
    device: "drill-1",
    outcome,
    record: seq === null ? null : { epoch: OWN, seq },
  });

describe("what is known of a thing", () => {
  test("is what the tap before said, though its record is not folded yet", () => {
    const rig = new Rig();
    rig.tap("ada");
    expect([rig.tag("drill-1"), rig.tag("drill-1"), rig.tag("drill-1")]).toEqual([
      "CheckedOut",
      "CheckedIn",
      "CheckedOut",
    ]);
  });

  test("is what the log says, once the tap's record is there, and somebody else's word after it", () => {
    const rig = new Rig();
    rig.tap("ada");
    settle(rig, rig.tap("drill-1"), 7);
    rig.set("drill-1", { ...holderKey(CHECK_OUT), value: "bob" }); // heard before the own one was folded
    settle(rig, rig.tap("drill-1"), 8);
    rig.folded = 9;
    rig.set("drill-1", { ...holderKey(CHECK_OUT), value: "bob" });
    expect(rig.tag("drill-1")).toBe("CheckedOut");
  });

  test("is what the last tap said, while any of them waits for its fold", () => {
    const rig = new Rig();
    rig.tap("ada");
    const [out, back] = [rig.tap("drill-1"), rig.tap("drill-1")];
    settle(rig, out, 7);
    rig.folded = 8;
    rig.set("drill-1", { ...holderKey(CHECK_OUT), value: "ada" });
    expect(back?._tag).toBe("CheckedIn");
    expect(rig.tag("drill-1")).toBe("CheckedOut");
  });

  test("a record that failed takes nothing from the taps after it", () => {
    const rig = new Rig();
    rig.tap("ada");
    const out = rig.tap("drill-1");
    const back = rig.tap("drill-1");
    settle(rig, back, 7);
    settle(rig, out, null);
    rig.tap("ada");
    expect(rig.tag("drill-1")).toBe("CheckedOut");
  });

  test("is what its tag has brought, until a tap here says otherwise", () => {
    const rig = new Rig();
    rig.set("drill-1", { ...holderKey(CHECK_OUT), value: "bob" });
    rig.brought = "ada";
    rig.tap("ada");
    expect([rig.tag("drill-1"), rig.tag("drill-1")]).toEqual(["CheckedIn", "CheckedOut"]);
    const other = new Rig();
    other.set("drill-1", { ...holderKey(CHECK_OUT), value: "ada" });
    other.brought = null; // brought back elsewhere
    other.tap("ada");
    expect(other.tag("drill-1")).toBe("CheckedOut");
  });

  test("a person may be one by what the badge has brought", () => {
    const rig = new Rig();
    rig.broughtPeople = ["saw-1"];
    expect([rig.tag("saw-1"), rig.tag("ada")]).toEqual(["Begun", "CheckedOut"]);
  });

  test("is what it was, where the record failed; and the session is over without a word", () => {
    const rig = new Rig();
    rig.tap("ada");
    settle(rig, rig.tap("drill-1"), null);
    expect(rig.tag("saw-1")).toBe("PersonFirst");
    expect(rig.tag("ada")).toBe("Begun");
    expect(rig.tag("drill-1")).toBe("CheckedOut");
    rig.pass(WITHIN_MS);
    expect(rig.overs).toEqual([{ reader: "desk", person: "ada", thingCount: 1 }]);
  });

  test("a badge whose record failed has begun nothing", () => {
    const rig = new Rig();
    const outcome = rig.tap("ada");
    rig.outs.settle(readerOf("desk"), { device: "ada", outcome, record: null });
    expect([rig.tag("drill-1"), vi.getTimerCount()]).toEqual(["PersonFirst", 0]);
  });
});
