/** Values as JSON and as people read them. */
import { toHex } from "#core/bytes.ts";
import { SAFETY, TYPE, type Scalar } from "#core/log/operation.ts";
import type { Standing } from "#core/state/standing.ts";

/** A value as JSON has it: bytes as hex. */
export type JsonScalar = null | boolean | number | string;

/** A list is a set's members, or the values of a conflict. */
export type JsonValue = JsonScalar | ReadonlyArray<JsonScalar>;

/** One value under a key of this type: a safety level by its name. */
export const readableScalar = (value: Scalar, type: number): JsonScalar => {
  if (type === TYPE.safety) {
    return Object.entries(SAFETY).find(([, level]) => level === value)?.[0] ?? String(value);
  }
  return value instanceof Uint8Array ? toHex(value) : value;
};

export const readableStanding = (standing: Standing, type: number): JsonValue => {
  const values = standing.map((value) => readableScalar(value, type));
  return type === TYPE.set || values.length > 1 ? values : (values[0] ?? null);
};

/** `register`, `counter` and so on. */
export const typeName = (type: number): string =>
  Object.entries(TYPE).find(([, number]) => number === type)?.[0] ?? "unknown";
