import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { parseUid } from "#core/card/uid.ts";
import type { CheckOutOutcome } from "#core/verdict/check-out.ts";
import { checkOutView } from "#core/verdict/check-out-view.ts";
import { checkOutWords } from "#gateway/cli/check-out-words.ts";
import { tapMessage } from "#gateway/integrations/json-topics.ts";
import { right } from "#test/gateway/fleet.ts";

const messageOf = (device: string, checkOut: CheckOutOutcome | null): unknown =>
  JSON.parse(
    tapMessage({
      sighting: {
        reader: "desk",
        technology: "type2",
        uid: right(parseUid("04A1B2C3D46C80")),
        ndef: null,
        counter: null,
        signature: null,
        phone: null,
        atStart: false,
        simulated: true,
        wallMs: 0,
        monoMs: 0,
      },
      card: "ca",
      phone: null,
      verdict: { _tag: "Accepted", device },
      brought: [],
      unlogged: 0,
      checkOut,
      recorded: E.right({ epoch: new Uint8Array(16), seq: 1 }),
      verdictMs: 0,
      diskMs: 0,
    }),
  );

describe("what a check-out has come to", () => {
  test.each<[string, CheckOutOutcome, string, string]>([
    [
      "ada",
      { _tag: "Begun", person: "ada", withinMs: 30_000 },
      "begun",
      "ada: hold the first thing within 30 s; as long again after each",
    ],
    ["drill-1", { _tag: "CheckedOut", person: "ada" }, "checked-out", "drill-1 checked out to ada"],
    ["drill-1", { _tag: "CheckedIn", person: "ada" }, "checked-in", "drill-1 checked in"],
    [
      "ada",
      { _tag: "Ended", person: "ada", thingCount: 0 },
      "ended",
      "ada: done, nothing checked out or in",
    ],
    [
      "ada",
      { _tag: "Ended", person: "ada", thingCount: 2 },
      "ended",
      "ada: done, 2 things checked out or in",
    ],
  ])("%s: %o, on MQTT and in words", (...[device, outcome, step, words]) => {
    const view = checkOutView(outcome);
    expect(view === null ? null : checkOutWords(device, view)).toBe(words);
    expect(messageOf(device, outcome)).toMatchObject({
      device,
      check_out: { step, person: "ada" },
    });
  });

  test("of a tap that was none, and at other readers, there is nothing to say", () => {
    expect(messageOf("ada", { _tag: "Nothing" })).not.toHaveProperty("check_out");
    expect(messageOf("ada", null)).not.toHaveProperty("check_out");
  });
});
