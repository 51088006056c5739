/** Lights and a buzzer at the PN532's own pins: which pins can be had, and which levels show a step of a pattern. */
import type { LightStep } from "#core/feedback/patterns.ts";
import { writeGpio } from "#core/reader/pn532/commands.ts";

type Port = "p3" | "p7";

/** Without P32 and P34, which the chip needs for itself: if they go low it may hang until its power was away. */
export const PINS = ["P30", "P31", "P33", "P35", "P71", "P72"] as const;
export type Pin = (typeof PINS)[number];

const PLACE: Readonly<Record<Pin, { readonly port: Port; readonly bit: number }>> = {
  P30: { port: "p3", bit: 0 },
  P31: { port: "p3", bit: 1 },
  P33: { port: "p3", bit: 3 },
  P35: { port: "p3", bit: 5 },
  P71: { port: "p7", bit: 1 },
  P72: { port: "p7", bit: 2 },
};

/** SPI's MISO and SCK. */
export const SPI_PINS: ReadonlySet<string> = new Set<Pin>(["P71", "P72"]);
/** Handshake (INT0) and the clock of a secure element. */
export const RESERVED_PINS: ReadonlySet<string> = new Set(["P32", "P34"]);

/** Null: not wired. */
export interface Pn532Pins {
  readonly green: Pin | null;
  readonly red: Pin | null;
  readonly buzzer: Pin | null;
}

/** All pins of the port high: P30 to P35, P71 and P72. High is how they are after power-on, and here it is "off". */
const ALL_HIGH: Readonly<Record<Port, number>> = { p3: 0b11_1111, p7: 0b110 };

/**
 * The command that shows the step. What is on is low: the pins are quasi-bidirectional after a reset (PN532/C1 data
 * sheet, "GPIOs"), so they sink a light's current and can't source it.
 */
export const pinsCommand = (pins: Pn532Pins, step: Omit<LightStep, "ms">): Uint8Array => {
  const level: Record<Port, number | null> = { p3: null, p7: null };
  for (const light of ["green", "red", "buzzer"] as const) {
    const pin = pins[light];
    if (pin === null) continue;
    const { port, bit } = PLACE[pin];
    const before = level[port] ?? ALL_HIGH[port];
    level[port] = step[light] ? before & ~(1 << bit) : before;
  }
  return writeGpio(level.p3, level.p7);
};
