/** What happened at a reader between two of its states. */

/** SCARD_STATE_* of pcsc-lite, as SCardGetStatusChange reports them. */
const STATE_UNKNOWN = 0x04;
const STATE_UNAVAILABLE = 0x08;
const STATE_PRESENT = 0x20;

export type CardChange =
  | "none"
  | "arrived"
  | "left"
  /** One card gone and another there: both happened since the state before. */
  | "swapped"
  /** pcscd can't reach the reader any more. */
  | "unavailable";

/**
 * Compares the state of a reader with the one before (undefined: there was none). The upper 16 bits
 * are pcscd's count of insertions and removals. When a child that was held up sees "card there"
 * twice, only the count tells that it was not the same card throughout.
 * Source: pcsc-lite, SCardGetStatusChange.
 */
export const cardChange = (before: number | undefined, after: number): CardChange => {
  if ((after & (STATE_UNAVAILABLE | STATE_UNKNOWN)) !== 0) return "unavailable";
  const was = before !== undefined && (before & STATE_PRESENT) !== 0;
  const is = (after & STATE_PRESENT) !== 0;
  if (was !== is) return is ? "arrived" : "left";
  if (!is || before === undefined) return "none";
  return before >>> 16 === after >>> 16 ? "none" : "swapped";
};
