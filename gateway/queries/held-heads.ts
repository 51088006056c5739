/** How much of a gateway's log is held, epoch by epoch: what a revocation lets count, so that nothing held is lost. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { decodeBody } from "#core/log/body.ts";
import { KIND, type RecordBytes } from "#core/log/record.ts";
import type { Store } from "#gateway/ports.ts";

export interface AuthorHeads {
  readonly gateway: string;
  /** The largest size of each epoch that whoever answered holds. */
  readonly epochs: ReadonlyArray<{
    /** Hex, as everything here. */
    readonly epoch: string;
    /** The gateway key that opened it. */
    readonly key: string;
    readonly size: number;
  }>;
  /** Peers that were asked, and those of them that answered in time; both empty for what one disk says alone. */
  readonly asked: ReadonlyArray<string>;
  readonly answered: ReadonlyArray<string>;
}

const keyOf = (open: RecordBytes | undefined): string | undefined => {
  if (open === undefined || open.body === null) return undefined;
  const body = decodeBody(KIND.open, open.body);
  return E.isRight(body) && body.right._tag === "Open" ? toHex(body.right.gatewayKey) : undefined;
};

/** What this gateway's own disk holds. */
export const heldHeads = async (store: Store, gateway: string): Promise<AuthorHeads> => {
  const epochs: Array<AuthorHeads["epochs"][number]> = [];
  for (const { head, gateway: author } of await store.epochs()) {
    if (author !== gateway) continue;
    const [open] = await store.records(head.epoch, 0, 1);
    const key = keyOf(open);
    if (key !== undefined) epochs.push({ epoch: toHex(head.epoch), key, size: head.range.size });
  }
  return { gateway, epochs, asked: [], answered: [] };
};

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isHex = (value: unknown, digitCount: number): value is string =>
  typeof value === "string" && value.length === digitCount && /^[0-9a-f]*$/.test(value);

const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

const isEpoch = (value: unknown): value is AuthorHeads["epochs"][number] => {
  if (!isFields(value)) return false;
  const { epoch, key, size } = value;
  const isSize = typeof size === "number" && Number.isSafeInteger(size) && size >= 0;
  return isHex(epoch, 32) && isHex(key, 64) && isSize;
};

/** Reads what `tapmesh log heads --json` printed; undefined for anything else. */
export const parseAuthorHeads = (text: string): AuthorHeads | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // JSON.parse says "malformed" by throwing
  }
  if (!isFields(value)) return undefined;
  const { gateway, epochs, asked, answered } = value;
  if (typeof gateway !== "string" || !isTexts(asked) || !isTexts(answered)) return undefined;
  return Array.isArray(epochs) && epochs.every(isEpoch)
    ? { gateway, epochs, asked, answered }
    : undefined;
};
