/** A PN532 at the far end of a real pty, with hands for cards, and with all the bad manners that a chip can have. */
import { concatBytes } from "#core/bytes.ts";
import {
  ACK_FRAME,
  EMPTY_STREAM,
  encodeFrame,
  NACK_FRAME,
  pushBytes,
} from "#core/reader/pn532/frame.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { FakeChip } from "#test/pn532/fake-chip.ts";
import type { Handling } from "#test/pn532/fake-field.ts";
import { TestPty } from "#test/pn532/pty.ts";

/** What it does wrong with the next command, once. */
export const MISBEHAVIOURS = [
  "ignore", // neither ACK nor answer
  "no-ack",
  "nack",
  "double-ack",
  "late-ack",
  "wrong-checksum",
  "wrong-length",
  "half-frame",
  "garbage",
  "wrong-code",
  "error-frame",
  "duplicate",
  "extra-bytes",
  "dribble",
] as const;
export type Misbehaviour = (typeof MISBEHAVIOURS)[number];

const ERROR_FRAME = Uint8Array.of(0x00, 0x00, 0xff, 0x01, 0xff, 0x7f, 0x81, 0x00);
const GARBAGE = Uint8Array.of(0x00, 0xff, 0x13, 0x37, 0x00, 0x00, 0x55, 0xaa, 0x00);
const WAKE_BYTE = 0x55;

const withByte = (bytes: Uint8Array, at: number, change: number): Uint8Array =>
  bytes.map((byte, index) => (index === at ? byte ^ change : byte));

/** What is sent instead of the answer, write by write. */
const SPOILT: Readonly<Record<Misbehaviour, (frame: Uint8Array) => ReadonlyArray<Uint8Array>>> = {
  ignore: () => [],
  nack: () => [],
  "no-ack": (frame) => [frame],
  "double-ack": (frame) => [frame],
  "late-ack": (frame) => [frame, ACK_FRAME],
  "wrong-checksum": (frame) => [withByte(frame, frame.length - 2, 0x01)],
  "wrong-length": (frame) => [withByte(frame, 3, 0x10)],
  "half-frame": (frame) => [frame.subarray(0, frame.length - 3)],
  garbage: (frame) => [GARBAGE, frame],
  "wrong-code": () => [encodeFrame(Uint8Array.of(0xd5, 0x8d, 0x00))],
  "error-frame": () => [ERROR_FRAME],
  duplicate: (frame) => [frame, frame],
  "extra-bytes": (frame) => [frame, Uint8Array.of(0x00, 0xde, 0xad)],
  dribble: (frame) => [...frame].map((byte) => Uint8Array.of(byte)),
};

/** What the chip is wired to. */
export interface Wire extends AsyncDisposable {
  readonly device: string;
  /** On a bus the first transaction wakes the chip, and is lost; on a UART it takes a byte that says so. */
  readonly isBus: boolean;
  readonly plug: () => Promise<void>;
  readonly unplug: () => Promise<void>;
  readonly write: (bytes: Uint8Array) => void;
}

/** How long what goes over the wire and through the chip takes, beside what the fake takes anyway. */
export interface Exchanged {
  readonly code: number;
  /** Of all frames there and back. */
  readonly byteCount: number;
}

export class FakePn532 implements AsyncDisposable {
  readonly chip: FakeChip = new FakeChip();
  /** ms that each answer comes later; a benchmark sets it. */
  slowness: (exchanged: Exchanged) => number = () => 0;
  readonly #wire: Wire;
  #stream = EMPTY_STREAM;
  #isAwake = false;
  #silentUntilMs = 0;
  #misbehaviour: Misbehaviour | undefined;
  #misbehaviourCode: number | undefined;
  #lastAnswer: Uint8Array | undefined;
  #timer: NodeJS.Timeout | undefined;
  #blockedList: Uint8Array | undefined;
  #misbehaved = 0;

  private constructor(wireTo: (onBytes: (bytes: Uint8Array) => void) => Wire) {
    this.#wire = wireTo((bytes) => this.#receive(bytes));
  }

  static async started(
    wireTo: (onBytes: (bytes: Uint8Array) => void) => Wire = (onBytes) => new TestPty(onBytes),
  ): Promise<FakePn532> {
    const fake = new FakePn532(wireTo);
    await fake.#wire.plug();
    return fake;
  }

  get device(): string {
    return this.#wire.device;
  }

  /** How many misbehaviours have been carried out. */
  get misbehaved(): number {
    return this.#misbehaved;
  }

  hold(card: EmulatedCard, handling: Handling = {}): void {
    this.chip.field.hold(card, handling);
    const blocked = this.#blockedList; // the chip was looking for a card without end
    if (blocked !== undefined && this.chip.field.isOn) this.#carryOut(blocked, undefined);
  }

  take(card?: EmulatedCard): void {
    this.chip.field.take(card);
  }

  /** Does so with the next command, or with the next one of that code. */
  misbehave(how: Misbehaviour, code?: number): void {
    this.#misbehaviour = how;
    this.#misbehaviourCode = code;
  }

  silence(durationMs: number): void {
    this.#silentUntilMs = performance.now() + durationMs;
  }

  /** Its power was away for a moment: it sleeps, and has forgotten how it was set up. */
  reset(): void {
    this.#abort();
    this.#isAwake = false;
    this.#stream = EMPTY_STREAM;
    this.#lastAnswer = undefined;
    this.chip.reset();
  }

  async unplug(): Promise<void> {
    this.reset();
    await this.#wire.unplug();
  }

  plug(): Promise<void> {
    return this.#wire.plug();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort();
    await this.#wire[Symbol.asyncDispose]();
  }

  #abort(): void {
    clearTimeout(this.#timer);
    this.#blockedList = undefined;
  }

  #receive(bytes: Uint8Array): void {
    if (performance.now() < this.#silentUntilMs) return;
    const wasAwake = this.#isAwake;
    this.#isAwake ||= this.#wire.isBus || bytes.includes(WAKE_BYTE);
    if (!this.#isAwake || (this.#wire.isBus && !wasAwake)) return;
    const { stream, frames } = pushBytes(this.#stream, bytes);
    this.#stream = stream;
    for (const frame of frames) {
      if (frame._tag === "Ack") this.#abort();
      if (frame._tag === "Nack" && this.#lastAnswer !== undefined)
        this.#wire.write(this.#lastAnswer);
      if (frame._tag === "Data" && frame.data[0] === 0xd4) this.#onCommand(frame.data.subarray(1));
    }
  }

  #onCommand(command: Uint8Array): void {
    this.#abort(); // a new command ends the one before
    const isMeant = this.#misbehaviourCode === undefined || this.#misbehaviourCode === command[0];
    const how = isMeant ? this.#misbehaviour : undefined;
    if (how !== undefined) {
      this.#misbehaved += 1;
      this.#misbehaviour = undefined;
    }
    if (how === "ignore") return;
    if (how === "nack") {
      this.#wire.write(NACK_FRAME);
      return;
    }
    if (how !== "no-ack" && how !== "late-ack") this.#wire.write(ACK_FRAME);
    if (how === "double-ack") this.#wire.write(ACK_FRAME);
    this.#carryOut(command, how);
  }

  #carryOut(command: Uint8Array, how: Misbehaviour | undefined): void {
    const outcome = this.chip.carryOut(command);
    this.#blockedList = outcome === "blocked" ? command : undefined;
    if (outcome === "blocked") return;
    if (outcome === "refused") {
      this.#wire.write(ERROR_FRAME);
      return;
    }
    const [code = 0] = command;
    const frame = encodeFrame(concatBytes(Uint8Array.of(0xd5, code + 1), outcome.data));
    const sent = encodeFrame(concatBytes(Uint8Array.of(0xd4), command));
    const byteCount = sent.length + ACK_FRAME.length + frame.length;
    this.#timer = setTimeout(
      () => {
        this.#lastAnswer = frame;
        const parts = how === undefined ? [frame] : SPOILT[how](frame);
        for (const part of parts) this.#wire.write(part);
      },
      outcome.delayMs + this.slowness({ code, byteCount }),
    );
  }
}
