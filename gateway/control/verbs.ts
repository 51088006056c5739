/** What a running gateway does for the CLI. Each verb answers with JSON, or with a refusal in words. */
import * as E from "fp-ts/lib/Either.js";
import { enrolDevice, importDevices } from "#gateway/control/enrol-verbs.ts";
import type {
  ControlError,
  ControlRequest,
  ControlResults,
  RequestOf,
  WatchEvent,
} from "#gateway/control/protocol.ts";
import { queryRefusal } from "#gateway/control/refusal.ts";
import { revertDevices, type Tell } from "#gateway/control/revert-verb.ts";
import { statusView } from "#gateway/control/status.ts";
import { authorHeads } from "#gateway/control/author-heads.ts";
import { isTagRequest, TagsAtReaders } from "#gateway/control/tag-verbs.ts";
import { SimulatedTaps } from "#gateway/control/tap-verb.ts";
import { setMember, setValue } from "#gateway/control/value-verbs.ts";
import { voidRecord } from "#gateway/control/void-verb.ts";
import { watchEvent } from "#gateway/control/watch-events.ts";
import { broughtViews } from "#gateway/queries/brought.ts";
import { deviceRows, deviceView, withStatus } from "#gateway/queries/devices.ts";
import { newestRecords } from "#gateway/queries/records.ts";
import type { Gateway } from "#gateway/gateway.ts";
import { safetyOfRecord } from "#gateway/queries/risk.ts";

type Answer = E.Either<ControlError, ControlResults[keyof ControlResults]>;

export interface ControlVerbs {
  /** `tell` takes what there is to say before the answer; the verb waits for it. */
  readonly run: (
    request: Exclude<ControlRequest, { readonly verb: "watch" }>,
    tell: Tell,
  ) => Promise<Answer>;
  /** Sends each event until the returned function is called. */
  readonly watch: (send: (event: WatchEvent) => void) => () => void;
}

const showDevice = async (gateway: Gateway, request: RequestOf<"device">): Promise<Answer> => {
  const { device, at } = request;
  const view = await deviceView(gateway.store, device, at);
  const brought = at === null ? broughtViews(gateway.carried.newsOf(device)) : [];
  if (E.isLeft(view)) {
    const isBrought = view.left._tag === "DeviceUnknown" && brought.length > 0;
    return isBrought ? E.right({ device, values: [], brought }) : queryRefusal(view.left);
  }
  const { state } = gateway.sync;
  // Of others' records this gateway knows of two disks: the author's, and its own.
  return E.right(
    withStatus({ ...view.right, brought }, ({ gateway: author, epoch, seq }) =>
      author === gateway.config.gateway ? safetyOfRecord(state, epoch, seq) : "mirrored(1)",
    ),
  );
};

export const createVerbs = (gateway: Gateway): ControlVerbs => {
  const taps = new SimulatedTaps(gateway);
  const tags = new TagsAtReaders(gateway);
  return {
    run: async (request, tell): Promise<Answer> => {
      if (isTagRequest(request)) return tags.run(request);
      switch (request.verb) {
        case "status":
          return E.right(await statusView(gateway));
        case "tap":
          return taps.tap(request);
        case "enrol":
          return enrolDevice(gateway, request);
        case "set":
          return setValue(gateway, request);
        case "member":
          return setMember(gateway, request);
        case "revert":
          return revertDevices(gateway, request, tell);
        case "void":
          return voidRecord(gateway, request);
        case "import":
          return importDevices(gateway, request);
        case "author-heads":
          return authorHeads(gateway, request.gateway);
        case "devices":
          return E.right(await deviceRows(gateway.store, request.after));
        case "device":
          return showDevice(gateway, request);
        case "records":
          return E.right(await newestRecords(gateway.store, request));
      }
    },
    watch: (send) => {
      let said: Promise<unknown> = Promise.resolve();
      return gateway.watch((event) => {
        // One after the other: a tap's values are asked of the store, and what follows it must not come before it.
        const message = watchEvent(gateway, event);
        said = said.then(() => message).then((ready) => ready && send(ready));
      });
    },
  };
};
