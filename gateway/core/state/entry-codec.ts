/** Entries as bytes: canonical, since equal entries must have equal bytes for the digest. */
import {
  isBytes,
  isCount,
  isList,
  decodeCbor,
  encodeCbor,
  type CborValue,
} from "#core/log/cbor.ts";
import * as E from "fp-ts/lib/Either.js";
import type { Scalar, WriteName } from "#core/log/operation.ts";
import type { Entry, EntryContent, Write } from "#core/state/entry.ts";

const encodeWrite = (write: Write): CborValue => [
  write.epoch,
  write.seq,
  write.value,
  write.wallMs,
  write.monoMs,
];

const encodeContent = (content: EntryContent): CborValue => {
  switch (content._tag) {
    case "Survivors":
      return [
        0,
        content.writes.map(encodeWrite),
        content.awaited.map((name) => [name.epoch, name.seq]),
      ];
    case "Counter":
      return [1, content.sum, encodeWrite(content.newest)];
    case "Extreme":
      return [2, encodeWrite(content.write)];
  }
};

export const encodeEntry = (entry: Entry): Uint8Array =>
  encodeCbor([entry.device, entry.key, entry.type, encodeContent(entry.content)]);

/**
 * What of an entry the digest covers: all that can be seen. Awaited names are left out, since one that was folded
 * meanwhile stays in an entry until the entry is written again, and where it does depends on the order of arrival.
 */
export const encodeForDigest = (entry: Entry): Uint8Array =>
  entry.content._tag === "Survivors"
    ? encodeEntry({ ...entry, content: { ...entry.content, awaited: [] } })
    : encodeEntry(entry);

const isScalar = (value: CborValue | undefined): value is Scalar =>
  value !== undefined && !Array.isArray(value);

const decodeWrite = (value: CborValue | undefined): Write | undefined => {
  if (value === undefined || !isList(value, 5)) return undefined;
  const [epoch, seq, content, wallMs, monoMs] = value;
  if (!isBytes(epoch, 16) || !isCount(seq) || !isScalar(content)) return undefined;
  if (!isCount(wallMs) || !isCount(monoMs)) return undefined;
  return { epoch, seq, value: content, wallMs, monoMs };
};

const decodeName = (value: CborValue): WriteName | undefined => {
  if (!isList(value, 2)) return undefined;
  const [epoch, seq] = value;
  return isBytes(epoch, 16) && isCount(seq) ? { epoch, seq } : undefined;
};

const decodeAll = <A>(
  values: CborValue | undefined,
  decodeOne: (value: CborValue) => A | undefined,
): ReadonlyArray<A> | undefined => {
  if (!Array.isArray(values)) return undefined;
  const decoded = values.map(decodeOne).filter((item) => item !== undefined);
  return decoded.length === values.length ? decoded : undefined;
};

const decodeContent = (value: CborValue | undefined): EntryContent | undefined => {
  if (value === undefined || !isList(value, 3)) return undefined;
  const [tag, first, second] = value;
  if (tag === 0) {
    const writes = decodeAll(first, decodeWrite);
    const awaited = decodeAll(second, decodeName);
    return writes && awaited ? { _tag: "Survivors", writes, awaited } : undefined;
  }
  const write = decodeWrite(tag === 1 ? second : first);
  if (write === undefined) return undefined;
  if (tag === 2) return { _tag: "Extreme", write };
  return tag === 1 && typeof first === "number"
    ? { _tag: "Counter", sum: first, newest: write }
    : undefined;
};

/** Undefined for bytes that are no entry: the state file is then thrown away and folded anew. */
export const decodeEntry = (bytes: Uint8Array): Entry | undefined => {
  const decoded = decodeCbor(bytes);
  if (E.isLeft(decoded) || !isList(decoded.right, 4)) return undefined;
  const [device, key, type, contentValue] = decoded.right;
  const content = decodeContent(contentValue);
  if (typeof device !== "string" || typeof key !== "string" || !isCount(type)) return undefined;
  return content === undefined ? undefined : { device, key, type, content };
};
