/** A reader's lights and buzzer on GPIO lines. */
import type { GpioConfig } from "#gateway/config/config.ts";
import type { YamlReader } from "#gateway/config/yaml-reader.ts";

const GPIO_CHIP = { regex: /^[a-z][a-zA-Z0-9_.-]{0,31}$/, meaning: "a chip such as gpiochip0" };
/** More than any Pi has; what a chip really has shows when it is used. */
const GPIO_LINE_MAX = 511;

const parseLine = (gpio: YamlReader, key: string): number | null => {
  const line = gpio.scalar(key);
  if (line === undefined) return null;
  if (typeof line === "number" && Number.isInteger(line) && line >= 0 && line <= GPIO_LINE_MAX) {
    return line;
  }
  gpio.problem(key, "must be the number of a GPIO line, such as 17");
  return null;
};

export const parseGpio = (reader: YamlReader): GpioConfig | null => {
  const gpio = reader.mapping("gpio");
  if (gpio === undefined) return null;
  const chip = gpio.text("chip", GPIO_CHIP) ?? "gpiochip0";
  const [green, red, buzzer] = [
    parseLine(gpio, "green"),
    parseLine(gpio, "red"),
    parseLine(gpio, "buzzer"),
  ];
  const lines = [green, red, buzzer].filter((line) => line !== null);
  if (new Set(lines).size < lines.length) gpio.problem("", "two of its lights are one line");
  if (!["green", "red", "buzzer"].some((key) => gpio.has(key))) {
    gpio.problem("", "must name at least one of green, red, buzzer");
  }
  gpio.refuseUnknownKeys();
  return { chip, green, red, buzzer };
};
