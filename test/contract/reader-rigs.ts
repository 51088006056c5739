/** One reader of each kind, with hands for its cards, and what each kind can do. */
import * as E from "fp-ts/lib/Either.js";
import type { ReadScope } from "#core/card/read-card.ts";
import type { Journal, ReaderAdaptor } from "#gateway/ports.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { createSimulatedReader } from "#gateway/reader/emulated/simulated-reader.ts";
import type { Pn532Settings } from "#gateway/config/config.ts";
import { chipOnI2c, chipOnSpi } from "#gateway/reader/pn532/bus-chips.ts";
import { busLine, type ChipBus } from "#gateway/reader/pn532/bus-line.ts";
import { createPn532Readers } from "#gateway/reader/pn532/pn532-readers.ts";
import { TRANSPORTS, type Transports } from "#gateway/reader/pn532/transports.ts";
import { systemClock as clock } from "#gateway/system.ts";
import { EventLog } from "#test/pcscd/event-log.ts";
import { ObservedReaders } from "#test/pcscd/observed-readers.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";
import { FakeI2c, FakeSpi } from "#test/pn532/fake-bus.ts";
import { FakePn532 } from "#test/pn532/fake-pn532.ts";

/** What a card or a hand may do wrong. */
export interface Holding {
  /** Each of the card's answers comes so late. */
  readonly delayMs?: number;
  /** The card is pulled away instead of answering the command after so many. */
  readonly pullAfterCount?: number;
}

/** One reader, `door`, of the adaptor under test. */
export interface Rig extends AsyncDisposable {
  readonly adaptor: ReaderAdaptor;
  readonly log: EventLog;
  /** Holds the card to the reader until `take`. */
  readonly hold: (card: EmulatedCard, holding?: Holding) => Promise<void>;
  /** Takes that card away, or all of them. */
  readonly take: (card?: EmulatedCard) => Promise<void>;
}

export interface RigOptions {
  readonly scope: ReadScope;
  /** Lies there before the reader is used. */
  readonly lying?: EmulatedCard;
  /** PN532 only. */
  readonly pollMs?: number;
  readonly pins?: Pn532Settings["pins"];
}

const ignore: Journal["info"] = () => undefined;
const journal: Journal = { info: ignore, warn: ignore, error: ignore };

const simulatedRig = ({ scope }: RigOptions): Promise<Rig> => {
  const log = new EventLog();
  const adaptor = createSimulatedReader({ clock, journal }, [{ id: "door", scope }]);
  adaptor.start(log.onEvent);
  const holdMs = 60; // a simulated card goes by itself: there is no hand to take it
  let goneMs = 0;
  return Promise.resolve({
    adaptor,
    log,
    hold: (card) => {
      adaptor.tap("door", card, holdMs);
      goneMs = performance.now() + holdMs;
      return Promise.resolve();
    },
    take: () =>
      new Promise((resolve) => setTimeout(resolve, Math.max(0, goneMs - performance.now()) + 5)),
    [Symbol.asyncDispose]: () => adaptor.stop(),
  });
};

const pcscRig = async ({ scope, lying }: RigOptions): Promise<Rig> => {
  const pcscd = await TestPcscd.started(["ACS ACR122U PICC Interface"]);
  const [reader] = pcscd.readers;
  if (lying !== undefined) await reader?.insert(lying);
  const observed = new ObservedReaders(pcscd, [{ id: "door", match: "ACR122U", scope }]);
  const { adaptor, log } = observed;
  return {
    adaptor,
    log,
    hold: async (card, { delayMs, pullAfterCount: pullAfterApduCount } = {}) =>
      await reader?.insert(card, {
        ...(delayMs === undefined ? {} : { delayMs }),
        ...(pullAfterApduCount === undefined ? {} : { pullAfterApduCount }),
      }),
    take: async () => await reader?.remove(),
    [Symbol.asyncDispose]: async () => {
      await observed[Symbol.asyncDispose]();
      await pcscd[Symbol.asyncDispose]();
    },
  };
};

/** A fake chip, and the way to it. */
interface WiredChip {
  readonly fake: FakePn532;
  readonly transport: Pn532Settings["transport"];
  readonly transports: Transports;
}

export interface Pn532Rig extends Rig {
  readonly fake: FakePn532;
}

const pn532On = async (
  { scope, lying, pollMs = 50, pins = null }: RigOptions,
  { fake, transport, transports }: WiredChip,
): Promise<Pn532Rig> => {
  if (lying !== undefined) fake.hold(lying);
  const log = new EventLog();
  const { device } = fake;
  const pn532 = { transport, device, baud: 115_200, pollMs, fieldOff: false, pins };
  const readers = [{ id: "door", scope, pn532 }];
  const adaptor = createPn532Readers({ clock, journal }, readers, transports);
  adaptor.start(log.onEvent);
  return await Promise.resolve({
    fake,
    adaptor,
    log,
    hold: (card, { delayMs, pullAfterCount: pullAfterCommandCount } = {}) => {
      fake.hold(card, {
        ...(delayMs === undefined ? {} : { delayMs }),
        ...(pullAfterCommandCount === undefined ? {} : { pullAfterCommandCount }),
      });
      return Promise.resolve();
    },
    take: (card) => {
      fake.take(card);
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: async () => {
      await adaptor.stop();
      await fake[Symbol.asyncDispose]();
    },
  });
};

export const pn532Rig = async (options: RigOptions): Promise<Pn532Rig> => {
  const fake = await FakePn532.started();
  return pn532On(options, { fake, transport: "uart", transports: TRANSPORTS });
};

/** The line over the bus that the kernel would give. */
const lineOn =
  (bus: ChipBus): Transports["i2c"]["load"] =>
  () =>
    Promise.resolve(E.right((_, listener) => Promise.resolve(E.right(busLine(bus, listener)))));

export const i2cRig = async (options: RigOptions): Promise<Pn532Rig> => {
  const wires: FakeI2c[] = [];
  const fake = await FakePn532.started((onBytes) => {
    const wire = new FakeI2c(onBytes);
    wires.push(wire);
    return wire;
  });
  const [wire] = wires;
  if (wire === undefined) throw new Error("a wire was made");
  const load = lineOn(chipOnI2c(wire.transactions));
  const transports = { ...TRANSPORTS, i2c: { ...TRANSPORTS.i2c, load } };
  return pn532On(options, { fake, transport: "i2c", transports });
};

export const spiRig = async (options: RigOptions): Promise<Pn532Rig> => {
  const wires: FakeSpi[] = [];
  const fake = await FakePn532.started((onBytes) => {
    const wire = new FakeSpi(onBytes);
    wires.push(wire);
    return wire;
  });
  const [wire] = wires;
  if (wire === undefined) throw new Error("a wire was made");
  const load = lineOn(chipOnSpi(wire.transfers));
  const transports = { ...TRANSPORTS, spi: { ...TRANSPORTS.spi, load } };
  return pn532On(options, { fake, transport: "spi", transports });
};

/** A kind of reader, and what can happen at it. */
export interface RigKind {
  readonly name: string;
  readonly rig: (options: RigOptions) => Promise<Rig>;
  /** Any number of them can be used at once. */
  readonly sharesNothing: boolean;
  /** There is a field with hands: cards lie there before, are slow, are pulled away. */
  readonly hasField: boolean;
  /** It can tell two cards from one; PC/SC has no words for a second card. */
  readonly seesTwo: boolean;
  /** Commands that reading the NDEF message of the emulated Type 2 and Type 4 cards takes. */
  readonly commandCounts: { readonly type2: number; readonly type4: number };
  /** Until a phone has proven itself. */
  readonly phoneCommandCount: number;
}

// A PC/SC reader is asked for the UID; a PN532 has it already. A simulated card always answers, and at once.
export const RIGS: ReadonlyArray<RigKind> = [
  {
    name: "simulated",
    rig: simulatedRig,
    sharesNothing: true,
    hasField: false,
    seesTwo: false,
    commandCounts: { type2: 0, type4: 0 },
    phoneCommandCount: 0,
  },
  {
    name: "PC/SC on vpcd",
    rig: pcscRig,
    sharesNothing: false, // libpcsclite finds its daemon by an environment variable
    hasField: true,
    seesTwo: false,
    commandCounts: { type2: 3, type4: 7 },
    phoneCommandCount: 3,
  },
  {
    name: "PN532 on a UART",
    rig: pn532Rig,
    sharesNothing: true,
    hasField: true,
    seesTwo: true,
    commandCounts: { type2: 2, type4: 6 },
    phoneCommandCount: 2,
  },
  {
    name: "PN532 on I2C",
    rig: i2cRig,
    sharesNothing: true,
    hasField: true,
    seesTwo: true,
    commandCounts: { type2: 2, type4: 6 },
    phoneCommandCount: 2,
  },
  {
    name: "PN532 on SPI",
    rig: spiRig,
    sharesNothing: true,
    hasField: true,
    seesTwo: true,
    commandCounts: { type2: 2, type4: 6 },
    phoneCommandCount: 2,
  },
];
