/** Tells phones, at a gateway that runs, what came of their taps, and what they are to carry. */
import { mustStay, signedState, stateToCarry } from "#gateway/carried/state-to-carry.ts";
import type { Gateway } from "#gateway/gateway.ts";
import { type PhoneCarrier, PhoneResults } from "#gateway/carried/phone-results.ts";

/**
 * Nothing where nothing is taken: what the phone holds may be newer than what is known here. Nor where that could not be
 * read, or must stay.
 */
const stateFor = async (
  gateway: Gateway,
  { reader, device, card, brought }: PhoneCarrier,
  byteCountMax: number,
): Promise<Uint8Array | null> => {
  const { stateOnTag = null } = gateway.config.readers.find(({ id }) => id === reader) ?? {};
  if (stateOnTag === null || brought?.length === 0) return null;
  const opened = brought === null ? undefined : gateway.carried.open(card, brought);
  const carrier = { device, card, keys: stateOnTag.keys };
  if (opened !== undefined && mustStay(gateway, carrier, opened)) return null;
  const stated = await stateToCarry(gateway, carrier);
  const state = stated(byteCountMax);
  return state.entries.length === 0 ? null : signedState(gateway, card, state);
};

/** Listens from now on, until the gateway ends. */
export const phoneResultsOf = (gateway: Gateway): PhoneResults => {
  const { counters, cardFlows } = gateway;
  const results = new PhoneResults({
    counters,
    cardFlows,
    state: (carrier, byteCountMax) => stateFor(gateway, carrier, byteCountMax),
  });
  gateway.watch((event) => {
    if (event._tag === "TapReported") results.onReport(event.report);
    if (event._tag === "TappedAgain") results.onAgain(event.again);
  });
  return results;
};
