/** The near end of one of vpcd's readers: holds emulated cards to it, and plays its firmware. */
import { readFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { toHex } from "#core/bytes.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { type CardInReader, inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";

/** May be changed while the card lies there. */
export interface Handling {
  /** Each answer comes so late. */
  delayMs?: number;
  /** The card is pulled away instead of answering the command after so many. */
  pullAfterApduCount?: number;
  /** What it answers to everything, whatever it is. */
  garbage?: () => Uint8Array;
}

/** vpcd's one-byte controls; all longer frames are APDUs. */
const CONTROL_POWER_ON = 1;
const CONTROL_GET_ATR = 4;
const LENGTH_BYTES = 2;

/** `FF 00 40` and `FF 00 52` are for the firmware of an ACR122U, which answers `90 xx` and shows them to no card. */
const FIRMWARE_SUCCESS = Uint8Array.of(0x90, 0x00);
const isForFirmware = (apdu: Uint8Array): boolean =>
  apdu[0] === 0xff && apdu[1] === 0x00 && (apdu[2] === 0x40 || apdu[2] === 0x52);

const frame = (payload: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(LENGTH_BYTES + payload.length);
  new DataView(bytes.buffer).setUint16(0, payload.length);
  bytes.set(payload, LENGTH_BYTES);
  return bytes;
};

const LISTENING = "0A";
/** Some of the test pcscd's polls. Without, vpcd takes the next card for the same one. */
const REMOVED_MS = 30;

export class VirtualReader {
  readonly port: number;
  /** What the firmware was told, as hex. */
  readonly firmwareCommands: string[] = [];
  /** What it answers; undefined: success. */
  firmwareAnswer: Uint8Array | undefined;
  #socket: Socket | undefined;
  #onPowered: (() => void) | undefined;

  /** By its name, as clients of PC/SC tell it. */
  readonly #isAcr122u: boolean;

  constructor(port: number, name: string) {
    this.port = port;
    this.#isAcr122u = /acr122/i.test(name);
  }

  /** Whether pcscd has the reader. Read from the kernel: to connect would be to insert a card. */
  isPluggedIn(): boolean {
    const local = `0100007F:${this.port.toString(16).toUpperCase().padStart(4, "0")}`;
    const sockets = readFileSync("/proc/net/tcp", "utf8").split("\n");
    return sockets.some((line) => {
      const [, address, , state] = line.trim().split(/\s+/);
      return address === local && state === LISTENING;
    });
  }

  /** Holds the card to the reader. */
  async insert(card: EmulatedCard, handling: Handling = {}): Promise<void> {
    this.unplug();
    const socket = createConnection(this.port, "127.0.0.1");
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    socket.setNoDelay(true);
    socket.on("error", () => undefined); // pcscd was killed: the card feels nothing
    this.#answer(socket, inPcscReader(card, this.#isAcr122u), handling);
  }

  /** Holds the card to the reader, and waits until pcscd has powered it up. */
  async insertAndWait(card: EmulatedCard): Promise<void> {
    await this.insert(card);
    await new Promise<void>((resolve) => {
      this.#onPowered = resolve;
    });
  }

  /** Takes the card away, for long enough that pcscd sees the reader empty. */
  async remove(): Promise<void> {
    this.unplug();
    await sleep(REMOVED_MS);
  }

  /** Cuts the wire to the card, as the end of the test does. */
  unplug(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #answer(socket: Socket, card: CardInReader, handling: Handling): void {
    let pending = Buffer.alloc(0);
    let apduCount = 0;
    const onApdu = (apdu: Uint8Array): void => {
      if (isForFirmware(apdu)) {
        this.firmwareCommands.push(toHex(apdu));
        socket.write(frame(this.firmwareAnswer ?? FIRMWARE_SUCCESS));
        return;
      }
      if (apduCount === handling.pullAfterApduCount) {
        socket.destroy();
        return;
      }
      apduCount += 1;
      const answer = frame(handling.garbage?.() ?? card.transmit(apdu));
      if (handling.delayMs === undefined) socket.write(answer);
      else setTimeout(() => socket.write(answer), handling.delayMs);
    };
    socket.on("data", (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      while (pending.length >= LENGTH_BYTES) {
        const end = LENGTH_BYTES + pending.readUInt16BE(0);
        if (pending.length < end) return;
        const payload = Uint8Array.from(pending.subarray(LENGTH_BYTES, end));
        pending = pending.subarray(end);
        if (payload.length > 1) onApdu(payload);
        else if (payload[0] === CONTROL_GET_ATR) socket.write(frame(card.atr));
        else if (payload[0] === CONTROL_POWER_ON) this.#onPowered?.();
      }
    });
  }
}
