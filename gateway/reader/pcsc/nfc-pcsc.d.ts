/** What the PC/SC child uses of nfc-pcsc 0.8.1, which has no types of its own. */
declare module "nfc-pcsc" {
  import type { EventEmitter } from "node:events";

  /** `state`: SCARD_STATE_* flags, and above them pcscd's count of insertions and removals. */
  export interface ReaderStatus {
    readonly state: number;
    readonly atr?: Buffer;
  }

  /** The reader of @pokusew/pcsclite that nfc-pcsc wraps. */
  export interface RawReader extends EventEmitter<{ status: [ReaderStatus] }> {
    connected: boolean;
  }

  export class Reader extends EventEmitter<{ error: [Error]; end: [] }> {
    readonly name: string;
    readonly reader: RawReader;
    /** transmit() refuses to work while this is null. */
    card: object | null;
    connection: { readonly protocol: number | undefined } | null;
    autoProcessing: boolean;
    connect(mode?: "CONNECT_MODE_CARD" | "CONNECT_MODE_DIRECT"): Promise<unknown>;
    /** An escape to the reader itself, on a connection of either mode. */
    control(data: Buffer, responseBytesMax: number): Promise<Buffer>;
    /** Throws at once, rather than rejecting, without a connection. */
    disconnect(): Promise<unknown>;
    /** Throws at once, rather than rejecting, without a connection. */
    transmit(data: Buffer, responseBytesMax: number): Promise<Buffer>;
  }

  export class NFC extends EventEmitter<{ reader: [Reader]; error: [Error] }> {
    constructor();
  }
}
