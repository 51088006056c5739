/** Lights on GPIO lines in a reader's configuration. */
import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import { parseConfig } from "#gateway/config/parse.ts";
import { rightOf } from "#test/unit/core/log/either.ts";

const withGpio = (...lines: ReadonlyArray<string>): string =>
  `gateway: lobby
fleet: acme
readers:
  - id: r1
    driver: simulated
    gpio:
${lines.map((line) => `      ${line}\n`).join("")}`;

test("lines that are named, on the chip of most Pis", () => {
  const config = rightOf(parseConfig(withGpio("green: 17", "buzzer: 0"), "gateway.yaml"));
  const gpio = { chip: "gpiochip0", green: 17, red: null, buzzer: 0 };
  expect(config.readers.map((reader) => reader.gpio)).toEqual([gpio]);
});

test.each([
  ["a name", ["green: GPIO17"], 7, "green", "must be the number of a GPIO line, such as 17"],
  ["no line of any chip", ["red: 512"], 7, "red", "must be the number of a GPIO line, such as 17"],
  ["below zero", ["red: -1"], 7, "red", "must be the number of a GPIO line, such as 17"],
  ["two of one line", ["green: 17", "red: 17"], 7, "", "two of its lights are one line"],
  ["no light", ["chip: gpiochip4"], 7, "", "must name at least one of green, red, buzzer"],
  ["a chip with options", ["chip: --help", "red: 1"], 7, "chip", "a chip such as gpiochip0"],
  ["a light of another colour", ["blue: 4", "red: 1"], 7, "blue", "unknown"],
])("%s", (...[, lines, line, key, message]) => {
  const parsed = parseConfig(withGpio(...lines), "gateway.yaml");
  const path = key === "" ? "readers.0.gpio" : `readers.0.gpio.${key}`;
  expect(E.isLeft(parsed) ? parsed.left : []).toEqual([
    { _tag: "ConfigProblem", line, path, message: expect.stringContaining(message) },
  ]);
});
