/** Decodes a control request: the socket is open to every local user of the group, so nothing is taken on trust. */
import * as E from "fp-ts/lib/Either.js";
import { fromHex } from "#core/bytes.ts";
import { NDEF_BYTES_MAX } from "#core/card/ndef.ts";
import {
  VALUE_TYPES,
  type ChangeWish,
  type ControlError,
  type ControlRequest,
  type ImportRow,
  type ValueType,
} from "#gateway/control/protocol.ts";
import type { RecordName } from "#gateway/queries/known.ts";
import type { AskedMoment } from "#gateway/queries/moments.ts";
import type { JsonScalar } from "#gateway/queries/values.ts";

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string =>
  typeof value === "string" && value.length <= 256;

const isOptionalText = (value: unknown): value is string | null => value === null || isText(value);

const isScalar = (value: unknown): value is JsonScalar =>
  value === null ||
  typeof value === "boolean" ||
  (typeof value === "number" && Number.isSafeInteger(value)) ||
  (typeof value === "string" && value.length <= 1_024);

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

const isMessageHex = (value: unknown): value is string =>
  typeof value === "string" && value.length <= 2 * NDEF_BYTES_MAX && fromHex(value) !== undefined;

const isImportRow = (value: unknown): value is ImportRow =>
  isFields(value) &&
  isCount(value["line"]) &&
  isText(value["device"]) &&
  isText(value["uid"]) &&
  isFields(value["values"]) &&
  Object.values(value["values"]).every(isScalar);

const isValueType = (value: unknown): value is ValueType =>
  VALUE_TYPES.some((type) => type === value);

/** The first digits of an epoch and a place in it. */
const isRecordName = (value: unknown): value is RecordName =>
  isFields(value) &&
  typeof value["epoch"] === "string" &&
  /^[0-9a-fA-F]{1,32}$/.test(value["epoch"]) &&
  isCount(value["seq"]);

const isMoment = (value: unknown): value is AskedMoment =>
  isRecordName(value) || (isFields(value) && isCount(value["trueMs"]));

const isChangeWish = (value: unknown): value is ChangeWish =>
  isFields(value) && typeof value["isToApply"] === "boolean" && isOptionalText(value["shown"]);

/** Each verb's fields; undefined where one is missing or of another type. */
const decoders: Readonly<
  Record<ControlRequest["verb"], (fields: Fields) => ControlRequest | undefined>
> = {
  status: () => ({ verb: "status" }),
  watch: () => ({ verb: "watch" }),
  tap: ({ card, uid, reader }) =>
    isText(card) && isOptionalText(uid) && isOptionalText(reader)
      ? { verb: "tap", card, uid, reader }
      : undefined,
  "tag-info": ({ reader, waitMs }) =>
    isOptionalText(reader) && isCount(waitMs) ? { verb: "tag-info", reader, waitMs } : undefined,
  "tag-write": ({ reader, waitMs, message, force }) =>
    isOptionalText(reader) && isCount(waitMs) && isMessageHex(message) && typeof force === "boolean"
      ? { verb: "tag-write", reader, waitMs, message, force }
      : undefined,
  enrol: ({ device, uid, user }) =>
    isText(device) && isOptionalText(uid) && isText(user)
      ? { verb: "enrol", device, uid, user }
      : undefined,
  set: ({ device, key, value, type, user }) =>
    isText(device) &&
    isText(key) &&
    isScalar(value) &&
    isText(user) &&
    (type === null || isValueType(type))
      ? { verb: "set", device, key, value, type, user }
      : undefined,
  member: ({ device, key, value, isToStay, user }) =>
    isText(device) &&
    isText(key) &&
    isScalar(value) &&
    typeof isToStay === "boolean" &&
    isText(user)
      ? { verb: "member", device, key, value, isToStay, user }
      : undefined,
  revert: ({ device, to, change, user }) =>
    isOptionalText(device) && isMoment(to) && isChangeWish(change) && isText(user)
      ? { verb: "revert", device, to, change, user }
      : undefined,
  void: ({ record, change, user }) =>
    isRecordName(record) && isChangeWish(change) && isText(user)
      ? { verb: "void", record, change, user }
      : undefined,
  import: ({ rows, dryRun, user }) =>
    Array.isArray(rows) && rows.every(isImportRow) && typeof dryRun === "boolean" && isText(user)
      ? { verb: "import", rows, dryRun, user }
      : undefined,
  "author-heads": ({ gateway }) =>
    isText(gateway) ? { verb: "author-heads", gateway } : undefined,
  devices: ({ after }) => (isText(after) ? { verb: "devices", after } : undefined),
  device: ({ device, at }) =>
    isText(device) && (at === null || isMoment(at)) ? { verb: "device", device, at } : undefined,
  records: ({ gateway, epoch, count }) =>
    isOptionalText(gateway) && isOptionalText(epoch) && isCount(count)
      ? { verb: "records", gateway, epoch, count }
      : undefined,
};

const isVerb = (value: unknown): value is ControlRequest["verb"] =>
  typeof value === "string" && Object.hasOwn(decoders, value);

const malformed = (message: string): E.Either<ControlError, never> =>
  E.left({ code: "request-malformed", message });

export const parseRequest = (line: string): E.Either<ControlError, ControlRequest> => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return malformed("not a line of JSON");
  }
  if (!isFields(value)) return malformed("not a JSON object");
  const { verb } = value;
  if (!isVerb(verb)) {
    return malformed(
      `this gateway doesn't know the verb ${JSON.stringify(verb)}: is it older than the CLI?`,
    );
  }
  const request = decoders[verb](value);
  return request === undefined
    ? malformed(`fields of "${verb}" are missing or wrong`)
    : E.right(request);
};
