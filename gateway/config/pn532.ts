/** The keys of a reader with `driver: pn532`. */
import {
  type Pin,
  PINS,
  type Pn532Pins,
  RESERVED_PINS,
  SPI_PINS,
} from "#core/reader/pn532/pins.ts";
import type { Pn532Settings, ReaderConfig } from "#gateway/config/config.ts";
import type { YamlReader } from "#gateway/config/yaml-reader.ts";

/** The buses are opened by their numbers, so their names must have them. */
const DEVICE = {
  uart: { regex: /^\/./, meaning: "a path such as /dev/serial0" },
  i2c: { regex: /^\/dev\/i2c-[0-9]+$/, meaning: "a path such as /dev/i2c-1" },
  spi: { regex: /^\/dev\/spidev[0-9]+\.[0-9]+$/, meaning: "a path such as /dev/spidev0.0" },
};
const TRANSPORTS = ["uart", "i2c", "spi"] as const;
const DEVICE_OF: Readonly<Record<Pn532Settings["transport"], string>> = {
  uart: "/dev/serial0",
  i2c: "/dev/i2c-1",
  spi: "/dev/spidev0.0",
};

/** The rates that the chip knows (UM0701-02, SetSerialBaudRate); it wakes up with this one. */
const BAUDS = [9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_288_000];
const BAUD_DEFAULT = 115_200;

/** A look at an empty field takes 20 ms; a card is in the field for some tenths of a second. */
const POLL_MS_MIN = 20;
const POLL_MS_MAX = 1_000;
const POLL_MS_DEFAULT = 50;

const parseBaud = (reader: YamlReader): number => {
  const baud = reader.scalar("baud") ?? BAUD_DEFAULT;
  if (typeof baud === "number" && BAUDS.includes(baud)) return baud;
  reader.problem("baud", `must be one of ${BAUDS.join(", ")}, as the board is set (most: 115200)`);
  return BAUD_DEFAULT;
};

const parsePollMs = (reader: YamlReader): number => {
  const pollMs = reader.scalar("poll_ms") ?? POLL_MS_DEFAULT;
  const isWhole = typeof pollMs === "number" && Number.isInteger(pollMs);
  if (isWhole && pollMs >= POLL_MS_MIN && pollMs <= POLL_MS_MAX) return pollMs;
  reader.problem(
    "poll_ms",
    `must be a whole number of milliseconds from ${POLL_MS_MIN} to ${POLL_MS_MAX}`,
  );
  return POLL_MS_DEFAULT;
};

const parsePin = (
  pins: YamlReader,
  light: string,
  transport: Pn532Settings["transport"],
): Pin | null => {
  const free = PINS.filter((pin) => transport !== "spi" || !SPI_PINS.has(pin));
  const value = pins.scalar(light);
  if (typeof value === "string" && RESERVED_PINS.has(value)) {
    pins.problem(light, `${value} is the chip's own; take one of ${free.join(", ")}`);
    return null;
  }
  if (typeof value === "string" && transport === "spi" && SPI_PINS.has(value)) {
    pins.problem(light, `${value} is a wire of SPI; take one of ${free.join(", ")}`);
    return null;
  }
  return pins.oneOf(light, free) ?? null;
};

const LIGHTS = ["green", "red", "buzzer"] as const;

const parsePins = (reader: YamlReader, transport: Pn532Settings["transport"]): Pn532Pins | null => {
  const pins = reader.mapping("pins");
  if (pins === undefined) return null;
  const [green, red, buzzer] = [
    parsePin(pins, "green", transport),
    parsePin(pins, "red", transport),
    parsePin(pins, "buzzer", transport),
  ];
  const wired = [green, red, buzzer].filter((pin) => pin !== null);
  if (new Set(wired).size < wired.length) pins.problem("", "two of its lights are one pin");
  if (!LIGHTS.some((light) => pins.has(light))) {
    pins.problem("", `must name at least one of ${LIGHTS.join(", ")}`);
  }
  pins.refuseUnknownKeys();
  return { green, red, buzzer };
};

export const parsePn532 = (reader: YamlReader): Pn532Settings => {
  if (reader.has("match")) {
    reader.problem("match", "is for driver: pcsc; a PN532 is named by its device");
  }
  const transport = reader.oneOf("transport", TRANSPORTS) ?? "uart";
  if (transport !== "uart" && reader.has("baud")) {
    reader.problem("baud", `is for transport: uart, and this is ${transport}`);
  }
  return {
    transport,
    device: reader.text("device", DEVICE[transport]) ?? DEVICE_OF[transport],
    baud: parseBaud(reader),
    pollMs: parsePollMs(reader),
    fieldOff: reader.boolean("field_off") ?? false,
    pins: parsePins(reader, transport),
  };
};

/** Two who talk to one chip at once get each other's answers. */
export const refuseSharedDevices = (
  root: YamlReader,
  readers: ReadonlyArray<ReaderConfig>,
): void => {
  const readerOf = new Map<string, string>();
  for (const { id, pn532 } of readers) {
    if (pn532 === null) continue;
    const other = readerOf.get(pn532.device);
    if (other === undefined) readerOf.set(pn532.device, id);
    else root.problem("readers", `"${other}" and "${id}" are both on ${pn532.device}`);
  }
};
