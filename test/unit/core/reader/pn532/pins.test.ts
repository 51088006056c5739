/** Which bytes light what: P3 and P7 of WriteGPIO, UM0701-02 section 7.2.7. */
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { PINS, pinsCommand } from "#core/reader/pn532/pins.ts";

const OFF = { green: false, red: false, buzzer: false };
const ONLY_GREEN = { ...OFF, green: true };
const NO_PINS = { green: null, red: null, buzzer: null };

test("what is on is low, and all else on its port is high", () => {
  const pins = { green: "P30", red: "P31", buzzer: "P33" } as const;
  const hexOf = (step: typeof OFF): string => toHex(pinsCommand(pins, step));
  expect(hexOf(OFF)).toBe("0ebf00");
  expect(hexOf(ONLY_GREEN)).toBe("0ebe00");
  expect(hexOf({ ...OFF, red: true })).toBe("0ebd00");
  expect(hexOf({ green: true, red: true, buzzer: true })).toBe("0eb400");
});

test("a port without a light is left alone", () => {
  const step = { ...ONLY_GREEN, red: true };
  expect(toHex(pinsCommand({ ...NO_PINS, green: "P71" }, step))).toBe("0e0084");
  expect(toHex(pinsCommand({ ...NO_PINS, green: "P30", red: "P72" }, step))).toBe("0ebe82");
});

test.each(PINS)("%s lit never pulls the chip's own P32 and P34 low", (pin) => {
  const [, p3 = 0] = pinsCommand({ ...NO_PINS, green: pin }, ONLY_GREEN);
  expect(p3 === 0 ? 0b01_0100 : p3 & 0b01_0100).toBe(0b01_0100);
});
