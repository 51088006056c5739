/** Verbs that give devices their cards: enrol, import. */
import * as E from "fp-ts/lib/Either.js";
import { fromHex, toHex, utf8 } from "#core/bytes.ts";
import { parseUid, plainUid, uidUnfitFor, type Uid } from "#core/card/uid.ts";
import { DEVICE_NAME_PATTERN } from "#core/log/actor.ts";
import { TYPE, type Operation } from "#core/log/operation.ts";
import { CARD_KEY } from "#core/verdict/card-index.ts";
import { appendAll, localUser, type NewRecord } from "#gateway/control/append.ts";
import type { ControlError, ControlResults, RequestOf } from "#gateway/control/protocol.ts";
import { describeUidError, describeUnfit, refusal } from "#gateway/control/refusal.ts";
import { typeForKey, valueForType, type KeyPlace } from "#gateway/control/value-type.ts";
import { typeName, type JsonScalar } from "#gateway/queries/values.ts";
import type { Gateway } from "#gateway/gateway.ts";

type Result<Verb extends keyof ControlResults> = E.Either<ControlError, ControlResults[Verb]>;

/** What one device is enrolled with: its card, and any further values. */
interface Enrolment {
  readonly device: string;
  readonly writes: ReadonlyArray<Omit<Operation, "replaces">>;
  readonly user: string;
}

/** A record whose writes replace all that is known of their keys when it is written. */
const recordOf = ({ device, writes, user }: Enrolment): NewRecord => ({
  queries: writes.map(({ key, type }) => ({ device, key, type })),
  body: (known) => ({
    _tag: "Enrol",
    actor: localUser(user),
    device,
    operations: writes.map((write, index) => ({ ...write, replaces: known[index] ?? [] })),
  }),
});

const checkDevice = (device: string): E.Either<ControlError, string> =>
  DEVICE_NAME_PATTERN.test(device)
    ? E.right(device)
    : refusal(
        "device-name",
        `"${device}" is no device name: a-z, 0-9, ".", "_" and "-", beginning with a letter or digit, at most 64`,
      );

/** The card id of a UID that may be enrolled. */
const fitCard = (gateway: Gateway, uid: Uid): E.Either<ControlError, Uint8Array> => {
  const unfit = uidUnfitFor(uid);
  if (unfit !== undefined) return refusal(`uid-${unfit}`, describeUnfit(unfit));
  return E.right(gateway.material.cardHmac(fromHex(uid) ?? utf8(uid)));
};

const checkFree = (
  gateway: Gateway,
  card: Uint8Array,
  device: string,
): E.Either<ControlError, void> => {
  const owner = gateway.carried.enrolled(toHex(card), gateway.memory.index.enrolled(toHex(card)));
  return owner === undefined || owner.device === device
    ? E.right(undefined)
    : refusal("card-taken", `this card is enrolled for ${owner.device} already`);
};

/** The card id of what was tapped last: a phone's where it has proven itself, else that of a UID that may be enrolled. */
const lastTapCard = (gateway: Gateway): E.Either<ControlError, Uint8Array> => {
  const last = gateway.lastTap();
  if (last === null) {
    return refusal(
      "no-tap-yet",
      "no card was tapped since the gateway started: tap it, then enrol it",
    );
  }
  switch (last.phone) {
    case null:
      return fitCard(gateway, last.sighting.uid);
    case "proven":
      return E.right(fromHex(last.card) ?? utf8(last.card));
    case "unproven":
      return refusal(
        "phone-unproven",
        "the phone that was tapped last did not prove that it is itself: unlock it, hold it to the reader again, then enrol it",
      );
    case "other-version":
      return refusal(
        "phone-version",
        "the app on the phone that was tapped last and this gateway don't go together: update the older one",
      );
  }
};

const givenCard = (gateway: Gateway, text: string): E.Either<ControlError, Uint8Array> => {
  const uid = parseUid(text);
  return E.isLeft(uid)
    ? refusal("uid-malformed", describeUidError(uid.left))
    : fitCard(gateway, uid.right);
};

/** Gives a device the card with that UID, or the card that was tapped last. */
export const enrolDevice = async (
  gateway: Gateway,
  request: RequestOf<"enrol">,
): Promise<Result<"enrol">> => {
  const device = checkDevice(request.device);
  if (E.isLeft(device)) return device;
  const card = request.uid === null ? lastTapCard(gateway) : givenCard(gateway, request.uid);
  if (E.isLeft(card)) return card;
  const free = checkFree(gateway, card.right, device.right);
  if (E.isLeft(free)) return free;
  const write = { key: CARD_KEY, type: TYPE.register, value: card.right };
  const { user } = request;
  const record = recordOf({ device: device.right, writes: [write], user });
  const { failure } = await appendAll(gateway, [record]);
  if (failure !== null) return E.left(failure);
  return E.right({ device: device.right, card: toHex(card.right) });
};

/** The types that one value can be given to, without regard to what stands there. */
const PLAIN_TYPES: ReadonlySet<number> = new Set([TYPE.register, TYPE.exclusive, TYPE.safety]);

const writeFor = (
  key: string,
  value: JsonScalar,
  place: KeyPlace,
): E.Either<ControlError, Omit<Operation, "replaces">> => {
  const type = typeForKey(key, null, place);
  if (E.isLeft(type)) return type;
  if (!PLAIN_TYPES.has(type.right)) {
    return refusal("key-type", `"${key}" is a ${typeName(type.right)}, which an import can't set`);
  }
  const fitting = valueForType(type.right, value);
  return E.isLeft(fitting) ? fitting : E.right({ key, type: type.right, value: fitting.right });
};

type Row = RequestOf<"import">["rows"][number];

const enrolmentFor = async (
  gateway: Gateway,
  row: Row,
  user: string,
): Promise<E.Either<ControlError, Enrolment>> => {
  const device = checkDevice(row.device);
  if (E.isLeft(device)) return device;
  const card = givenCard(gateway, row.uid);
  if (E.isLeft(card)) return card;
  const free = checkFree(gateway, card.right, device.right);
  if (E.isLeft(free)) return free;
  const writes: Array<Omit<Operation, "replaces">> = [
    { key: CARD_KEY, type: TYPE.register, value: card.right },
  ];
  const place = {
    entries: await gateway.store.entries(device.right),
    config: gateway.config,
  };
  for (const [key, value] of Object.entries(row.values)) {
    const write = writeFor(key, value, place);
    if (E.isLeft(write)) return write;
    writes.push(write.right);
  }
  return E.right({ device: device.right, writes, user });
};

/** All rows are checked before the first is written, so that a bad line leaves nothing half done. */
export const importDevices = async (
  gateway: Gateway,
  request: RequestOf<"import">,
): Promise<Result<"import">> => {
  const enrolments: Enrolment[] = [];
  const lines = new Map<string, number>();
  for (const row of request.rows) {
    const card = plainUid(row.uid);
    const before = lines.get(card);
    if (before !== undefined) {
      return refusal("card-taken", `line ${row.line}: this card is on line ${before} already`);
    }
    lines.set(card, row.line);
    const enrolment = await enrolmentFor(gateway, row, request.user);
    if (E.isLeft(enrolment)) {
      return refusal(enrolment.left.code, `line ${row.line}: ${enrolment.left.message}`);
    }
    enrolments.push(enrolment.right);
  }
  const rows = enrolments.length;
  if (request.dryRun) return E.right({ rows, written: 0 });
  const { written, failure } = await appendAll(gateway, enrolments.map(recordOf));
  return failure === null
    ? E.right({ rows, written })
    : refusal("not-recorded", `only ${written} of ${rows} were written: ${failure.message}`);
};
