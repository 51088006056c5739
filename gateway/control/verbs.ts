/** What a running gateway does for the CLI. Each verb answers with JSON, or with a refusal in words. */
import * as E from "fp-ts/lib/Either.js";
import { describeCardReadError } from "#core/card/read-card.ts";
import type { AcceptedRange } from "#core/log/range.ts";
import { enrolDevice, importDevices, setValue } from "#gateway/control/change-verbs.ts";
import type {
  ControlError,
  ControlRequest,
  ControlResults,
  WatchEvent,
} from "#gateway/control/protocol.ts";
import { refusal } from "#gateway/control/refusal.ts";
import { statusView } from "#gateway/control/status.ts";
import { SimulatedTaps, tapView } from "#gateway/control/tap-verb.ts";
import { deviceRows, deviceView, newestRecords, recordView } from "#gateway/queries.ts";
import type { Gateway, GatewayEvent } from "#gateway/run.ts";

type Answer = E.Either<ControlError, ControlResults[keyof ControlResults]>;

export interface ControlVerbs {
  readonly run: (request: Exclude<ControlRequest, { readonly verb: "watch" }>) => Promise<Answer>;
  /** Sends each event until the returned function is called. */
  readonly watch: (send: (event: WatchEvent) => void) => () => void;
}

const showDevice = async (gateway: Gateway, device: string): Promise<Answer> => {
  const view = await deviceView(gateway.store, device);
  return view === null
    ? refusal("device-unknown", `no device is called "${device}"; "tapmesh device list" shows them`)
    : E.right(view);
};

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

const watchEvent = async (
  gateway: Gateway,
  event: GatewayEvent,
): Promise<WatchEvent | undefined> => {
  if (event._tag === "TapReported")
    return { event: "tap", tap: await tapView(gateway, event.report) };
  if (event._tag === "PeerRecords") return peerEvent(event.author, event.accepted, event.isLive);
  const { event: reader } = event;
  if (reader._tag === "CardUnread") {
    const message = describeCardReadError(reader.error);
    return { event: "unread", reader: reader.reader, message };
  }
  if (reader._tag === "ReaderUp") {
    return { event: "reader", reader: reader.reader, up: true, detail: reader.hardware };
  }
  return reader._tag === "ReaderDown"
    ? { event: "reader", reader: reader.reader, up: false, detail: reader.reason }
    : undefined;
};

export const createVerbs = (gateway: Gateway): ControlVerbs => {
  const taps = new SimulatedTaps(gateway);
  return {
    run: async (request): Promise<Answer> => {
      switch (request.verb) {
        case "status":
          return E.right(await statusView(gateway));
        case "tap":
          return taps.tap(request);
        case "enrol":
          return enrolDevice(gateway, request);
        case "set":
          return setValue(gateway, request);
        case "import":
          return importDevices(gateway, request);
        case "devices":
          return E.right(await deviceRows(gateway.store, request.after));
        case "device":
          return showDevice(gateway, request.device);
        case "records":
          return E.right(await newestRecords(gateway.store, request));
      }
    },
    watch: (send) =>
      gateway.watch((event) => {
        void watchEvent(gateway, event).then((message) => message && send(message));
      }),
  };
};
