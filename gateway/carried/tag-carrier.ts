/** After a tap: puts onto the tag what is known of its device, if it lies there long enough. The tap never waits for it. */
import * as E from "fp-ts/lib/Either.js";
import { fromHex } from "#core/bytes.ts";
import { type CarryOutcome, carryOnTag, type CarryWish } from "#core/carried/carry-on-tag.ts";
import {
  carriedByteCount,
  type CarriedEntry,
  type CarriedState,
  isSameCarried,
  isToLeave,
  signCarried,
} from "#core/carried/carried-state.ts";
import { fitting, toCarry } from "#core/carried/carry.ts";
import type { CardWriteError } from "#core/card/card-write-error.ts";
import type { BroughtEntry } from "#gateway/carried/carried-states.ts";
import type { Gateway } from "#gateway/gateway.ts";
import type { ReaderConfig, StateOnTag } from "#gateway/config/config.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { TapReport } from "#gateway/tap-path.ts";

/** What became of it. */
export type Carried = CarryOutcome | CardWriteError;

/** A stable name of it. */
export const carriedCode = (carried: Carried): string =>
  typeof carried === "string" ? carried : carried._tag;

/** What became of one tag. */
export interface CarriedEvent {
  readonly reader: string;
  readonly device: string;
  readonly outcome: Carried;
}

const LEFT_ALONE: CarryWish = { _tag: "Leave", outcome: "left-alone" };
const NO_ROOM: CarryWish = { _tag: "Leave", outcome: "no-room" };
const UNCHANGED: CarryWish = { _tag: "Leave", outcome: "unchanged" };

type Host = Pick<
  Gateway,
  "config" | "material" | "clock" | "store" | "memory" | "carried" | "cardFlows"
>;

/** A copy of a card, and what may not be here now, take nothing along; that a device is lost is news for everybody. */
const isToCarry = ({ recorded, verdict }: TapReport): boolean =>
  E.isRight(recorded) &&
  (verdict._tag === "Accepted" ||
    (verdict._tag === "Refused" && verdict.reason.startsWith("device-")));

const withoutSource = ({ key, type, value, write }: BroughtEntry): CarriedEntry => ({
  key,
  type,
  value,
  write,
});

export class TagCarrier {
  readonly #gateway: Host;
  readonly #onCarried: (event: CarriedEvent) => void;

  constructor(gateway: Host, onCarried: (event: CarriedEvent) => void) {
    this.#gateway = gateway;
    this.#onCarried = onCarried;
  }

  /** To be told of each tap, once its record is on disk. Ends when the tag is written, or gone. */
  async onTap({ id, stateOnTag }: ReaderConfig, report: TapReport): Promise<void> {
    const { verdict, sighting } = report;
    if (stateOnTag === null || verdict._tag === "Unknown" || !isToCarry(report)) return;
    if (sighting.technology !== "type2" && sighting.technology !== "type4") return;
    const carry = (): Promise<Carried> => this.#carry(id, stateOnTag, report);
    const carried = await this.#gateway.cardFlows.alone(id, carry);
    if (E.isLeft(carried)) return; // somebody else is writing it
    this.#onCarried({ reader: id, device: verdict.device, outcome: carried.right });
  }

  async #carry(reader: string, { keys }: StateOnTag, report: TapReport): Promise<Carried> {
    const { sighting, verdict } = report;
    const device = verdict._tag === "Unknown" ? "" : verdict.device;
    const card = fromHex(report.card) ?? new Uint8Array();
    const { clock, store, memory, carried, config, material, cardFlows } = this.#gateway;
    // Asked after the commit, so it is answered when the tap is folded.
    const known = await store.entries(device);
    const brought = carried.newsOf(device).map(withoutSource);
    const entries = toCarry(known, brought, { card, keys, trueTime: memory.trueTime });
    const stated = (some: CarriedState["entries"]): CarriedState => ({
      device,
      statedMs: clock.wallMs(),
      entries: some,
    });
    const make = (there: Uint8Array | null, byteCountMax: number): CarryWish => {
      const before = there === null ? undefined : carried.open(card, there);
      if (before !== undefined && E.isLeft(before) && isToLeave(before.left)) return LEFT_ALONE;
      const state = stated(
        fitting(entries, (some) => carriedByteCount(sha256, stated(some)) <= byteCountMax),
      );
      if (state.entries.length === 0) return NO_ROOM;
      const isThere =
        before !== undefined &&
        E.isRight(before) &&
        isSameCarried(sha256, state, before.right.state);
      if (isThere) return UNCHANGED;
      return {
        _tag: "Carry",
        payload: signCarried(sha256, material.gatewayKey, {
          state,
          to: { fleet: config.fleet, card },
        }),
      };
    };
    const outcome = await cardFlows.perform(reader, carryOnTag(sighting, make));
    return E.isLeft(outcome) ? outcome.left : outcome.right;
  }
}
