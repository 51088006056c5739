/**
 * One write to one key of one device, as it stands in a record: [key, type, value, replaces].
 * `replaces` names the writes of that key that the author had seen, as [epoch, seq].
 */
import { isBytes, isCount, isList, isText, type CborValue } from "#core/log/cbor.ts";

/** How writes to a key merge. Numbers are final; unknown ones are kept and folded as nothing. */
export const TYPE = {
  register: 0,
  exclusive: 1,
  set: 2,
  safety: 3,
  counter: 4,
  max: 5,
  min: 6,
} as const;

/** Values of the safety type, from harmless to final. */
export const SAFETY = { active: 0, suspended: 1, lost: 2, revoked: 3 } as const;

/** Names a record, and so the one write that it makes to a key. */
export interface WriteName {
  readonly epoch: Uint8Array;
  readonly seq: number;
}

export type Scalar = null | boolean | number | string | Uint8Array;

export interface Operation {
  readonly key: string;
  readonly type: number;
  readonly value: Scalar;
  readonly replaces: ReadonlyArray<WriteName>;
}

export const KEY_LENGTH_MAX = 64;
export const VALUE_LENGTH_MAX = 1_024;
/** Writes that one write may name. More survivors than gateways can't come about honestly. */
export const REPLACES_COUNT_MAX = 64;
export const OPERATIONS_COUNT_MAX = 16;
/** One step of a counter, either way: sums stay exact whole numbers over millions of records. */
export const COUNTER_STEP_MAX: number = 2 ** 31;

export const encodeOperation = (operation: Operation): CborValue => [
  operation.key,
  operation.type,
  operation.value,
  operation.replaces.map((name) => [name.epoch, name.seq]),
];

const decodeWriteName = (value: CborValue): WriteName | undefined => {
  if (!isList(value, 2)) return undefined;
  const [epoch, seq] = value;
  return isBytes(epoch, 16) && isCount(seq) ? { epoch, seq } : undefined;
};

const isScalar = (value: CborValue | undefined): value is Scalar => {
  if (value === undefined || Array.isArray(value)) return false;
  if (typeof value === "string" || value instanceof Uint8Array) {
    return value.length <= VALUE_LENGTH_MAX;
  }
  return value === null || typeof value === "boolean" || typeof value === "number";
};

const hasFittingValue = (type: number, value: Scalar): boolean => {
  switch (type) {
    case TYPE.safety:
      return isCount(value) && value <= SAFETY.revoked;
    case TYPE.counter:
      return typeof value === "number" && Math.abs(value) <= COUNTER_STEP_MAX;
    case TYPE.max:
    case TYPE.min:
      return typeof value === "number";
    default:
      return true;
  }
};

/** Undefined for anything that is no operation; arrays may have grown at the end. */
export const decodeOperation = (value: CborValue): Operation | undefined => {
  if (!isList(value, 16)) return undefined;
  const [key, type, content, names] = value;
  if (!isText(key, KEY_LENGTH_MAX) || key === "" || !isCount(type)) return undefined;
  if (!isScalar(content) || !hasFittingValue(type, content)) return undefined;
  if (names === undefined || !isList(names, REPLACES_COUNT_MAX)) return undefined;
  const replaces: WriteName[] = [];
  for (const name of names) {
    const decoded = decodeWriteName(name);
    if (decoded === undefined) return undefined;
    replaces.push(decoded);
  }
  return { key, type, value: content, replaces };
};

/** Undefined if any of them is no operation, or two write the same key and type: a record is one write to a key. */
export const decodeOperations = (
  value: CborValue | undefined,
): ReadonlyArray<Operation> | undefined => {
  if (value === undefined || !isList(value, OPERATIONS_COUNT_MAX)) return undefined;
  const operations: Operation[] = [];
  const written = new Set<string>();
  for (const item of value) {
    const operation = decodeOperation(item);
    if (operation === undefined) return undefined;
    const target = `${operation.type}/${operation.key}`;
    if (written.has(target)) return undefined;
    written.add(target);
    operations.push(operation);
  }
  return operations;
};
