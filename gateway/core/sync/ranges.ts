/** Ranges: records from peers, live or asked for. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { decodeRange, verifyRange, type Range } from "#core/log/range.ts";
import type { Addition } from "#core/log/stored.ts";
import { headFromOpen, verifyOpen } from "#core/log/verify-epoch.ts";
import { replicaEpochOf, type ReplicaEpoch } from "#core/sync/replica.ts";
import {
  only,
  refuse,
  type Context,
  type Message,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";
import { wantRange } from "#core/sync/wants.ts";
import { isListed } from "#core/trust/roster.ts";

/** A Range, live or asked for: verified whole, then stored; refused whole otherwise. */
export const onRange = (
  context: Context,
  state: SyncState,
  message: Message & { readonly isLive: boolean },
): SyncStep => {
  const { from, isLive } = message;
  const range = decodeRange(message.payload);
  if (E.isLeft(range)) return refuse(state, from, range.left._tag);
  const known = knownEpoch(context, state, range.right);
  if (E.isLeft(known)) {
    return known.left === "epoch-unknown"
      ? wantRange(context, state, { from, epoch: range.right.epoch, size: 1 })
      : refuse(state, from, known.left);
  }
  const { head, author } = known.right;
  if (toHex(head.epoch) === state.ownEpoch) return only(state);
  const lastSeq = head.range.size - 1;
  const knownLeaf = (seq: number): Uint8Array | undefined =>
    seq === lastSeq ? head.lastLeaf : undefined;
  const verified = verifyRange(context.crypto, { head, knownLeaf }, range.right);
  if (E.isLeft(verified)) {
    const error = verified.left;
    return error._tag === "RangeGap"
      ? wantRange(context, state, { from, epoch: range.right.epoch, size: error.size })
      : refuse(state, from, error._tag === "RangeRecords" ? error.cause._tag : error._tag);
  }
  const accepted = verified.right;
  if (accepted.records.length === 0) return only(state);
  const stored = { ...known.right, head: accepted.head };
  const addition: Addition = {
    gateway: author,
    head: accepted.head,
    checkpoint: accepted.checkpointText,
    proof: range.right.proof,
    from: accepted.from,
    records: accepted.records.map(({ header, body }) => ({ header, body })),
    blocks: accepted.blocks,
  };
  return only(state, { _tag: "Store", addition, stored, accepted, from, isLive });
};

/** What is known of a Range's epoch, or learnt from the `open` that the Range begins with. Left: a stable code. */
const knownEpoch = (
  { crypto }: Context,
  state: SyncState,
  range: Range,
): E.Either<string, ReplicaEpoch> => {
  const known = state.replica.get(toHex(range.epoch));
  if (known !== undefined) return E.right(known);
  const first = range.items[0];
  if (range.from !== 0 || first === undefined) return E.left("epoch-unknown");
  const open = verifyOpen(crypto, first, range.epoch);
  if (E.isLeft(open)) return E.left(open.left._tag);
  const { fleet, gateway, gatewayKey } = open.right;
  if (fleet !== state.roster.fleet) return E.left("fleet-foreign");
  if (!isListed(state.roster, gateway, gatewayKey)) return E.left("author-not-in-roster");
  return E.right(replicaEpochOf(open.right, headFromOpen(crypto, open.right)));
};
