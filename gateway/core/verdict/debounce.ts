/**
 * Sightings become taps: one card held to one reader once. Pure: (state, event) → {state, isTap}.
 */

/** A card that is back so soon never left: the field flickered, or a hand shook. */
export const DEBOUNCE_MS = 500;

/** What one reader has seen. */
export interface ReaderPresence {
  /** The card of the newest tap in this boot, by its card id in hex. */
  readonly lastCard: string | null;
  readonly present: boolean;
  /** When the card was seen to leave; of no meaning while it is present. */
  readonly leftMonoMs: number;
}

export const nothingSeen = (lastCard: string | null): ReaderPresence => ({
  lastCard,
  present: false,
  leftMonoMs: Number.NEGATIVE_INFINITY,
});

export interface Arrival {
  readonly card: string;
  readonly atStart: boolean;
  readonly monoMs: number;
}

/**
 * A card arrived. It is a tap unless it is the card that is there already, that left less than `DEBOUNCE_MS`
 * ago, or that lay on the reader when the reader came up and made this boot's last tap there.
 */
export const onArrival = (
  state: ReaderPresence,
  arrival: Arrival,
): { readonly state: ReaderPresence; readonly isTap: boolean } => {
  const isSame = state.lastCard === arrival.card;
  const isBounce = arrival.monoMs - state.leftMonoMs < DEBOUNCE_MS;
  const isTap = !isSame || !(state.present || isBounce || arrival.atStart);
  return { state: { ...state, lastCard: arrival.card, present: true }, isTap };
};

export const onLeft = (state: ReaderPresence, monoMs: number): ReaderPresence =>
  state.present ? { ...state, present: false, leftMonoMs: monoMs } : state;
