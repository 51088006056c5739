/**
 * What a PN532 does with a command: written from the user manual (UM0701-02, section 7), apart from the driver. That it
 * is like a PN532 is shown by libnfc, which talks to it.
 */
import { concatBytes } from "#core/bytes.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { FakeField } from "#test/pn532/fake-field.ts";

/** TFI and code come before the data; `delayMs` after the ACK. */
export interface ChipAnswer {
  readonly data: Uint8Array;
  readonly delayMs: number;
}

/** "refused": the error frame; "blocked": no answer before something else happens. */
export type ChipOutcome = ChipAnswer | "refused" | "blocked";

const FOR_EVER = 0xff;
const STATUS_OK = 0x00;
const STATUS_TIMEOUT = 0x01;
const STATUS_WRONG_CONTEXT = 0x27;
const MORE = 0x40;
const DATA_BYTES_MAX = 262;
/** What a list of an empty field takes, with few retries. */
const LIST_MS = 3;

const answer = (data: ReadonlyArray<number> | Uint8Array, delayMs = 0): ChipAnswer => ({
  data: Uint8Array.from(data),
  delayMs,
});

const targetBytes = (card: EmulatedCard, index: number): Uint8Array =>
  concatBytes(
    Uint8Array.of(index + 1),
    card.atqa,
    Uint8Array.of(card.sak, card.uid.length),
    card.uid,
    card.ats ?? new Uint8Array(0),
  );

const VALIDATION = 0x80;
/** P32 and P34: with one of them low the chip runs no more. */
const P3_RESERVED = 0b01_0100;
const PIN_NAMES = {
  p3: ["P30", "P31", "P32", "P33", "P34", "P35"],
  p7: ["P70", "P71", "P72"],
} as const;

/** Levels as WriteGPIO sets them: a bit for a pin, all high after power-on. */
interface Ports {
  readonly p3: number;
  readonly p7: number;
}
const ALL_HIGH: Ports = { p3: 0b11_1111, p7: 0b111 };

const lowPins = (ports: Ports): ReadonlyArray<string> =>
  (["p3", "p7"] as const).flatMap((port) =>
    PIN_NAMES[port].filter((_, bit) => ((ports[port] >> bit) & 1) === 0),
  );

/** The pins that were low from then on. */
export interface PinChange {
  readonly low: ReadonlyArray<string>;
  /** CLOCK_MONOTONIC with fractions. */
  readonly atMs: number;
}

export class FakeChip {
  /** Each time that a pin changed. */
  readonly pinChanges: PinChange[] = [];
  #ports = ALL_HIGH;
  readonly field: FakeField = new FakeField();
  /** Codes of all commands, as they came. */
  readonly commands: number[] = [];
  /** Codes that it does not know, as a clone may not. */
  readonly refused: Set<number> = new Set<number>();
  #isSamConfigured = false;
  #passiveRetries = FOR_EVER;
  /** Parts of an APDU that came with "more", and of a response that wait to be fetched. */
  #apduSoFar: Uint8Array = new Uint8Array(0);
  #responseLeft: Uint8Array = new Uint8Array(0);

  /** The power was away. */
  reset(): void {
    this.#isSamConfigured = false;
    this.#passiveRetries = FOR_EVER;
    this.field.switch(false);
    this.#setPorts(ALL_HIGH);
  }

  /** A light wired to one of them is on. */
  get lowPins(): ReadonlyArray<string> {
    return lowPins(this.#ports);
  }

  #setPorts(ports: Ports): void {
    if (ports.p3 === this.#ports.p3 && ports.p7 === this.#ports.p7) return;
    this.#ports = ports;
    this.pinChanges.push({ low: this.lowPins, atMs: Number(process.hrtime.bigint()) / 1e6 });
  }

  #writeGpio(parameters: Uint8Array): ChipOutcome {
    const [p3 = 0, p7 = 0] = parameters;
    if (parameters.length !== 2) return "refused";
    const next = {
      p3: (p3 & VALIDATION) === 0 ? this.#ports.p3 : p3 & ALL_HIGH.p3,
      p7: (p7 & VALIDATION) === 0 ? this.#ports.p7 : (p7 & 0b110) | (this.#ports.p7 & 0b001),
    };
    if ((next.p3 & P3_RESERVED) !== P3_RESERVED) return "blocked"; // and so it stays, in a chip
    this.#setPorts(next);
    return answer([]);
  }

  carryOut(command: Uint8Array): ChipOutcome {
    const [code = 0] = command;
    const parameters = command.subarray(1);
    this.commands.push(code);
    const isSetUp = this.#isSamConfigured || code === 0x14 || code === 0x02;
    if (this.refused.has(code)) return "refused";
    return isSetUp ? (this.#commandOf.get(code)?.(parameters) ?? "refused") : "refused";
  }

  readonly #commandOf: ReadonlyMap<number, (parameters: Uint8Array) => ChipOutcome> = new Map<
    number,
    (parameters: Uint8Array) => ChipOutcome
  >([
    [0x00, (parameters) => this.#diagnose(parameters)],
    [0x02, () => answer([0x32, 0x01, 0x06, 0x07])],
    [0x06, (parameters) => answer(new Uint8Array(parameters.length / 2))], // ReadRegister
    [0x08, () => answer([])], // WriteRegister
    [0x0e, (parameters) => this.#writeGpio(parameters)],
    [0x12, () => answer([])], // SetParameters
    [0x14, (parameters) => this.#samConfiguration(parameters)],
    [0x16, () => answer([STATUS_OK])], // PowerDown
    [0x32, (parameters) => this.#rfConfiguration(parameters)],
    [0x40, (parameters) => this.#dataExchange(parameters)],
    [0x42, (parameters) => this.#communicateThru(parameters)],
    [0x44, () => this.#release()], // InDeselect
    [0x4a, (parameters) => this.#listPassiveTarget(parameters)],
    [0x52, () => this.#release()],
    [0x54, ([target = 0]) => this.#select(target)],
  ]);

  #release(): ChipOutcome {
    this.field.release();
    return answer([STATUS_OK]);
  }

  #select(target: number): ChipOutcome {
    return answer([this.field.select(target) ? STATUS_OK : STATUS_WRONG_CONTEXT]);
  }

  #samConfiguration(parameters: Uint8Array): ChipOutcome {
    if (parameters[0] !== 0x01) return "refused";
    this.#isSamConfigured = true;
    return answer([]);
  }

  #diagnose(parameters: Uint8Array): ChipOutcome {
    if (parameters[0] === 0x00) return answer(parameters); // communication line: all of it back
    if (parameters[0] !== 0x06) return "refused";
    const isThere = (this.field.selectedCard?.ats ?? null) !== null;
    return answer([isThere ? STATUS_OK : STATUS_TIMEOUT]);
  }

  #rfConfiguration(parameters: Uint8Array): ChipOutcome {
    const [item, first = 0, , third] = parameters;
    if (item === 0x01) this.field.switch((first & 0x01) !== 0);
    if (item === 0x05) this.#passiveRetries = third ?? FOR_EVER;
    return answer([]);
  }

  #listPassiveTarget(parameters: Uint8Array): ChipOutcome {
    const [targetsMax = 0, kind] = parameters;
    if (targetsMax < 1 || targetsMax > 2) return "refused";
    if (!this.field.isOn) this.field.switch(true);
    const cards = kind === 0x00 ? this.field.list().slice(0, targetsMax) : [];
    if (cards.length === 0 && this.#passiveRetries === FOR_EVER) return "blocked";
    const [only, second] = cards;
    if (only !== undefined && second === undefined && targetsMax === 1) this.field.select(1);
    return answer(concatBytes(Uint8Array.of(cards.length), ...cards.map(targetBytes)), LIST_MS);
  }

  /** Selects the target by itself, and goes through the protocol of its card. */
  #dataExchange(parameters: Uint8Array): ChipOutcome {
    const [tg = 0] = parameters;
    const data = parameters.subarray(1);
    if (data.length > DATA_BYTES_MAX) return "refused";
    if (this.#responseLeft.length > 0 && data.length === 0) return this.#nextPart(0);
    this.#responseLeft = new Uint8Array(0);
    if (!this.field.select(tg & ~MORE)) return answer([STATUS_TIMEOUT]);
    this.#apduSoFar = concatBytes(this.#apduSoFar, data);
    if ((tg & MORE) !== 0) return answer([STATUS_OK]);
    const apdu = this.#apduSoFar;
    this.#apduSoFar = new Uint8Array(0);
    const { data: response, delayMs } = this.field.exchange(apdu);
    if (response === null) return answer([STATUS_TIMEOUT], delayMs);
    this.#responseLeft = response;
    return this.#nextPart(delayMs);
  }

  #nextPart(delayMs: number): ChipOutcome {
    const part = this.#responseLeft.subarray(0, DATA_BYTES_MAX);
    this.#responseLeft = this.#responseLeft.subarray(part.length);
    const status = this.#responseLeft.length > 0 ? STATUS_OK | MORE : STATUS_OK;
    return answer([status, ...part], delayMs);
  }

  /** To whatever is selected; without selecting anything. */
  #communicateThru(parameters: Uint8Array): ChipOutcome {
    const card = this.field.selectedCard;
    if (card === undefined || card.ats !== null) return answer([STATUS_TIMEOUT]);
    const { data, delayMs } = this.field.exchange(parameters);
    return data === null
      ? answer([STATUS_TIMEOUT], delayMs)
      : answer([STATUS_OK, ...data], delayMs);
  }
}
