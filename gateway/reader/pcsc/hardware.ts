/** A reader as a session sees it. */

/** What is needed of the hardware. Each may reject; none has a timeout of its own. */
export interface Hardware {
  readonly name: string;
  readonly connect: () => Promise<void>;
  /** Does nothing where nothing is connected. */
  readonly disconnect: () => Promise<void>;
  readonly transmit: (apdu: Uint8Array) => Promise<Uint8Array>;
  /** A round trip with the reader itself, card or no card. */
  readonly ask: () => Promise<void>;
}

/** A state that PC/SC told of, with the times at which it did. */
export interface Status {
  readonly state: number;
  readonly atr: Uint8Array;
  readonly wallMs: number;
  readonly monoMs: number;
}
