/** Which type a key has, and which values fit it. A key keeps its type: under another one it would be a second key. */
import * as E from "fp-ts/lib/Either.js";
import { KEY_LENGTH_MAX, SAFETY, TYPE, type Scalar } from "#core/log/operation.ts";
import type { Entry } from "#core/state/entry.ts";
import { CARD_KEY, SAFETY_KEY } from "#core/verdict/card-index.ts";
import { typeWrittenBy } from "#core/verdict/on-tap.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import type { ControlError } from "#gateway/control/protocol.ts";
import { refusal } from "#gateway/control/refusal.ts";
import { typeName, type JsonScalar } from "#gateway/queries/values.ts";

/** What decides about a key's type. */
export interface KeyPlace {
  /** All of the device. */
  readonly entries: ReadonlyArray<Entry>;
  readonly config: Pick<GatewayConfig, "readers">;
}

const HOW_TO_WRITE: Readonly<Record<number, string>> = {
  [TYPE.set]: `use "tapmesh device add" and "tapmesh device remove"`,
  [TYPE.safety]: `use "tapmesh device set" without --type`,
};

const checkKey = (key: string): E.Either<ControlError, void> => {
  if (key === CARD_KEY) {
    return refusal("key-reserved", `a device's card is set by "tapmesh device enrol"`);
  }
  return /^[a-z][a-z0-9_-]*$/.test(key) && key.length <= KEY_LENGTH_MAX
    ? E.right(undefined)
    : refusal("key-malformed", `"${key}" is no key: a-z first, then a-z, 0-9, "_" and "-"`);
};

/** The types that the key has: of its entries, else what this gateway's readers write to it. */
const typesOf = (key: string, { entries, config }: KeyPlace): ReadonlyArray<number> => {
  if (key === SAFETY_KEY) return [TYPE.safety];
  const written = entries.filter((entry) => entry.key === key).map(({ type }) => type);
  if (written.length > 0) return written;
  const rules = config.readers.flatMap(({ onTap }) => onTap).filter((rule) => rule.key === key);
  const isHolder = config.readers.some(({ checkOut }) => checkOut?.holder === key);
  return [...new Set([...(isHolder ? [TYPE.exclusive] : []), ...rules.map(typeWrittenBy)])];
};

/**
 * The type under which the key is to be written; `asked`: by a person, null for whatever it is, and for a new key a
 * register. Left: a malformed key, or one of another type.
 */
export const typeForKey = (
  key: string,
  asked: number | null,
  place: KeyPlace,
): E.Either<ControlError, number> => {
  const checked = checkKey(key);
  if (E.isLeft(checked)) return checked;
  const types = typesOf(key, place);
  const [first = TYPE.register, ...others] = types;
  if (asked === null) {
    return others.length === 0
      ? E.right(first)
      : refusal(
          "key-type",
          `"${key}" is ${types.map(typeName).join(" and ")}: say which by --type`,
        );
  }
  if (types.length === 0 || types.includes(asked)) return E.right(asked);
  const how = HOW_TO_WRITE[first];
  const advice = how === undefined ? "" : `: ${how}`;
  return refusal(
    "key-type",
    `"${key}" is of type ${typeName(first)} and can't become ${typeName(asked)} too${advice}`,
  );
};

const safetyLevel = (value: JsonScalar): E.Either<ControlError, number> => {
  const level = Object.entries(SAFETY).find(([name]) => name === value)?.[1];
  return level === undefined
    ? refusal(
        "safety-unknown",
        `safety is ${Object.keys(SAFETY).join(", ")}, not "${String(value)}"`,
      )
    : E.right(level);
};

/** The value as a record has it. Left: it doesn't fit the type. */
export const valueForType = (type: number, value: JsonScalar): E.Either<ControlError, Scalar> => {
  switch (type) {
    case TYPE.safety:
      return safetyLevel(value);
    case TYPE.counter:
    case TYPE.max:
    case TYPE.min:
      return typeof value === "number"
        ? E.right(value)
        : refusal(
            "value-no-number",
            `a ${typeName(type)} is a whole number, not "${String(value)}"`,
          );
    case TYPE.set:
      return value === null
        ? refusal("value-missing", "a set's member can't be null")
        : E.right(value);
    default:
      return E.right(value);
  }
};
