/** What a reader saw once. */
import type { PhoneRead } from "#core/card/phone.ts";
import type { Uid } from "#core/card/uid.ts";

export type Technology = "type2" | "type4" | "mifare-classic" | "other";

export interface Sighting {
  /** The reader's id in the gateway's configuration. */
  readonly reader: string;
  readonly technology: Technology;
  readonly uid: Uid;
  /** The whole NDEF message, or null where none was asked for or the card carries none. */
  readonly ndef: Uint8Array | null;
  /** The card's own count of its taps; null where none was asked for, there is none or the reader can't get it. */
  readonly counter: number | null;
  /** The maker's originality signature, 32 bytes, not verified; null as with the counter. */
  readonly signature: Uint8Array | null;
  /** What a phone's app said of itself, not verified; null for cards, and for phones without the app. */
  readonly phone: PhoneRead | null;
  /** The card lay on the reader already when the reader came up. */
  readonly atStart: boolean;
  /** Made by a simulated reader. */
  readonly simulated: boolean;
  /** Unix time, ms, by this gateway's own clock. */
  readonly wallMs: number;
  /** CLOCK_MONOTONIC, whole ms since boot. */
  readonly monoMs: number;
}
