import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import type { Pn532Settings } from "#gateway/config/config.ts";
import { parseConfig } from "#gateway/config/parse.ts";

const READER = "gateway: lobby\nfleet: acme\nreaders:\n  - id: door\n    driver: pn532\n";

const parsed = (lines: string): ReturnType<typeof parseConfig> =>
  parseConfig(`${READER}${lines}`, "/etc/tapmesh/gateway.yaml");

const settingsOf = (lines: string): Pn532Settings | null | undefined => {
  const config = parsed(lines);
  return E.isRight(config) ? config.right.readers[0]?.pn532 : undefined;
};

const problemsOf = (lines: string): ReadonlyArray<string> => {
  const config = parsed(lines);
  return E.isLeft(config)
    ? config.left.map(({ line, path, message }) => `${line} ${path}: ${message}`)
    : [];
};

test("a PN532 needs no key: it is on the Pi's UART, at the speed it wakes up with", () => {
  expect(settingsOf("")).toEqual({
    transport: "uart",
    device: "/dev/serial0",
    baud: 115_200,
    pollMs: 50,
    fieldOff: false,
    pins: null,
  });
});

test("all keys", () => {
  const lines = [
    "    transport: uart",
    "    device: /dev/ttyUSB0",
    "    baud: 921600",
    "    poll_ms: 100",
    "    field_off: true",
  ];
  expect(settingsOf(lines.join("\n"))).toEqual({
    transport: "uart",
    device: "/dev/ttyUSB0",
    baud: 921_600,
    pollMs: 100,
    fieldOff: true,
    pins: null,
  });
});

test.each([
  { transport: "i2c", device: "/dev/i2c-1" },
  { transport: "spi", device: "/dev/spidev0.0" },
])("on $transport it is where the Pi has it", ({ transport, device }) => {
  expect(settingsOf(`    transport: ${transport}\n`)).toMatchObject({ transport, device });
});

const pinsOf = (lines: string): unknown => settingsOf(lines)?.pins;

describe("lights at the chip's own pins", () => {
  test("are those that are named", () => {
    expect(pinsOf("    pins: { green: P30, red: P31, buzzer: P33 }\n")).toEqual({
      green: "P30",
      red: "P31",
      buzzer: "P33",
    });
    expect(pinsOf("    pins: { red: P72 }\n")).toEqual({ green: null, red: "P72", buzzer: null });
    expect(pinsOf("    transport: i2c\n    pins: { red: P71 }\n")).toMatchObject({ red: "P71" });
  });

  test.each([
    ["pins: { green: P36 }", '6 readers.0.pins.green: must be "P30" or "P31" or'],
    ["pins: { green: p35 }", '(did you mean "P35"?)'],
    ["pins: { green: 17 }", "6 readers.0.pins.green: must be"],
    ["pins:\n      red: P32", "7 readers.0.pins.red: P32 is the chip's own; take one of P30, P31,"],
    ["pins: { red: P34 }", "6 readers.0.pins.red: P34 is the chip's own"],
    [
      "transport: spi\n    pins: { red: P71 }",
      "7 readers.0.pins.red: P71 is a wire of SPI; take one of P30, P31, P33, P35",
    ],
    ["transport: spi\n    pins: { red: P72 }", "7 readers.0.pins.red: P72 is a wire of SPI"],
    ["pins: { green: P30, red: P30 }", "6 readers.0.pins: two of its lights are one pin"],
    ["pins: {}", "6 readers.0.pins: must name at least one of green, red, buzzer"],
    ["pins: { gren: P30, red: P31 }", '6 readers.0.pins.gren: unknown key (did you mean "green"?'],
  ])("%s", (line, problem) => {
    const problems = problemsOf(`    ${line}\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });
});

describe("wrong values are told with their line, and with what is right", () => {
  test.each([
    ["transport: usb", '6 readers.0.transport: must be "uart"'],
    ["device: ttyUSB0", "6 readers.0.device: must be a path such as /dev/serial0"],
    ["baud: 1234", "6 readers.0.baud: must be one of 9600,"],
    ["baud: fast", "6 readers.0.baud: must be one of 9600,"],
    [
      "transport: i2c\n    device: /dev/i2c",
      "7 readers.0.device: must be a path such as /dev/i2c-1",
    ],
    ["transport: spi\n    device: /dev/spi0", "7 readers.0.device: must be a path such as /dev/sp"],
    ["transport: spi\n    baud: 9600", "7 readers.0.baud: is for transport: uart"],
    ["poll_ms: 5", "6 readers.0.poll_ms: must be a whole number of milliseconds from 20 to 1000"],
    ["poll_ms: 1001", "6 readers.0.poll_ms: must be a whole number"],
    ["poll_ms: 50.5", "6 readers.0.poll_ms: must be a whole number"],
    ["field_off: maybe", "6 readers.0.field_off: must be true or false"],
    ["match: ACR122U", "6 readers.0.match: is for driver: pcsc"],
    ["devise: /dev/serial0", '6 readers.0.devise: unknown key (did you mean "device"?'],
  ])("%s", (line, problem) => {
    const problems = problemsOf(`    ${line}\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  test("two readers on one device", () => {
    expect(problemsOf("  - id: gate\n    driver: pn532\n")).toEqual([
      '3 readers: "door" and "gate" are both on /dev/serial0',
    ]);
    expect(problemsOf("  - id: gate\n    driver: pn532\n    device: /dev/ttyUSB1\n")).toEqual([]);
  });

  test("the keys of a PN532 at another reader", () => {
    const config = parseConfig(
      READER.replace("pn532", "pcsc").concat("    device: /dev/serial0\n"),
      "/etc/tapmesh/gateway.yaml",
    );
    expect(E.isLeft(config) && config.left.map(({ path }) => path)).toEqual(["readers.0.device"]);
  });
});
