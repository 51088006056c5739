/** Ranges: records from peers, live or asked for. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toHex } from "#core/bytes.ts";
import type { OpenBody } from "#core/log/body.ts";
import { openCheckpoint } from "#core/log/checkpoint.ts";
import { decodeRange, verifyRange, type Range, type RangeError } from "#core/log/range.ts";
import { leafOf } from "#core/log/record.ts";
import type { Addition } from "#core/log/stored.ts";
import { headFromOpen, verifyOpen } from "#core/log/verify-epoch.ts";
import { suspect } from "#core/sync/forks.ts";
import { fillFrom } from "#core/sync/holes.ts";
import { replicaEpochOf, type ReplicaEpoch } from "#core/sync/replica.ts";
import {
  and,
  EPOCHS_PER_AUTHOR_MAX,
  only,
  refuse,
  type Context,
  type Message,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";
import { failAsk, wantRange } from "#core/sync/wants.ts";
import { countedSize as countedByRoster, statusOf } from "#core/trust/roster.ts";

type RangeMessage = Message & { readonly isLive: boolean };

/** A Range, live or asked for: verified whole, then stored; refused whole otherwise. */
export const onRange = (context: Context, state: SyncState, message: RangeMessage): SyncStep => {
  const { from } = message;
  const decoded = decodeRange(message.payload);
  if (E.isLeft(decoded)) return refuse(state, from, decoded.left._tag);
  const range = decoded.right;
  const filled = message.isLive ? only(state) : fillFrom(state, range);
  return and(filled, (s) => takeDecoded(context, s, { message, range }));
};

const takeDecoded = (
  context: Context,
  state: SyncState,
  { message, range }: { readonly message: RangeMessage; readonly range: Range },
): SyncStep => {
  const { from } = message;
  const id = toHex(range.epoch);
  if (id === state.ownEpoch) return only(state);
  const known = knownEpoch(context, state, range);
  if (E.isLeft(known)) {
    const { code, author } = known.left;
    if (code === "epoch-unknown") {
      return wantRange(context, state, { from, epoch: range.epoch, size: 1 });
    }
    const next = code === "too-many-epochs" ? tellEndless(state, author) : only(state);
    return and(next, (s) => refuseRange(context, s, { from, epoch: range.epoch, code }));
  }
  if (state.hunts.get(id)?.from === from && !message.isLive) {
    return compare(context, state, { message, range, known: known.right });
  }
  return takeRange(context, state, { message, range, known: known.right });
};

interface Incoming {
  readonly message: RangeMessage;
  readonly range: Range;
  readonly known: ReplicaEpoch;
}

const spanOf = ({ epoch, from, items }: Range): Parameters<typeof suspect>[2]["range"] => ({
  epoch,
  from,
  to: from + items.length,
});

/** In a hunt for the place where two branches part, everything signed is compared. */
const compare = (context: Context, state: SyncState, incoming: Incoming): SyncStep => {
  const { message, range, known } = incoming;
  const checkpoint = openCheckpoint(context.crypto, range.checkpoint, known.head);
  return E.isLeft(checkpoint)
    ? refuse(state, message.from, checkpoint.left._tag)
    : suspect(context, state, { message, code: "range-differs", range: spanOf(range) });
};

const takeRange = (context: Context, state: SyncState, incoming: Incoming): SyncStep => {
  const { message, range, known } = incoming;
  const { from, isLive } = message;
  const { head, author } = known;
  // What came by one broker comes by the next one too: no signature is checked for it again.
  if (isHeld(context, range, known)) return only(state);
  const lastSeq = head.range.size - 1;
  const knownLeaf = (seq: number): Uint8Array | undefined =>
    seq === lastSeq ? head.lastLeaf : undefined;
  const verified = verifyRange(context.crypto, { head, knownLeaf }, range);
  if (E.isLeft(verified)) return onMisfit(context, state, { ...incoming, error: verified.left });
  const accepted = verified.right;
  if (accepted.records.length === 0) return only(state);
  const stored = { ...known, head: accepted.head };
  const addition: Addition = {
    gateway: author,
    head: accepted.head,
    checkpoint: accepted.checkpointText,
    proof: range.proof,
    from: accepted.from,
    records: accepted.records.map(({ header, body }) => ({ header, body })),
    blocks: accepted.blocks,
  };
  return only(state, { _tag: "Store", addition, stored, accepted, from, isLive });
};

/** Whether the Range ends just where its epoch is held up to, in the same leaf. */
const isHeld = ({ crypto }: Context, range: Range, { head }: ReplicaEpoch): boolean => {
  const last = range.items.at(-1);
  return (
    last !== undefined &&
    range.from + range.items.length === head.range.size &&
    equalBytes(leafOf(crypto.sha256, last.header), head.lastLeaf)
  );
};

/** What doesn't fit under a valid checkpoint is a gap, a fork, or the sender's fault. */
const onMisfit = (
  context: Context,
  state: SyncState,
  { message, range, known, error }: Incoming & { readonly error: RangeError },
): SyncStep => {
  const { from } = message;
  const code = error._tag === "RangeRecords" ? error.cause._tag : error._tag;
  if (error._tag === "RangeGap") {
    return wantRange(context, state, { from, epoch: range.epoch, size: error.size });
  }
  return known.kept && mayFork(error)
    ? suspect(context, state, { message, code, range: spanOf(range) })
    : refuseRange(context, state, { from, epoch: range.epoch, code });
};

/** The sender's fault; whoever else has the epoch is asked. */
const refuseRange = (
  context: Context,
  state: SyncState,
  refused: { readonly from: string; readonly epoch: Uint8Array; readonly code: string },
): SyncStep => {
  const { from, code } = refused;
  return and(refuse(state, from, code), (s) => failAsk(context, s, refused));
};

/** Errors behind a checkpoint that the epoch's key signed: two branches would look just so. */
const mayFork = (error: RangeError): boolean => {
  if (error._tag === "RangeForks" || error._tag === "RangeUnproved") return true;
  if (error._tag !== "RangeRecords" || error.cause._tag !== "RecordBad") return false;
  return error.cause.cause._tag === "PrevDiffers";
};

/** Told of once, whoever hands its epochs over. */
const tellEndless = (state: SyncState, author: string): SyncStep =>
  state.endless.has(author)
    ? only(state)
    : only(
        { ...state, endless: new Set(state.endless).add(author) },
        { _tag: "Alarm", code: "too-many-epochs", author },
      );

/** Why a Range's epoch isn't taken: a stable code, and whose it says it is. */
interface EpochRefusal {
  readonly code: string;
  readonly author: string;
}

/** What is known of a Range's epoch, or learnt from the `open` that the Range begins with. */
const knownEpoch = (
  { crypto }: Context,
  state: SyncState,
  range: Range,
): E.Either<EpochRefusal, ReplicaEpoch> => {
  const known = state.replica.get(toHex(range.epoch));
  if (known !== undefined) return E.right(known);
  const first = range.items[0];
  if (range.from !== 0 || first === undefined) {
    return E.left({ code: "epoch-unknown", author: "" });
  }
  const open = verifyOpen(crypto, first, range.epoch);
  if (E.isLeft(open)) return E.left({ code: open.left._tag, author: "" });
  const refusal = refusalOf(state, open.right, toHex(range.epoch));
  if (refusal !== undefined) return E.left({ code: refusal, author: open.right.gateway });
  const kept = state.stores.has(open.right.gateway);
  return E.right(replicaEpochOf(open.right, headFromOpen(crypto, open.right), kept));
};

/** Why an epoch isn't taken; undefined for one that is. */
const refusalOf = (state: SyncState, open: OpenBody, epoch: string): string | undefined => {
  const { roster, replica } = state;
  if (open.fleet !== roster.fleet) return "fleet-foreign";
  if (statusOf(roster, open.gateway, open.gatewayKey) === null) return "author-not-in-roster";
  const gatewayKey = toHex(open.gatewayKey);
  // Of a revoked key only what the roster lets count is worth a place on the disk.
  if (countedByRoster(roster, { gateway: open.gateway, gatewayKey, epoch }) === 0) {
    return "author-revoked";
  }
  return replica.of(open.gateway).length >= EPOCHS_PER_AUTHOR_MAX ? "too-many-epochs" : undefined;
};
