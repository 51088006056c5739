/** What people and home-automation systems read on MQTT: JSON, one object a message. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { infoTopic, readerTapTopic, stateTopic } from "#core/message/topics.ts";
import { checkOutView, type CheckOutView } from "#core/verdict/check-out-view.ts";
import type { Roster } from "#core/trust/roster.ts";
import type { Alarm } from "#gateway/queries/alarms.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import type { Link } from "#gateway/link/mqtt-link.ts";
import type { Risk } from "#gateway/queries/risk.ts";
import type { TapReport } from "#gateway/tap-path.ts";

/** The state message; the session tells this connection's `offline` from an older one's that comes late. */
export const stateMessage = (state: "online" | "offline", session: string): string =>
  JSON.stringify({ state, session });

export const willOf = (
  config: GatewayConfig,
  session: string,
): { readonly topic: string; readonly payload: string } => ({
  topic: stateTopic(config.site, config.gateway),
  payload: stateMessage("offline", session),
});

/** Retained: how many own records are on this disk alone, and which peers hold how many. */
export const infoMessage = (roster: Roster, risk: Risk, alarms: ReadonlyArray<Alarm>): string =>
  JSON.stringify({
    fleet: roster.fleet,
    roster: roster.version,
    risk: {
      records: risk.records,
      oldest_s: risk.oldestMs === null ? null : Math.round(risk.oldestMs / 1_000),
    },
    mirrors: risk.peers,
    alarms,
  });

/** The info topic, published only when it says something new: it is retained. */
export class InfoTopic {
  readonly #link: Link;
  readonly #topic: string;
  readonly #message: () => Promise<string>;
  #said = "";

  constructor(link: Link, config: GatewayConfig, message: () => Promise<string>) {
    this.#link = link;
    this.#topic = infoTopic(config.site, config.gateway);
    this.#message = message;
  }

  /** Says it once more, even if nothing has changed. */
  forget(): void {
    this.#said = "";
  }

  async publish(): Promise<void> {
    if (!this.#link.isConnected()) return;
    const message = await this.#message();
    if (message === this.#said) return;
    this.#said = message;
    this.#link.publish(this.#topic, message, true);
  }
}

/** `within_s` at its beginning, since its end by time is no tap, and nothing tells of it. */
const checkOutMessage = (checkOut: CheckOutView): object => ({
  step: checkOut.step,
  person: checkOut.person,
  ...(checkOut.step === "begun" ? { within_s: checkOut.withinMs / 1_000 } : {}),
});

/** Published only for taps that are on disk. Without the UID: `card` is the fleet's own name for it. */
export const tapMessage = (report: TapReport): string => {
  const { sighting, verdict, recorded, card } = report;
  const checkOut = checkOutView(report.checkOut);
  const record = E.isRight(recorded)
    ? { epoch: toHex(recorded.right.epoch), seq: recorded.right.seq }
    : null;
  return JSON.stringify({
    verdict: verdict._tag.toLowerCase(),
    reason: verdict._tag === "Accepted" ? null : verdict.reason,
    device: verdict._tag === "Unknown" ? null : verdict.device,
    card,
    time: new Date(sighting.wallMs).toISOString(),
    at_start: sighting.atStart,
    simulated: sighting.simulated,
    record,
    // Only at readers with check-out, so that others' messages stay as they are.
    ...(checkOut === null ? {} : { check_out: checkOutMessage(checkOut) }),
  });
};

export const publishTap = (link: Link, config: GatewayConfig, report: TapReport): void => {
  if (E.isLeft(report.recorded)) return;
  const topic = readerTapTopic(config.site, config.gateway, report.sighting.reader);
  link.publish(topic, tapMessage(report));
};
