/** Which cards were accepted where a moment ago. In memory alone: a restart forgets it, and a tap is counted once more. */

/** More are not remembered; the oldest goes first. */
const HELD_COUNT_MAX = 10_000;

interface Accepted {
  readonly device: string;
  readonly monoMs: number;
}

export class HoldOff {
  /** By reader and card, oldest first. */
  readonly #accepted = new Map<string, Accepted>();

  static #nameOf(reader: string, card: string): string {
    return `${reader} ${card}`;
  }

  accept(reader: string, card: string, tap: Accepted): void {
    const name = HoldOff.#nameOf(reader, card);
    this.#accepted.delete(name);
    this.#accepted.set(name, tap);
    const [oldest] = this.#accepted.keys();
    if (this.#accepted.size > HELD_COUNT_MAX && oldest !== undefined) this.#accepted.delete(oldest);
  }

  /** It was not recorded: the next tap is one of its own. */
  forget(reader: string, card: string): void {
    this.#accepted.delete(HoldOff.#nameOf(reader, card));
  }

  /** How long ago the card was accepted there for that device; undefined if it wasn't. */
  agoMs(reader: string, card: string, now: Accepted): number | undefined {
    const last = this.#accepted.get(HoldOff.#nameOf(reader, card));
    return last?.device === now.device ? now.monoMs - last.monoMs : undefined;
  }
}
