/** Verbs that write records without a tap: enrol, set, import. */
import * as E from "fp-ts/lib/Either.js";
import { fromHex, toHex, utf8 } from "#core/bytes.ts";
import { parseUid, plainUid, uidUnfitFor, type Uid } from "#core/card/uid.ts";
import { ACTOR, DEVICE_NAME_PATTERN, type ChangeBody } from "#core/log/body.ts";
import { KEY_LENGTH_MAX, SAFETY, TYPE, type Operation, type Scalar } from "#core/log/operation.ts";
import { CARD_KEY, SAFETY_KEY } from "#core/verdict/card-index.ts";
import type { ControlError, ControlResults, RequestOf } from "#gateway/control/protocol.ts";
import {
  describeAppendError,
  describeUidError,
  describeUnfit,
  refusal,
} from "#gateway/control/refusal.ts";
import { APPEND_QUEUE_MAX } from "#gateway/limits.ts";
import type { JsonScalar } from "#gateway/queries.ts";
import type { Gateway } from "#gateway/run.ts";

type Result<Verb extends keyof ControlResults> = E.Either<ControlError, ControlResults[Verb]>;

interface Change {
  readonly tag: ChangeBody["_tag"];
  readonly device: string;
  readonly writes: ReadonlyArray<Omit<Operation, "replaces">>;
  readonly user: string;
}

/** Appends one record whose writes replace all that is known of their keys. */
const append = async (gateway: Gateway, change: Change): Promise<E.Either<ControlError, void>> => {
  const { tag, device, writes, user } = change;
  const appended = await gateway.writer.append({
    wallMs: gateway.clock.wallMs(),
    monoMs: gateway.clock.monoMs(),
    queries: writes.map(({ key, type }) => ({ device, key, type })),
    body: (known) => ({
      _tag: tag,
      actor: { kind: ACTOR.localUser, name: user },
      device,
      operations: writes.map((write, index) => ({ ...write, replaces: known[index] ?? [] })),
    }),
  });
  if (E.isLeft(appended)) return refusal("not-recorded", describeAppendError(appended.left));
  // An answer from the store comes behind its folds: a tap right after this one knows of the change.
  await gateway.store.entries(device);
  return E.right(undefined);
};

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
  const owner = gateway.index.enrolled(toHex(card));
  return owner === undefined || owner.device === device
    ? E.right(undefined)
    : refusal("card-taken", `this card is enrolled for ${owner.device} already`);
};

const lastTapUid = (gateway: Gateway): E.Either<ControlError, Uid> => {
  const last = gateway.lastTap();
  return last === null
    ? refusal("no-tap-yet", "no card was tapped since the gateway started: tap it, then enrol it")
    : E.right(last.sighting.uid);
};

const givenUid = (text: string): E.Either<ControlError, Uid> => {
  const uid = parseUid(text);
  return E.isLeft(uid) ? refusal("uid-malformed", describeUidError(uid.left)) : uid;
};

/** Gives a device the card with that UID, or the card that was tapped last. */
export const enrolDevice = async (
  gateway: Gateway,
  request: RequestOf<"enrol">,
): Promise<Result<"enrol">> => {
  const device = checkDevice(request.device);
  if (E.isLeft(device)) return device;
  const uid = request.uid === null ? lastTapUid(gateway) : givenUid(request.uid);
  if (E.isLeft(uid)) return uid;
  const card = fitCard(gateway, uid.right);
  if (E.isLeft(card)) return card;
  const free = checkFree(gateway, card.right, device.right);
  if (E.isLeft(free)) return free;
  const write = { key: CARD_KEY, type: TYPE.register, value: card.right };
  const { user } = request;
  const done = await append(gateway, { tag: "Enrol", device: device.right, writes: [write], user });
  if (E.isLeft(done)) return done;
  return E.right({ device: device.right, card: toHex(card.right) });
};

const safetyNumber = (value: JsonScalar): number | undefined =>
  Object.entries(SAFETY).find(([name]) => name === value)?.[1];

const writeFor = (
  key: string,
  value: JsonScalar,
): E.Either<ControlError, Omit<Operation, "replaces">> => {
  if (key === CARD_KEY) {
    return refusal("key-reserved", `a device's card is set by "tapmesh device enrol"`);
  }
  if (!/^[a-z][a-z0-9_-]*$/.test(key) || key.length > KEY_LENGTH_MAX) {
    return refusal("key-malformed", `"${key}" is no key: a-z first, then a-z, 0-9, "_" and "-"`);
  }
  if (key !== SAFETY_KEY)
    return E.right({ key, type: TYPE.register, value: value satisfies Scalar });
  const safety = safetyNumber(value);
  return safety === undefined
    ? refusal(
        "safety-unknown",
        `safety is ${Object.keys(SAFETY).join(", ")}, not "${String(value)}"`,
      )
    : E.right({ key, type: TYPE.safety, value: safety });
};

export const setValue = async (
  gateway: Gateway,
  request: RequestOf<"set">,
): Promise<Result<"set">> => {
  const { device, key, value, user } = request;
  if ((await gateway.store.entries(device)).length === 0) {
    return refusal(
      "device-unknown",
      `no device is called "${device}"; "tapmesh device list" shows them`,
    );
  }
  const write = writeFor(key, value);
  if (E.isLeft(write)) return write;
  const done = await append(gateway, { tag: "Change", device, writes: [write.right], user });
  return E.isLeft(done) ? done : E.right({ device });
};

type Row = RequestOf<"import">["rows"][number];

const changeForRow = (gateway: Gateway, row: Row, user: string): E.Either<ControlError, Change> => {
  const device = checkDevice(row.device);
  if (E.isLeft(device)) return device;
  const uid = givenUid(row.uid);
  if (E.isLeft(uid)) return uid;
  const card = fitCard(gateway, uid.right);
  if (E.isLeft(card)) return card;
  const free = checkFree(gateway, card.right, device.right);
  if (E.isLeft(free)) return free;
  const writes: Array<Omit<Operation, "replaces">> = [
    { key: CARD_KEY, type: TYPE.register, value: card.right },
  ];
  for (const [key, value] of Object.entries(row.values)) {
    const write = writeFor(key, value);
    if (E.isLeft(write)) return write;
    writes.push(write.right);
  }
  return E.right({ tag: "Enrol", device: device.right, writes, user });
};

/** Rows that wait for the disk at once: half of what may wait at all, so that taps still find a place. */
const IMPORT_ROWS_AT_ONCE: number = APPEND_QUEUE_MAX / 2;

/** All rows are checked before the first is written, so that a bad line leaves nothing half done. */
export const importDevices = async (
  gateway: Gateway,
  request: RequestOf<"import">,
): Promise<Result<"import">> => {
  const changes: Change[] = [];
  const lines = new Map<string, number>();
  for (const row of request.rows) {
    const change = changeForRow(gateway, row, request.user);
    const card = plainUid(row.uid);
    const before = lines.get(card);
    if (before !== undefined) {
      return refusal("card-taken", `line ${row.line}: this card is on line ${before} already`);
    }
    lines.set(card, row.line);
    if (E.isLeft(change))
      return refusal(change.left.code, `line ${row.line}: ${change.left.message}`);
    changes.push(change.right);
  }
  if (request.dryRun) return E.right({ rows: changes.length, written: 0 });
  const results: Array<E.Either<ControlError, void>> = [];
  for (let at = 0; at < changes.length; at += IMPORT_ROWS_AT_ONCE) {
    const slice = changes.slice(at, at + IMPORT_ROWS_AT_ONCE);
    results.push(...(await Promise.all(slice.map((change) => append(gateway, change)))));
  }
  const written = results.filter((result) => E.isRight(result)).length;
  const failed = results.find((result) => E.isLeft(result));
  return failed === undefined
    ? E.right({ rows: changes.length, written })
    : refusal(
        "not-recorded",
        `only ${written} of ${changes.length} were written: ${failed.left.message}`,
      );
};
