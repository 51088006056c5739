/** What a tag or a phone is given to carry of its device. */
import * as E from "fp-ts/lib/Either.js";
import {
  carriedByteCount,
  type CarriedEntry,
  type CarriedError,
  type CarriedState,
  isToLeave,
  type OpenedState,
  signCarried,
  signerOf,
  throughOneMore,
} from "#core/carried/carried-state.ts";
import { fitting, toCarry } from "#core/carried/carry.ts";
import type { Verdict } from "#core/verdict/decide.ts";
import type { BroughtEntry } from "#gateway/carried/carried-states.ts";
import type { Gateway } from "#gateway/gateway.ts";
import { sha256 } from "#gateway/node-crypto.ts";

type Host = Pick<Gateway, "config" | "material" | "clock" | "store" | "memory" | "carried">;

/**
 * The device whose state goes with this verdict. A copy of a card, and what may not be here now, take nothing along; that a
 * device is lost is news for everybody.
 */
export const carrierOf = (verdict: Verdict): string | null => {
  if (verdict._tag === "Accepted") return verdict.device;
  const isUnsafe = verdict._tag === "Refused" && verdict.reason.startsWith("device-");
  return isUnsafe ? verdict.device : null;
};

/** Whoever stated it before must be believed for as long as it is stated. */
const restated = ({ key, type, value, write, through, by }: BroughtEntry): CarriedEntry[] => {
  const longer = throughOneMore(through, signerOf(sha256, by.key));
  return longer === undefined ? [] : [{ key, type, value, write, through: longer }];
};

export interface Carrier {
  readonly device: string;
  readonly card: Uint8Array;
  /** What is carried beside whose card it is and how safe; null: as much as there is room for. */
  readonly keys: ReadonlySet<string> | null;
}

/** What is known of it now, as much of it as so many bytes hold; no entries: nothing that anybody could use. */
export const stateToCarry = async (
  { clock, store, memory, carried }: Host,
  { device, card, keys }: Carrier,
): Promise<(byteCountMax: number) => CarriedState> => {
  // Asked after the commit, so it is answered when the tap is folded.
  const known = await store.entries(device);
  const brought = carried.newsOf(device).flatMap(restated);
  const all = toCarry(known, brought, { card, keys, trueTime: memory.trueTime });
  const stated = (entries: CarriedState["entries"]): CarriedState => ({
    device,
    statedMs: clock.wallMs(),
    entries,
  });
  return (byteCountMax) =>
    stated(fitting(all, (some) => carriedByteCount(sha256, stated(some)) <= byteCountMax));
};

/**
 * Whether what a tag or phone carries must stay: it may be from somebody who knows more, or it says, and no record here
 * does yet, that the card belongs to another device by now.
 */
export const mustStay = (
  { carried }: Pick<Host, "carried">,
  { device, card }: Pick<Carrier, "device" | "card">,
  there: E.Either<CarriedError, OpenedState>,
): boolean => {
  if (E.isLeft(there)) return isToLeave(there.left);
  const { state } = there.right;
  return state.device !== device && carried.saysOwner(card, state.device);
};

/** As it stands on the tag, or in the phone. */
export const signedState = (
  { config, material }: Host,
  card: Uint8Array,
  state: CarriedState,
): Uint8Array => {
  const to = { fleet: config.fleet, card };
  return signCarried(sha256, material.gatewayKey, { state, to });
};
