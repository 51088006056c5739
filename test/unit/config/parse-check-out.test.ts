import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { TYPE } from "#core/log/operation.ts";
import { parseConfig } from "#gateway/config/parse.ts";
import { typeForKey } from "#gateway/control/value-type.ts";
import { right } from "#test/gateway/fleet.ts";

const FILE = "/etc/tapmesh/gateway.yaml";
const textOf = (lines: ReadonlyArray<string>): string =>
  [
    "gateway: lobby",
    "fleet: acme",
    "readers:",
    "  - id: desk",
    "    driver: simulated",
    ...lines.map((line) => `    ${line}`),
    "",
  ].join("\n");

const checkOutOf = (...lines: ReadonlyArray<string>): unknown =>
  right(parseConfig(textOf(lines), FILE)).readers[0]?.checkOut;

describe("check_out", () => {
  test("none, all of it, and what is taken for granted", () => {
    expect(checkOutOf()).toBeNull();
    expect(checkOutOf("check_out: { people: { kind: person } }")).toEqual({
      people: [{ key: "kind", values: ["person"] }],
      holder: "holder",
      withinMs: 30_000,
    });
    expect(
      checkOutOf(
        "check_out: { people: { kind: [staff, guest], floor: 3 }, holder: who, within_s: 2.5 }",
      ),
    ).toEqual({
      people: [
        { key: "kind", values: ["staff", "guest"] },
        { key: "floor", values: [3] },
      ],
      holder: "who",
      withinMs: 2_500,
    });
  });

  const P = "people: { kind: person }";
  test.each<[string, ReadonlyArray<string>, string, string]>([
    ["no people", ["check_out: { within_s: 9 }"], "check_out.people", "{ kind: person }"],
    ["everybody", ["check_out: { people: {} }"], "check_out.people", "{ kind: person }"],
    [
      "no time",
      [`check_out: { ${P}, within_s: 0 }`],
      "check_out.within_s",
      "seconds from 1 to 600",
    ],
    ["a day", [`check_out: { ${P}, within_s: 86400 }`], "check_out.within_s", "from 1 to 600"],
    ["a time in words", [`check_out: { ${P}, within_s: 30 s }`], "check_out.within_s", "seconds"],
    [
      "the card as holder",
      [`check_out: { ${P}, holder: card }`],
      "check_out.holder",
      "can't be set",
    ],
    ["no key", [`check_out: { ${P}, holder: Who }`], "check_out.holder", "a key such as"],
    ["a misspelt key", [`check_out: { ${P}, within: 30 }`], "check_out.within", '"within_s"'],
    ["a hold-off", [`check_out: { ${P} }`, "hold_off_s: 5"], "hold_off_s", "leave it out"],
    [
      "a rule for the holder",
      [`check_out: { ${P} }`, "on_tap: [{ claim: holder, to: $reader }]"],
      "on_tap",
      'writes "holder", which is check_out\'s',
    ],
    [
      "people by what they hold",
      ["check_out: { people: { holder: ada } }"],
      "check_out.people",
      "which check_out itself writes",
    ],
  ])("%s is an error, with its line and what to do", (...[, lines, path, message]) => {
    const parsed = parseConfig(textOf(lines), FILE);
    expect(E.isLeft(parsed) ? parsed.left : []).toContainEqual({
      _tag: "ConfigProblem",
      line: path === "hold_off_s" || path === "on_tap" ? 7 : 6,
      path: `readers.0.${path}`,
      message: expect.stringContaining(message),
    });
  });

  test("a holder that a person sets before any tap has the type that taps give it", () => {
    const config = right(parseConfig(textOf([`check_out: { ${P}, holder: who }`]), FILE));
    const place = { entries: [], config };
    expect(typeForKey("who", null, place)).toEqual(E.right(TYPE.exclusive));
    expect(typeForKey("holder", null, place)).toEqual(E.right(TYPE.register));
  });
});
