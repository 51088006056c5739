/** `tapmesh device revert`: brings devices back to how they once were, by new records. */
import * as E from "fp-ts/lib/Either.js";
import type { Entry } from "#core/state/entry.ts";
import { intoRecords, planRevert, type Plan } from "#core/state/revert.ts";
import { cardClashes } from "#core/verdict/card-clashes.ts";
import { appendAll, localUser, saying, type NewRecord } from "#gateway/control/append.ts";
import { cardAfter, differenceView, shownAs } from "#gateway/control/difference-views.ts";
import type {
  ControlError,
  DeviceRevert,
  RequestOf,
  RevertResult,
} from "#gateway/control/protocol.ts";
import { queryRefusal, refusal } from "#gateway/control/refusal.ts";
import { isMark } from "#gateway/queries/card-counter.ts";
import { pastEntries } from "#gateway/queries/moments.ts";
import type { Gateway } from "#gateway/gateway.ts";

/** Devices brought back by one round of commits: taps get in between. */
const DEVICES_AT_ONCE = 64;

type Entries = ReadonlyArray<Entry>;

/** A device that differs from then. */
interface Reverting {
  readonly device: string;
  readonly past: Entries;
  readonly plan: Plan;
  /** Null, or why nothing of it is done. */
  readonly refused: string | null;
}

/** What a card's own counter stands at is the card's to say: it doesn't go back, and nobody asks it to. */
const revertible = (entries: Entries): Entries => entries.filter((entry) => !isMark(entry));

/** Each device with its entries, a page of the store at a time; or the one that is asked for. */
async function* devicesNow(
  gateway: Gateway,
  device: string | null,
): AsyncGenerator<readonly [string, Entries]> {
  if (device !== null) {
    yield [device, revertible(await gateway.store.entries(device))];
    return;
  }
  for (let after = ""; ;) {
    const page = await gateway.store.entriesAfter(after);
    const last = page.at(-1);
    if (last === undefined) return;
    yield* Map.groupBy(revertible(page), (entry) => entry.device);
    after = last.device;
  }
}

/** The devices that differ from then, and what would bring them back. */
const differing = async (
  gateway: Gateway,
  device: string | null,
  then: Entries,
): Promise<ReadonlyArray<Reverting>> => {
  const pastOf = Map.groupBy(revertible(then), (entry) => entry.device);
  const reverting: Reverting[] = [];
  for await (const [name, now] of devicesNow(gateway, device)) {
    const past = pastOf.get(name) ?? [];
    const plan = planRevert(now, past, gateway.memory.trueTime);
    if (plan.differences.length > 0) {
      reverting.push({ device: name, past, plan, refused: null });
    }
  }
  return reverting;
};

/** Of two devices with one card nobody could say whose tap it is: neither is given a card that another one has. */
const withoutClashes = (
  gateway: Gateway,
  reverting: ReadonlyArray<Reverting>,
): ReadonlyArray<Reverting> => {
  const planned = reverting.flatMap(({ device, plan }) => {
    const card = cardAfter(plan);
    return card === undefined ? [] : [[device, card] as const];
  });
  const clashes = cardClashes(gateway.memory.index.cards, new Map(planned));
  return reverting.map((one) => {
    const other = clashes.get(one.device);
    if (other === undefined) return one;
    const refused = `its card of then would be that of ${other} too: give one of them another card first`;
    return { ...one, refused };
  });
};

const viewOf = ({ device, plan, refused }: Reverting): DeviceRevert => ({
  device,
  differences: plan.differences.map(differenceView),
  refused,
  records: refused === null ? intoRecords(plan.operations).length : 0,
});

const recordsOf = ({ device, plan }: Reverting, user: string): ReadonlyArray<NewRecord> =>
  intoRecords(plan.operations).map((operations) =>
    saying({ _tag: "Change", actor: localUser(user), device, operations }),
  );

/** Plans once more, since there may have been taps meanwhile, and writes. */
const applySome = async (
  gateway: Gateway,
  reverting: ReadonlyArray<Reverting>,
  user: string,
): Promise<{ readonly done: ReadonlyArray<Reverting>; readonly failure: ControlError | null }> => {
  const done = await Promise.all(
    reverting.map(async (one) => {
      const now = revertible(await gateway.store.entries(one.device));
      return { ...one, plan: planRevert(now, one.past, gateway.memory.trueTime) };
    }),
  );
  const records = done.flatMap((one) => recordsOf(one, user));
  const { failure } = await appendAll(gateway, records);
  return { done, failure };
};

export type Tell = (progress: DeviceRevert) => Promise<void>;

const apply = async (
  gateway: Gateway,
  going: ReadonlyArray<Reverting>,
  context: { readonly user: string; readonly tell: Tell },
): Promise<E.Either<ControlError, number>> => {
  let records = 0;
  for (let at = 0; at < going.length; at += DEVICES_AT_ONCE) {
    const slice = going.slice(at, at + DEVICES_AT_ONCE);
    const { done, failure } = await applySome(gateway, slice, context.user);
    if (failure !== null) {
      return refusal(
        failure.code,
        `${at} of ${going.length} devices were brought back, then: ${failure.message}; once that is mended, do it again`,
      );
    }
    for (const view of done.map(viewOf)) {
      records += view.records;
      await context.tell(view);
    }
  }
  return E.right(records);
};

/**
 * Tells of each device that differs from then, and brings it back if that is asked for. Left: no such device or moment;
 * it would do something else than what was shown; a record could not be written, and how far it came.
 */
export const revertDevices = async (
  gateway: Gateway,
  request: RequestOf<"revert">,
  tell: Tell,
): Promise<E.Either<ControlError, RevertResult>> => {
  const { device, to, change, user } = request;
  const then = await pastEntries(gateway.store, to, device);
  if (E.isLeft(then)) return queryRefusal(then.left);
  if (device !== null && (await gateway.store.entries(device)).length === 0) {
    return queryRefusal({ _tag: "DeviceUnknown", device });
  }
  const reverting = withoutClashes(gateway, await differing(gateway, device, then.right));
  const views = reverting.map(viewOf);
  const shown = shownAs(views);
  if (change.shown !== null && change.shown !== shown) {
    return refusal("changed-meanwhile", "something has changed since this was shown: look again");
  }
  const going = change.isToApply ? reverting.filter(({ refused }) => refused === null) : [];
  const staying = change.isToApply ? views.filter(({ refused }) => refused !== null) : views;
  for (const view of staying) await tell(view);
  const written = await apply(gateway, going, { user, tell });
  if (E.isLeft(written)) return written;
  return E.right({
    applied: change.isToApply,
    devices: reverting.length,
    refused: views.filter(({ refused }) => refused !== null).length,
    records: change.isToApply
      ? written.right
      : views.reduce((sum, { records }) => sum + records, 0),
    shown,
  });
};
