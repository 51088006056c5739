/** Verbs that write a device's values: set, and the members of sets. */
import * as E from "fp-ts/lib/Either.js";
import { REPLACES_COUNT_MAX, TYPE, type Operation, type Scalar } from "#core/log/operation.ts";
import type { Entry } from "#core/state/entry.ts";
import { writesOfMember } from "#core/state/reading.ts";
import { counterSteps, intoRecords, replacing } from "#core/state/revert.ts";
import { standingOf } from "#core/state/standing.ts";
import { appendAll, localUser, saying, type NewRecord } from "#gateway/control/append.ts";
import type { ControlError, ControlResults, RequestOf } from "#gateway/control/protocol.ts";
import { queryRefusal, refusal } from "#gateway/control/refusal.ts";
import { typeForKey, valueForType } from "#gateway/control/value-type.ts";
import { readableStanding, typeName, type JsonValue } from "#gateway/queries/values.ts";
import type { Gateway } from "#gateway/gateway.ts";

type Result<Verb extends keyof ControlResults> = E.Either<ControlError, ControlResults[Verb]>;

/** A key of a device as it is before it is written. */
interface Place {
  readonly device: string;
  readonly key: string;
  readonly type: number;
  readonly entry: Entry | undefined;
  readonly user: string;
}

/** The key's type and entry. Left: no such device, or a key that can't be written so. */
const placeOf = async (
  gateway: Gateway,
  request: { readonly device: string; readonly key: string; readonly user: string },
  asked: number | null,
): Promise<E.Either<ControlError, Place>> => {
  const { device, key, user } = request;
  const entries = await gateway.store.entries(device);
  const isKnown = entries.length > 0 || gateway.carried.newsOf(device).length > 0;
  if (!isKnown) return queryRefusal({ _tag: "DeviceUnknown", device });
  const type = typeForKey(key, asked, { entries, config: gateway.config });
  if (E.isLeft(type)) return type;
  const entry = entries.find((one) => one.key === key && one.type === type.right);
  return E.right({ device, key, type: type.right, entry, user });
};

const read = (gateway: Gateway, { entry, type }: Place): JsonValue =>
  readableStanding(standingOf(entry, type, gateway.memory.trueTime), type);

const readAgain = async (gateway: Gateway, place: Place): Promise<JsonValue> => {
  const entries = await gateway.store.entries(place.device);
  const entry = entries.find(({ key, type }) => key === place.key && type === place.type);
  return read(gateway, { ...place, entry });
};

/** A record of operations that name themselves what they replace. */
const changes = (
  { device, user }: Place,
  operations: ReadonlyArray<Operation>,
): ReadonlyArray<NewRecord> =>
  intoRecords(operations).map((some) =>
    saying({ _tag: "Change", actor: localUser(user), device, operations: some }),
  );

/** A record that replaces all that is known of its key when it is written. */
const replacingAll = (gateway: Gateway, place: Place, value: Scalar): NewRecord => {
  const { device, key, type, user } = place;
  const brought = gateway.carried.replacedBy(device, place); // known to whoever looks at the device
  return {
    queries: [{ device, key, type }],
    body: ([replaces = []]) => ({
      _tag: "Change",
      actor: localUser(user),
      device,
      operations: [
        { key, type, value, replaces: [...brought, ...replaces].slice(0, REPLACES_COUNT_MAX) },
      ],
    }),
  };
};

/** A counter is set by the difference, so that what others count meanwhile counts too. */
const counterTo = (
  gateway: Gateway,
  place: Place,
  value: Scalar,
): E.Either<ControlError, ReadonlyArray<NewRecord>> => {
  const [sum] = standingOf(place.entry, place.type, gateway.memory.trueTime);
  const steps = counterSteps(place.key, Number(value) - Number(sum));
  return steps === undefined
    ? refusal("counter-far", `${place.key} stands at ${String(sum)}: that is too far to count`)
    : E.right(changes(place, steps));
};

/** A max only rises, a min only falls: what changes nothing is refused instead of being recorded. */
const extremeTo = (
  gateway: Gateway,
  place: Place,
  value: Scalar,
): E.Either<ControlError, ReadonlyArray<NewRecord>> => {
  const { key, type, entry } = place;
  const [extreme] = standingOf(entry, type, gateway.memory.trueTime);
  const difference = Number(value) - Number(extreme);
  const isBeaten = type === TYPE.max ? difference < 0 : difference > 0;
  if (extreme !== undefined && isBeaten) {
    const way = type === TYPE.max ? "a max only rises" : "a min only falls";
    return refusal("value-beaten", `${key} stands at ${String(extreme)}, and ${way}`);
  }
  return E.right(changes(place, [{ key, type, value, replaces: [] }]));
};

const recordsFor = (
  gateway: Gateway,
  place: Place,
  value: Scalar,
): E.Either<ControlError, ReadonlyArray<NewRecord>> => {
  switch (place.type) {
    case TYPE.set:
      return refusal(
        "key-type",
        `"${place.key}" is a set: use "tapmesh device add" and "tapmesh device remove"`,
      );
    case TYPE.counter:
      return counterTo(gateway, place, value);
    case TYPE.max:
    case TYPE.min:
      return extremeTo(gateway, place, value);
    default:
      return E.right([replacingAll(gateway, place, value)]);
  }
};

export const setValue = async (
  gateway: Gateway,
  request: RequestOf<"set">,
): Promise<Result<"set">> => {
  const asked = request.type === null ? null : TYPE[request.type];
  const place = await placeOf(gateway, request, asked);
  if (E.isLeft(place)) return place;
  const value = valueForType(place.right.type, request.value);
  if (E.isLeft(value)) return value;
  const records = recordsFor(gateway, place.right, value.right);
  if (E.isLeft(records)) return records;
  const { failure } = await appendAll(gateway, records.right);
  if (failure !== null) return E.left(failure);
  const { device, type } = place.right;
  return E.right({ device, type: typeName(type), value: await readAgain(gateway, place.right) });
};

/** Adds a member to a set, or removes it: a removal names the writes of it that are known, so who adds it meanwhile wins. */
export const setMember = async (
  gateway: Gateway,
  request: RequestOf<"member">,
): Promise<Result<"member">> => {
  const place = await placeOf(gateway, request, TYPE.set);
  if (E.isLeft(place)) return place;
  const value = valueForType(TYPE.set, request.value);
  if (E.isLeft(value)) return value;
  const { device, key, type, entry } = place.right;
  const writes = entry === undefined ? [] : writesOfMember(entry, value.right);
  const isMember = writes.length > 0;
  if (!isMember && !request.isToStay) {
    const members = JSON.stringify(read(gateway, place.right));
    return refusal("member-unknown", `${key} of ${device} has no such member; it has ${members}`);
  }
  if (isMember !== request.isToStay) {
    const operations = request.isToStay
      ? [{ key, type, value: value.right, replaces: [] }]
      : replacing({ key, type, value: null }, writes);
    const { failure } = await appendAll(gateway, changes(place.right, operations));
    if (failure !== null) return E.left(failure);
  }
  const members = await readAgain(gateway, place.right);
  return E.right({ device, changed: isMember !== request.isToStay, members });
};
