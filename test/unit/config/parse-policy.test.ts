import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import { OPEN_POLICY } from "#core/verdict/reader-policy.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { parseConfig } from "#gateway/config/parse.ts";
import { right } from "#test/gateway/fleet.ts";

const FILE = "/etc/tapmesh/gateway.yaml";
const HEAD = "gateway: lobby\nfleet: acme\ntime_zone: Europe/Berlin\nreaders:\n";
const textOf = (lines: ReadonlyArray<string>, head = HEAD): string =>
  `${head}  - id: r1\n    driver: simulated\n${lines.map((line) => `    ${line}\n`).join("")}`;

const configOf = (...lines: ReadonlyArray<string>): GatewayConfig =>
  right(parseConfig(textOf(lines), FILE));

describe("what a reader demands", () => {
  test("nothing, where nothing is said", () => {
    expect(configOf().readers[0]).toMatchObject({ policy: OPEN_POLICY, scope: SCOPE_UID });
  });

  test("all of it", () => {
    const [reader] = configOf(
      "allow: { kind: [tool, cart], floor: 3 }",
      "deny: { device: cart-13 }",
      "schedules:",
      "  - { days: [mon-wed, sun], from: 06:00, to: 22:30 }",
      "  - { from: '22:00', to: '02:00' }",
      "  - { days: sat-mon, from: '00:00', to: '24:00' }",
      "when_time_unknown: refuse",
      "hold_off_s: 2.5",
      "level: counter",
    ).readers;
    expect(reader?.policy).toEqual({
      allow: [
        { key: "kind", values: ["tool", "cart"] },
        { key: "floor", values: [3] },
      ],
      deny: [{ key: "device", values: ["cart-13"] }],
      schedules: [
        { days: [0, 1, 2, 6], fromMinute: 360, toMinute: 1_350 },
        { days: [0, 1, 2, 3, 4, 5, 6], fromMinute: 1_320, toMinute: 120 },
        { days: [0, 5, 6], fromMinute: 0, toMinute: 1_440 },
      ],
      whenTimeUnknown: "refuse",
      holdOffMs: 2_500,
      level: "counter",
    });
    expect(reader?.scope).toEqual({ ...SCOPE_UID, counter: true });
  });

  test("originality has the signature read, beside the message if that is wanted", () => {
    expect(configOf("read: ndef", "level: originality").readers[0]?.scope).toEqual({
      ...SCOPE_NDEF,
      signature: true,
    });
  });

  test("the time zone is the gateway's", () => {
    expect(configOf().timeZone).toBe("Europe/Berlin");
  });
});

const S = "schedules:";
describe("every mistake has its line, its path and what to do", () => {
  test.each<[string, ReadonlyArray<string>, number, string, string]>([
    ["a list for a filter", ["allow: [tool]"], 7, "allow", "must be a mapping"],
    ["no value", ["allow: { kind: [] }"], 7, "allow.kind", "one value at least"],
    [
      "a mapping for a value",
      ["deny: { kind: { a: 1 } }"],
      7,
      "deny.kind",
      "a plain value, or a list",
    ],
    ["nothing for a value", ["deny: { kind: }"], 7, "deny.kind", "a plain value, or a list"],
    ["the card as a filter", ["allow: { card: [1] }"], 7, "allow.card", 'name devices by "device"'],
    ["safety as a filter", ["deny: { safety: lost }"], 7, "deny.safety", "can't be asked for"],
    [
      "too many values",
      [`allow: { kind: [${"a, ".repeat(33)}] }`],
      7,
      "allow.kind",
      "32 values at most",
    ],
    ["schedules that are none", ["schedules: always"], 7, "schedules", "a list of mappings"],
    ["no schedule", ["schedules: []"], 7, "schedules", "leave it out for always open"],
    ["no beginning", [S, "  - { to: '10:00' }"], 8, "schedules.0.from", "is missing"],
    ["no end", [S, "  - { from: '10:00' }"], 8, "schedules.0.to", "is missing"],
    [
      "an hour that is none",
      [S, "  - { from: '24:30', to: '10:00' }"],
      8,
      "schedules.0.from",
      'such as "06:30"',
    ],
    [
      "an hour without minutes",
      [S, "  - { from: 6, to: '10:00' }"],
      8,
      "schedules.0.from",
      'such as "06:30", not 6',
    ],
    [
      "from midnight at the end",
      [S, "  - { from: '24:00', to: '10:00' }"],
      8,
      "schedules.0.from",
      'before "24:00"',
    ],
    [
      "no time between",
      [S, "  - { from: '10:00', to: '10:00' }"],
      8,
      "schedules.0.to",
      'write "00:00" and "24:00"',
    ],
    [
      "a day that is none",
      [S, "  - { days: [mo], from: '1:00', to: '10:00' }"],
      8,
      "schedules.0.days",
      'did you mean "mon"',
    ],
    [
      "days of three parts",
      [S, "  - { days: mon-tue-wed, from: '01:00', to: '10:00' }"],
      8,
      "schedules.0.days",
      "mon-fri",
    ],
    [
      "no day",
      [S, "  - { days: [], from: '01:00', to: '10:00' }"],
      8,
      "schedules.0.days",
      "one day at least",
    ],
    [
      "a key of no schedule",
      [S, "  - { until: '01:00', from: '01:00', to: '10:00' }"],
      8,
      "schedules.0.until",
      "unknown",
    ],
    [
      "a word for no clock",
      ["when_time_unknown: deny", S, "  - { from: '01:00', to: '10:00' }"],
      7,
      "when_time_unknown",
      '"refuse"',
    ],
    [
      "no clock, no schedule",
      ["when_time_unknown: allow"],
      7,
      "when_time_unknown",
      "no effect without schedules",
    ],
    ["a hold-off below zero", ["hold_off_s: -1"], 7, "hold_off_s", "seconds from 0 to 86400"],
    ["a hold-off in words", ["hold_off_s: 5s"], 7, "hold_off_s", "seconds from 0 to 86400"],
    ["a level that is none", ["level: counters"], 7, "level", 'did you mean "counter"'],
    ["a misspelt key", ["holdoff_s: 3"], 7, "holdoff_s", 'did you mean "hold_off_s"'],
  ])("%s", (...[, lines, line, path, message]) => {
    const parsed = parseConfig(textOf(lines), FILE);
    expect(E.isLeft(parsed) ? parsed.left : []).toContainEqual({
      _tag: "ConfigProblem",
      line,
      path: `readers.0.${path}`,
      message: expect.stringContaining(message),
    });
  });

  const schedule = [S, "  - { from: '01:00', to: '10:00' }"];
  test.each([
    [
      "none, where there is a schedule",
      "gateway: a\nfleet: b\nreaders:\n",
      1,
      "schedules need one",
    ],
    ["a town on its own", "gateway: a\nfleet: b\ntime_zone: Berlin\nreaders:\n", 3, 'not "Berlin"'],
    ["an offset", 'gateway: a\nfleet: b\ntime_zone: "+01:00"\nreaders:\n', 3, 'not "+01:00"'],
    ["a number", "gateway: a\nfleet: b\ntime_zone: 1\nreaders:\n", 3, "not 1"],
  ])("time zone: %s", (...[, head, line, message]) => {
    const parsed = parseConfig(textOf(schedule, head), FILE);
    expect(E.isLeft(parsed) ? parsed.left : []).toContainEqual({
      _tag: "ConfigProblem",
      line,
      path: "time_zone",
      message: expect.stringContaining(message),
    });
  });
});
