/** The way to one chip, whatever the wires: bytes out, bytes in. */
import type * as E from "fp-ts/lib/Either.js";

/** What can't be opened, in words for an operator, with what mends it. */
export interface LineUnavailable {
  readonly _tag: "LineUnavailable";
  readonly reason: string;
}

export interface LineListener {
  readonly onBytes: (bytes: Uint8Array) => void;
  /** Once, at most; nothing comes after it. */
  readonly onLost: (reason: string) => void;
}

export interface Line {
  /** Failures come as `onLost`. */
  readonly write: (bytes: Uint8Array) => void;
  /** Nothing is expected before the next `write`: a bus need not be asked meanwhile. */
  readonly rest: () => void;
  /** Nothing is heard after it was called. */
  readonly close: () => Promise<void>;
}

export interface LineSettings {
  readonly device: string;
  /** UART only. */
  readonly baud: number;
}

/** Never rejects. */
export type OpenLine = (
  settings: LineSettings,
  listener: LineListener,
) => Promise<E.Either<LineUnavailable, Line>>;
