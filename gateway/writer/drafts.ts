/** The records that an epoch itself needs, and how much a group may hold. */
import { ACTOR, encodeBody, type EarlierEpoch } from "#core/log/body.ts";
import { signOpen, type Draft } from "#core/log/epoch.ts";
import { RECORD_BYTES_MAX } from "#core/log/record.ts";
import { GROUP_BYTES_MAX } from "#gateway/limits.ts";
import { randomBytes, type SigningKey } from "#gateway/node-crypto.ts";
import type { Clock } from "#gateway/ports.ts";

/** Who writes, as an `open` record says it. */
export interface Author {
  readonly fleet: string;
  readonly gateway: string;
  readonly gatewayKey: SigningKey;
  readonly bootId: Uint8Array;
  readonly clockClass: () => number;
}

/** The first record of an epoch, signed by the gateway key. */
export const openDraft = (
  author: Author,
  clock: Clock,
  epoch: {
    readonly epochKey: Uint8Array;
    readonly reason: number;
    readonly earlier: ReadonlyArray<EarlierEpoch>;
  },
): Draft => {
  const { fleet, gateway, gatewayKey, bootId } = author;
  const salt = randomBytes(16);
  const body = signOpen(
    salt,
    {
      _tag: "Open",
      actor: { kind: ACTOR.gateway, name: gateway },
      fleet,
      gateway,
      gatewayKey: gatewayKey.publicKey,
      bootId,
      clockClass: author.clockClass(),
      ...epoch,
    },
    gatewayKey.sign,
  );
  return { body, salt, wallMs: clock.wallMs(), monoMs: clock.monoMs() };
};

/** The last record of an epoch that ends in order. */
export const closeDraft = (author: Author, clock: Clock, reason: number): Draft => {
  const actor = { kind: ACTOR.gateway, name: author.gateway };
  const body = { _tag: "Close", actor, reason } as const;
  return { body, salt: randomBytes(16), wallMs: clock.wallMs(), monoMs: clock.monoMs() };
};

/** A header is 80 to 100 bytes, by the size of its numbers. */
const HEADER_BYTES_MAX = 100;

export const recordBytes = (draft: Draft): number =>
  HEADER_BYTES_MAX + encodeBody(draft.salt, draft.body).length;

/** A group that holds a record over the limit is split until that record stands alone, and is refused alone. */
export const isTooMuch = (bytes: ReadonlyArray<number>): boolean =>
  bytes.some((count) => count > RECORD_BYTES_MAX) ||
  bytes.reduce((sum, count) => sum + count, 0) > GROUP_BYTES_MAX;
