/** What happens in the gateway, as `tapmesh watch` and the console are told. */
import { describeCardWriteError } from "#core/card/card-write-error.ts";
import { describeCardReadError } from "#core/card/read-card.ts";
import type { AcceptedRange } from "#core/log/range.ts";
import { describeAlarm } from "#gateway/queries/alarms.ts";
import type { WatchEvent } from "#gateway/control/protocol.ts";
import { tapAgainView, tapView } from "#gateway/control/tap-verb.ts";
import type { ReaderEvent } from "#gateway/ports.ts";
import { recordView } from "#gateway/queries/records.ts";
import type { Gateway, GatewayEvent } from "#gateway/gateway.ts";

const peerEvent = (author: string, accepted: AcceptedRange, isLive: boolean): WatchEvent => ({
  event: "peer",
  replay: !isLive,
  records: accepted.records.map((record, index) =>
    recordView(record, {
      gateway: author,
      epoch: accepted.head.epoch,
      seq: accepted.from + index,
    }),
  ),
});

const readerEvent = (event: ReaderEvent): WatchEvent | undefined => {
  switch (event._tag) {
    case "CardUnread": {
      const message = describeCardReadError(event.error);
      return { event: "unread", reader: event.reader, message };
    }
    case "ReaderUp":
      return { event: "reader", reader: event.reader, up: true, detail: event.hardware };
    case "ReaderDown":
      return { event: "reader", reader: event.reader, up: false, detail: event.reason };
    case "CardsTogether":
      return { event: "refused", reader: event.reader, reason: "one-card-only" };
    case "CardReading":
    case "CardArrived":
    case "CardLeft":
      return undefined;
  }
};

const CARRIED_WORDS: ReadonlyMap<string, string> = new Map([
  ["written", "carries what is known of it: it may be taken away"],
  ["unchanged", "carries what is known of it already: it may be taken away"],
  ["elsewhere", "was taken away before what is known of it was put on it: hold it there again"],
  ["no-room", "has no room for what is known of it; an NTAG215 or NTAG216 has"],
  ["not-writable", "can't be written: locked, or never made ready for a message"],
  ["not-its-card", "has another card by now: nothing is put on this one"],
  ["busy", 'nothing was put on it, as "tapmesh tag" is at work there: hold it there again'],
  [
    "left-alone",
    'carries what is not to be written over: of a gateway or version not known here, or of another device; "tapmesh tag erase" takes that off, with all else that is on the tag',
  ],
]);

type CarriedEvent = Extract<GatewayEvent, { readonly _tag: "StateCarried" }>;

const carriedWords = ({ outcome }: CarriedEvent): string => {
  if (typeof outcome === "string") return CARRIED_WORDS.get(outcome) ?? outcome;
  const isPulled = outcome._tag === "NotWritten" || outcome._tag === "NotRead";
  return isPulled
    ? "was taken away too early, or could not be read: it holds what it held before, or this; hold it there again"
    : describeCardWriteError(outcome);
};

const carriedEvent = (event: CarriedEvent): WatchEvent => {
  const { reader, device, outcome } = event;
  const code = typeof outcome === "string" ? outcome : "not-written";
  return { event: "carried", reader, device, outcome: code, message: carriedWords(event) };
};

/** Undefined for what nobody is told of. */
export const watchEvent = async (
  gateway: Gateway,
  event: GatewayEvent,
): Promise<WatchEvent | undefined> => {
  switch (event._tag) {
    case "TapReported":
      return { event: "tap", tap: await tapView(gateway, event.report) };
    case "TappedAgain":
      return { event: "tap", tap: await tapAgainView(gateway, event.again) };
    case "SessionOver":
      return { event: "session-over", ...event.over };
    case "PeerRecords":
      return peerEvent(event.author, event.accepted, event.isLive);
    case "ReaderChanged":
      return readerEvent(event.event);
    case "Acknowledged":
      return { event: "risk", risk: await gateway.risk() };
    case "AlarmRaised": {
      const { code, author } = event.alarm;
      return { event: "alarm", code, gateway: author, message: describeAlarm(event.alarm) };
    }
    case "StateCarried":
      return carriedEvent(event);
    case "EpochsHeard":
      return undefined;
  }
};
