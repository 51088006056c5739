/** A number over everything that happened, in its order: two runs with one number were the same run. */

/** Newest lines kept to be shown when a run fails. */
const LINES_KEPT = 4_000;

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");

export class Trace {
  #low = 0x811c9dc5;
  #high = 0x01000193;
  eventCount = 0;
  /** Kept only when somebody wants to read them. */
  lines: string[] | undefined;

  note(atMs: number, what: string): void {
    this.eventCount += 1;
    this.#mix(atMs);
    for (let i = 0; i < what.length; i += 1) this.#mix(what.charCodeAt(i));
    if (this.lines === undefined) return;
    this.lines.push(`${(atMs / 1_000).toFixed(3).padStart(10)} ${what}`);
    if (this.lines.length > 2 * LINES_KEPT) this.lines.splice(0, LINES_KEPT);
  }

  /** Length and ends of what was sent or stored: signatures and roots lie there. */
  bytes(bytes: Uint8Array): void {
    this.#mix(bytes.length);
    const ends = Math.min(32, bytes.length);
    for (let i = 0; i < ends; i += 1) {
      this.#mix(((bytes[i] ?? 0) << 8) | (bytes[bytes.length - 1 - i] ?? 0));
    }
  }

  get hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  #mix(word: number): void {
    this.#low = Math.imul(this.#low ^ word, 0x01000193);
    this.#high = Math.imul(this.#high ^ word ^ (this.#low >>> 7), 0x85ebca6b) + 1;
  }
}
