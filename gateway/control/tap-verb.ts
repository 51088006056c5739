/** `tapmesh tap`: holds an emulated card to a simulated reader and reports what became of it. */
import { setTimeout as delay } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { fromHex, toHex } from "#core/bytes.ts";
import type { Sighting } from "#core/card/sighting.ts";
import { shortUid } from "#core/card/uid.ts";
import { DEBOUNCE_MS } from "#core/verdict/debounce.ts";
import { checkOutView } from "#core/verdict/check-out-view.ts";
import { contentOf } from "#gateway/control/message-content.ts";
import type { ControlError, RequestOf, TapView } from "#gateway/control/protocol.ts";
import {
  describeAppendError,
  describeEmulatedCardError,
  describeSimulatedTapError,
  refusal,
} from "#gateway/control/refusal.ts";
import { broughtViews } from "#gateway/queries/brought.ts";
import { deviceValues } from "#gateway/queries/devices.ts";
import {
  emulatedCard,
  type EmulatedCardError,
  PHONE_APP_NAME,
} from "#gateway/reader/emulated/catalogue.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import type { Gateway, GatewayEvent } from "#gateway/gateway.ts";
import type { TapAgain, TapReport } from "#gateway/tap-path.ts";

const HOLD_MS = 20;
/** As long as a person holds it: what is known of it must find its way onto the tag, or into the phone. */
const HOLD_TO_CARRY_MS = 300;
/** Some kilobytes each; beyond, all are as new again. */
const EMULATED_CARDS_MAX = 1_000;
const REPORT_TIMEOUT_MS = 10_000;

/** As `device show` names a card: a phone's UID would be another one each time. */
const shortCard = (card: string): string => `…${card.slice(-4)}`;

/** What a tap and a tap again have in common. */
const sightingView = async (
  gateway: Gateway,
  tap: Pick<TapReport, "sighting" | "card" | "phone" | "verdict" | "verdictMs">,
): Promise<
  Omit<
    TapView,
    "verdict" | "reason" | "diskMs" | "record" | "notRecorded" | "unlogged" | "brought" | "checkOut"
  >
> => {
  const { sighting, phone, verdict, verdictMs } = tap;
  const isNamedByKey = phone === "proven" || phone === "unproven";
  const device = verdict._tag === "Unknown" ? null : verdict.device;
  const entries = device === null ? [] : await gateway.store.entries(device);
  const { card: _card, ...values } = deviceValues(entries, gateway.memory.trueTime);
  return {
    device,
    card: isNamedByKey ? shortCard(tap.card) : shortUid(sighting.uid),
    phone: phone !== null,
    reader: sighting.reader,
    simulated: sighting.simulated,
    atStart: sighting.atStart,
    wallMs: sighting.wallMs,
    verdictMs,
    content: contentOf(sighting.ndef),
    values,
  };
};

const VERDICTS = { Accepted: "accepted", Unknown: "unknown", Refused: "refused" } as const;

/** A report as JSON, with the device's values as they are after the tap. */
export const tapView = async (gateway: Gateway, report: TapReport): Promise<TapView> => {
  const { verdict, recorded, diskMs, unlogged, brought, checkOut } = report;
  const place = E.isRight(recorded) ? recorded.right : undefined;
  return {
    ...(await sightingView(gateway, report)),
    verdict: VERDICTS[verdict._tag],
    reason: verdict._tag === "Accepted" ? null : verdict.reason,
    diskMs,
    record: place === undefined ? null : { epoch: toHex(place.epoch), seq: place.seq },
    notRecorded: E.isLeft(recorded) ? describeAppendError(recorded.left) : null,
    unlogged,
    brought: broughtViews(brought),
    checkOut: checkOutView(checkOut),
  };
};

/** A tap that is none of its own, as JSON. */
export const tapAgainView = async (gateway: Gateway, again: TapAgain): Promise<TapView> => ({
  ...(await sightingView(gateway, again)),
  verdict: "already",
  reason: "again",
  diskMs: again.verdictMs,
  record: null,
  notRecorded: null,
  unlogged: 0,
  brought: [],
  checkOut: null,
});

/** Waits for what is said of exactly this sighting. */
const viewOf = (
  gateway: Gateway,
  begin: () => E.Either<ControlError, Sighting>,
): Promise<E.Either<ControlError, TapView>> =>
  new Promise((resolve) => {
    let sighting: Sighting | undefined;
    const end = (result: E.Either<ControlError, TapView>): void => {
      clearTimeout(timer);
      stop();
      resolve(result);
    };
    const take = async (event: GatewayEvent): Promise<void> => {
      await Promise.resolve(); // what is said while the card is being held comes before its sighting is known here
      if (event._tag === "TapReported" && event.report.sighting === sighting) {
        end(E.right(await tapView(gateway, event.report)));
      }
      if (event._tag === "TappedAgain" && event.again.sighting === sighting) {
        end(E.right(await tapAgainView(gateway, event.again)));
      }
    };
    const stop = gateway.watch((event) => void take(event));
    const timer = setTimeout(
      () =>
        end(refusal("tap-unanswered", "the tap was not recorded within 10 s: the disk is stalled")),
      REPORT_TIMEOUT_MS,
    );
    const begun = begin();
    if (E.isLeft(begun)) end(begun);
    else sighting = begun.right;
  });

/** By its UID, or, as a phone's is another each time, by being itself. */
const isSameCard = (a: EmulatedCard, b: EmulatedCard): boolean =>
  a === b || toHex(a.uid) === toHex(b.uid);

export class SimulatedTaps {
  readonly #gateway: Gateway;
  /** By name and UID: what was written on a card, and what it counted, is there at its next tap. */
  readonly #cards = new Map<string, EmulatedCard>();
  /** Reader → its last card, and when it left, ms monotonic: on a busy machine later than it was to. */
  readonly #last = new Map<
    string,
    { readonly card: EmulatedCard; readonly leftMs: Promise<number> }
  >();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  async tap(request: RequestOf<"tap">): Promise<E.Either<ControlError, TapView>> {
    const uid = request.uid === null ? undefined : fromHex(request.uid);
    if (request.uid !== null && uid === undefined) {
      return refusal("uid-not-hex", `"${request.uid}" is not hexadecimal`);
    }
    const card = this.#cardOf(request.card, uid);
    if (E.isLeft(card)) return refusal("card-unknown", describeEmulatedCardError(card.left));
    const first = this.#gateway.config.readers.find(({ driver }) => driver === "simulated");
    const reader = request.reader ?? first?.id ?? "";
    await this.#untilFree(reader, card.right);
    // Somebody else's card may have come meanwhile.
    while (this.#gateway.readers.simulated.isInField(reader)) {
      await delay(1);
      await this.#untilFree(reader, card.right);
    }
    const held = { card: card.right, isPhone: request.card === PHONE_APP_NAME };
    return viewOf(this.#gateway, () => this.#hold(reader, held));
  }

  #cardOf(name: string, uid: Uint8Array | undefined): E.Either<EmulatedCardError, EmulatedCard> {
    const key = `${name} ${uid === undefined ? "" : toHex(uid)}`;
    const known = this.#cards.get(key);
    if (known !== undefined) return E.right(known);
    const card = emulatedCard(name, uid === undefined ? {} : { uid });
    if (E.isLeft(card)) return card;
    if (this.#cards.size >= EMULATED_CARDS_MAX) this.#cards.clear();
    this.#cards.set(key, card.right);
    return card;
  }

  /** A second tap of the same card would be a bounce, so it waits until it is one of its own. */
  async #untilFree(reader: string, card: EmulatedCard): Promise<void> {
    const last = this.#last.get(reader);
    if (last === undefined) return;
    const freeMs = (await last.leftMs) + (isSameCard(last.card, card) ? DEBOUNCE_MS : 0);
    const waitMs = freeMs - this.#gateway.clock.monoMs();
    if (waitMs > 0) await delay(waitMs);
  }

  #hold(
    reader: string,
    { card, isPhone }: { readonly card: EmulatedCard; readonly isPhone: boolean },
  ): E.Either<ControlError, Sighting> {
    const config = this.#gateway.config.readers.find(({ id }) => id === reader);
    const carries = isPhone || (config?.stateOnTag ?? null) !== null;
    const holdMs = carries ? HOLD_TO_CARRY_MS : HOLD_MS;
    const held = this.#gateway.readers.simulated.tap(reader, card, holdMs);
    if (E.isLeft(held)) return refusal("tap-refused", describeSimulatedTapError(held.left));
    this.#last.set(reader, { card, leftMs: this.#untilLeft(reader) });
    return held;
  }

  async #untilLeft(reader: string): Promise<number> {
    while (this.#gateway.readers.simulated.isInField(reader)) await delay(1);
    return this.#gateway.clock.monoMs();
  }
}
