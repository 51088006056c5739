import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ACTOR } from "#core/log/actor.ts";
import { encodeBody, decodeBody, TECHNOLOGY, VERDICT } from "#core/log/body.ts";
import { KIND } from "#core/log/record.ts";
import { operationsFor } from "#core/verdict/on-tap.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { parseConfig } from "#gateway/config/parse.ts";
import { formatProblem, type ConfigProblem } from "#gateway/config/problem.ts";

const FILE = "/etc/tapmesh/gateway.yaml";

const problemsOf = (text: string): ReadonlyArray<ConfigProblem> => {
  const parsed = parseConfig(text, FILE);
  return E.isLeft(parsed) ? parsed.left : [];
};

const configOf = (text: string): GatewayConfig => {
  const parsed = parseConfig(text, FILE);
  if (E.isRight(parsed)) return parsed.right;
  throw new Error(parsed.left.map((problem) => formatProblem(FILE, problem)).join("\n"));
};

const MINIMAL = "gateway: lobby\nfleet: acme\n";
const WITH_READER = `${MINIMAL}readers:\n  - id: r1\n    driver: simulated\n`;

describe("every problem has its line and its path", () => {
  test.each([
    ["nothing", "", 0, "gateway", "is missing"],
    ["a list", "- a\n- b\n", 1, "", "must be a mapping"],
    ["no fleet", "gateway: lobby\n", 1, "fleet", "is missing"],
    ["no gateway", "fleet: acme\n", 1, "gateway", "is missing"],
    ["a name with a blank", "gateway: the lobby\nfleet: acme\n", 1, "gateway", "must be a name"],
    ["a name of capitals", `fleet: acme\ngateway: Lobby\n`, 2, "gateway", 'not "Lobby"'],
    ["a name that is a number", "gateway: 7\nfleet: acme\n", 1, "gateway", "not 7"],
    ["a key twice", `${MINIMAL}fleet: other\n`, 3, "", "unique"],
    ["a misspelt key", `${MINIMAL}siet: north\n`, 3, "siet", 'did you mean "site"'],
    ["a key like no other", `${MINIMAL}xyzzyplugh: 1\n`, 3, "xyzzyplugh", "unknown key"],
    [
      "a misspelt section",
      `${MINIMAL}brokr:\n  listen: x:1\n`,
      3,
      "brokr",
      'did you mean "broker"',
    ],
    ["a yes that is none", `${MINIMAL}production: yes\n`, 3, "production", "true or false"],
    ["no port", `${MINIMAL}http:\n  listen: 127.0.0.1\n`, 4, "http.listen", "host:port"],
    ["a port too large", `${MINIMAL}http:\n  listen: "a:70000"\n`, 4, "http.listen", "65535"],
    ["an empty section", `${MINIMAL}http: {}\n`, 3, "http.listen", "is missing"],
    ["a section that is none", `${MINIMAL}http: 8080\n`, 3, "http", "must be a mapping"],
    [
      "a key of no section",
      `${MINIMAL}http:\n  listen: a:1\n  tls: on\n`,
      5,
      "http.tls",
      "unknown",
    ],
    [
      "a broker without scheme",
      `${MINIMAL}link:\n  brokers: [a:1]\n`,
      4,
      "link.brokers",
      "mqtt://",
    ],
    ["brokers that are no list", `${MINIMAL}link:\n  brokers: a\n`, 4, "link.brokers", "list"],
    ["readers that are no list", `${MINIMAL}readers: r1\n`, 3, "readers", "list of mappings"],
    ["a reader without id", `${MINIMAL}readers:\n  - driver: pcsc\n`, 4, "readers.0.id", "missing"],
    [
      "a reader without driver",
      `${MINIMAL}readers:\n  - id: r1\n`,
      4,
      "readers.0.driver",
      "missing",
    ],
    [
      "a driver misspelt",
      `${MINIMAL}readers:\n  - id: r1\n    driver: psc\n`,
      5,
      "readers.0.driver",
      'did you mean "pcsc"',
    ],
    ["audit misspelt", `${WITH_READER}    audit: frist\n`, 6, "readers.0.audit", '"first"'],
    [
      "an unknown key of a reader",
      `${WITH_READER}    buzzer: on\n`,
      6,
      "readers.0.buzzer",
      "unknown",
    ],
    [
      "a rule of no verb",
      `${WITH_READER}    on_tap:\n      - put: x\n`,
      7,
      "readers.0.on_tap.0",
      "must begin with one of set, claim, collect, add, max, min",
    ],
    [
      "a rule without value",
      `${WITH_READER}    on_tap:\n      - set: x\n`,
      7,
      "readers.0.on_tap.0.to",
      "is missing",
    ],
    [
      "a place that is none",
      `${WITH_READER}    on_tap:\n      - set: x\n        to: $town\n`,
      8,
      "readers.0.on_tap.0.to",
      "$gateway, $site, $reader or $time",
    ],
    [
      "a key that a tap may not set",
      `${WITH_READER}    on_tap:\n      - set: safety\n        to: 1\n`,
      7,
      "readers.0.on_tap.0.set",
      "can't be set by a tap",
    ],
    [
      "a step that is no number",
      `${WITH_READER}    on_tap:\n      - add: x\n        by: 1.5\n`,
      8,
      "readers.0.on_tap.0.by",
      "whole number",
    ],
  ])("%s", (...[, text, line, path, message]) => {
    const found = problemsOf(text).filter((problem) => problem.path === path);
    expect(found).toContainEqual({
      _tag: "ConfigProblem",
      line,
      path,
      message: expect.stringContaining(message),
    });
  });

  test("all at once, not one after the other", () => {
    const text = "gateway: A\nfleet: B\nsite: C\nproduction: 1\nreaders: 2\nextra: 3\n";
    expect(
      problemsOf(text)
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(["extra", "fleet", "gateway", "production", "readers", "site"]);
  });

  test("two readers of one id, and a simulated one in production, are named", () => {
    const two = `${WITH_READER}  - id: r1\n    driver: pcsc\nproduction: true\n`;
    expect(problemsOf(two).map(({ message }) => message)).toEqual([
      expect.stringContaining('"r1" is simulated'),
      expect.stringContaining('two readers have the id "r1"'),
    ]);
  });
});

test("what is not said has its default, and relative paths count from the file", () => {
  expect(configOf(MINIMAL)).toEqual({
    gateway: "lobby",
    fleet: "acme",
    site: "main",
    timeZone: null,
    dataDir: "/var/lib/tapmesh/lobby",
    controlSocket: "/var/lib/tapmesh/lobby/control.sock",
    production: false,
    fleetFiles: {
      roster: "/etc/tapmesh/fleet/roster.txt",
      fleetKey: "/etc/tapmesh/fleet/fleet.pub",
      cardKey: "/etc/tapmesh/fleet/card.key",
      sunKey: "/etc/tapmesh/fleet/sun.key",
      makeOwn: false,
    },
    readers: [],
    broker: null,
    linkBrokers: [],
    http: null,
  });
  expect(configOf(`${MINIMAL}data_dir: data\n`).dataDir).toBe("/etc/tapmesh/data");
});

test("who has a broker and names none uses its own", () => {
  const broker = `${MINIMAL}broker:\n  listen: "[::1]:1883"\n`;
  expect(configOf(broker)).toMatchObject({
    broker: { host: "::1", port: 1_883 },
    linkBrokers: [expect.stringMatching(/^mqtt:\/\/\[::1\]:1883$/)],
  });
  expect(configOf(`${broker}link:\n  brokers: []\n`).linkBrokers).toEqual([]);
});

/** Whether a tap under these rules makes a body that every gateway can read and fold. */
const makesGoodRecords = (config: GatewayConfig): boolean =>
  config.readers.every(({ onTap, id }) => {
    const place = {
      gateway: config.gateway,
      site: config.site,
      reader: id,
      time: 1_800_000_000_000,
    };
    const body = encodeBody(new Uint8Array(16), {
      _tag: "Tap",
      actor: { kind: ACTOR.reader, name: id },
      technology: TECHNOLOGY.type2,
      card: new Uint8Array(16),
      atStart: false,
      simulated: true,
      verdict: VERDICT.accepted,
      reason: "",
      ndef: null,
      device: "cart-1",
      operations: operationsFor(onTap, place, () => []),
    });
    return E.isRight(decodeBody(KIND.tap, body));
  });

const withRules = (...rules: ReadonlyArray<string>): string =>
  `${WITH_READER}    on_tap:\n${rules.map((rule) => `      - ${rule}\n`).join("")}`;

describe("a rule that is let in makes records that can be read", () => {
  test.each([
    ["a fraction", withRules("{set: weight, to: 1.5}")],
    ["a number too large", withRules("{set: weight, to: 1e300}")],
    ["not a number", withRules("{set: weight, to: .nan}")],
    ["a text too long", withRules(`{set: note, to: ${"x".repeat(2_000)}}`)],
    ["the greatest of a place", withRules("{max: where, to: $gateway}")],
    ["the least of a text", withRules("{min: where, to: dock}")],
    ["a claim to a card", withRules("{claim: card, to: dock}")],
    ["one key set twice", withRules("{set: a, to: 1}", "{set: a, to: 2}")],
    [
      "more rules than a record holds",
      withRules(...Array.from({ length: 20 }, (_, n) => `{set: k${n}, to: 1}`)),
    ],
  ])("%s is refused", (_what, text) => {
    expect(problemsOf(text).map(({ path }) => path)).toEqual([
      expect.stringMatching(/^readers\.0\.on_tap/),
    ]);
  });

  test("and whatever else is let in", () => {
    const key = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 3 });
    const value = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom("$gateway", "$time", "$site", "$reader"),
      fc.string({ maxLength: 20 }),
    );
    const rule = fc.oneof(
      fc.record({ set: key, to: value }),
      fc.record({ add: key, by: fc.oneof(fc.integer(), fc.double()) }),
      fc.record({ max: key, to: value }),
      fc.record({ min: key, to: value }),
      fc.record({ claim: key, to: value }),
      fc.record({ collect: key, to: value }),
    );
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 20 }), (rules) => {
        const text = withRules(...rules.map((each) => JSON.stringify(each)));
        const parsed = parseConfig(text, FILE);
        expect(E.isLeft(parsed) || makesGoodRecords(parsed.right)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

test("any text at all gives a configuration or problems, and never throws", () => {
  const word = fc.constantFrom(
    "gateway",
    "fleet",
    ":",
    " ",
    "\n",
    "- ",
    "readers",
    "&a",
    "*a",
    "<<",
    "[",
    "{",
    "'",
    "!!set",
    "?",
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), (words) => {
      const text = words.join("");
      for (const { line } of problemsOf(text)) {
        expect(line).toBeGreaterThanOrEqual(0);
        expect(line).toBeLessThanOrEqual(text.split("\n").length);
      }
    }),
  );
});
