/** After a tap: puts onto the tag what is known of its device, if it lies there long enough. The tap never waits for it. */
import * as E from "fp-ts/lib/Either.js";
import { fromHex } from "#core/bytes.ts";
import { type CarryOutcome, carryOnTag, type CarryWish } from "#core/carried/carry-on-tag.ts";
import { isSameCarried } from "#core/carried/carried-state.ts";
import type { CardWriteError } from "#core/card/card-write-error.ts";
import type { Sighting } from "#core/card/sighting.ts";
import {
  type Carrier,
  carrierOf,
  mustStay,
  signedState,
  stateToCarry,
} from "#gateway/carried/state-to-carry.ts";
import type { Gateway } from "#gateway/gateway.ts";
import type { ReaderConfig } from "#gateway/config/config.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { TapReport } from "#gateway/tap-path.ts";

/** What became of it. `busy`: somebody works at that reader's card with "tapmesh tag". */
export type Carried = CarryOutcome | "busy" | CardWriteError;

/** A stable name of it. */
const carriedCode = (carried: Carried): string =>
  typeof carried === "string" ? carried : carried._tag;

/** What became of one tag. */
export interface CarriedEvent {
  readonly reader: string;
  readonly device: string;
  readonly outcome: Carried;
}

const LEFT_ALONE: CarryWish = { _tag: "Leave", outcome: "left-alone" };
const NO_ROOM: CarryWish = { _tag: "Leave", outcome: "no-room" };
const NOT_ITS_CARD: CarryWish = { _tag: "Leave", outcome: "not-its-card" };
const UNCHANGED: CarryWish = { _tag: "Leave", outcome: "unchanged" };

type Host = Pick<
  Gateway,
  "config" | "material" | "clock" | "store" | "memory" | "carried" | "cardFlows"
>;

class TagCarrier {
  readonly #gateway: Host;
  readonly #onCarried: (event: CarriedEvent) => void;

  constructor(gateway: Host, onCarried: (event: CarriedEvent) => void) {
    this.#gateway = gateway;
    this.#onCarried = onCarried;
  }

  /** To be told of each tap, once its record is on disk. Ends when the tag is written, or gone. */
  async onTap({ id, stateOnTag }: ReaderConfig, report: TapReport): Promise<void> {
    const { verdict, sighting, recorded } = report;
    const device = carrierOf(verdict);
    if (stateOnTag === null || device === null || E.isLeft(recorded)) return;
    if (sighting.technology !== "type2" && sighting.technology !== "type4") return;
    if (sighting.phone !== null) return; // told in its own way: `phone-results.ts`
    const { keys } = stateOnTag;
    const carrier = { device, keys, card: fromHex(report.card) ?? new Uint8Array() };
    const carry = (): Promise<Carried> => this.#carry(carrier, sighting);
    const carried = await this.#gateway.cardFlows.aloneNow(id, carry);
    this.#onCarried({ reader: id, device, outcome: E.isRight(carried) ? carried.right : "busy" });
  }

  async #carry(carrier: Carrier, sighting: Sighting): Promise<Carried> {
    const { card } = carrier;
    const { carried, cardFlows } = this.#gateway;
    const stated = await stateToCarry(this.#gateway, carrier);
    const make = (there: Uint8Array | null, byteCountMax: number): CarryWish => {
      const before = there === null ? undefined : carried.open(card, there);
      if (before !== undefined && mustStay(this.#gateway, carrier, before)) return LEFT_ALONE;
      const state = stated(byteCountMax);
      if (state.entries.length === 0)
        return stated(Infinity).entries.length === 0 ? NOT_ITS_CARD : NO_ROOM;
      const isThere =
        before !== undefined &&
        E.isRight(before) &&
        isSameCarried(sha256, state, before.right.state);
      if (isThere) return UNCHANGED;
      return { _tag: "Carry", payload: signedState(this.#gateway, card, state) };
    };
    const outcome = await cardFlows.perform(sighting.reader, carryOnTag(sighting, make));
    return E.isLeft(outcome) ? outcome.left : outcome.right;
  }
}

/** Lets tags take along what is known of their devices, from now on until the gateway ends. */
export const carryOnTags = (gateway: Gateway, onCarried: (event: CarriedEvent) => void): void => {
  const carrier = new TagCarrier(gateway, (event) => {
    gateway.counters.count(`tag.state.${carriedCode(event.outcome)}`);
    onCarried(event);
  });
  gateway.watch((event) => {
    if (event._tag !== "TapReported") return;
    const { report } = event;
    const reader = gateway.config.readers.find(({ id }) => id === report.sighting.reader);
    if (reader !== undefined) void carrier.onTap(reader, report);
  });
};
