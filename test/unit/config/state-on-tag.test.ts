/** What a reader's tags carry, in its configuration. */
import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import type { ReaderConfig } from "#gateway/config/config.ts";
import { parseConfig } from "#gateway/config/parse.ts";
import { rightOf } from "#test/unit/core/log/either.ts";

const withLines = (...lines: ReadonlyArray<string>): string =>
  `gateway: lobby
fleet: acme
readers:
  - id: r1
    driver: simulated
${lines.map((line) => `    ${line}\n`).join("")}`;

const readerOf = (...lines: ReadonlyArray<string>): ReaderConfig | undefined =>
  rightOf(parseConfig(withLines(...lines), "gateway.yaml")).readers[0];

test("all that has room, some keys, or nothing; a state is read with the message that it stands in", () => {
  expect(readerOf("state_on_tag: true")).toMatchObject({
    stateOnTag: { keys: null },
    scope: { ndef: true },
  });
  expect(readerOf("state_on_tag: [location, holder]")?.stateOnTag?.keys).toEqual(
    new Set(["location", "holder"]),
  );
  expect(readerOf("state_on_tag: location")?.stateOnTag?.keys).toEqual(new Set(["location"]));
  for (const reader of [readerOf(), readerOf("state_on_tag: false")]) {
    expect(reader).toMatchObject({ stateOnTag: null, scope: { ndef: false } });
  }
});

test.each([
  ["a number", "state_on_tag: 7", "must be true, or a list of up to 16 keys"],
  ["nothing at all", "state_on_tag: []", "must be true, or a list of up to 16 keys"],
  ["true among keys", "state_on_tag: [true, location]", "must be true, or a list"],
  ["what is carried anyway", "state_on_tag: [safety]", '"safety" is carried in any case'],
  ["a mapping", "state_on_tag: { location: 1 }", "plain value"],
])("%s", (_name, line, message) => {
  const parsed = parseConfig(withLines(line), "gateway.yaml");
  const path = "readers.0.state_on_tag";
  expect(E.isLeft(parsed) ? parsed.left : []).toEqual([
    { _tag: "ConfigProblem", line: 6, path, message: expect.stringContaining(message) },
  ]);
});
