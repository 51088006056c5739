/**
 * Acknowledgements: a gateway tells an author what of its records is on its own disk, and counts what others tell it of
 * its own. They die with the sender's process: a mirror that came back from an old card says so by a new epoch, and
 * what its old one had said no longer counts.
 */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toHex } from "#core/bytes.ts";
import { decodeSignedHeld, heldText, type AuthorHead, type Held } from "#core/message/envelopes.ts";
import { authorHead, splitEnded, type ReplicaEpoch } from "#core/sync/replica.ts";
import { senderOf } from "#core/sync/senders.ts";
import {
  HELD_PERIOD_MIN_MS,
  only,
  refuse,
  type Context,
  type Message,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";
import { activeGateways } from "#core/trust/roster.ts";
import { wantRange } from "#core/sync/wants.ts";

/** What a peer's current epoch has said to hold of this gateway's. */
export interface PeerHeld {
  /** The peer's epoch, hex. */
  readonly epoch: string;
  /** Own epoch (hex) → records on the peer's disk. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** Tells every author what is stored of it. */
export const acknowledgeAll = (context: Context, state: SyncState): SyncStep => {
  const authors = [...state.replica.authors()].filter(
    (author) => author !== state.self && state.replica.of(author).some(({ kept }) => kept),
  );
  return acknowledgeNew(context, { ...state, unacknowledged: new Set(authors) });
};

/** Tells the authors whose records were stored since last time, unless that was just now. */
export const acknowledgeNew = ({ crypto, nowMs }: Context, state: SyncState): SyncStep => {
  const isEarly = nowMs - state.heldSentMs < HELD_PERIOD_MIN_MS;
  if (state.unacknowledged.size === 0 || isEarly || state.ownEpoch === null) return only(state);
  return {
    state: { ...state, unacknowledged: new Set(), heldSentMs: nowMs },
    effects: [...state.unacknowledged].map((author) => {
      const statement = authorHead(crypto.sha256, state, author);
      return { _tag: "SendHeld", statement } as const;
    }),
  };
};

export const onHeld = (context: Context, state: SyncState, message: Message): SyncStep => {
  const { from, payload } = message;
  const signed = decodeSignedHeld(payload);
  if (E.isLeft(signed)) return refuse(state, from, signed.left._tag);
  const { statement: held, signature } = signed.right;
  if (held.statement.author !== state.self) return refuse(state, from, "held-for-another");
  const text = heldText(signed.right.payload);
  const sender = senderOf(context.crypto, state, { from, ...held, signature, text });
  switch (sender) {
    case "verified":
      return takeHeld(context, state, held);
    case "unlisted":
    case "forged":
      return refuse(state, from, `held-${sender}`);
    case "unknown": {
      const waiting = { ...state.unverified.get(from), held: payload };
      const unverified = new Map(state.unverified).set(from, waiting);
      return wantRange(context, { ...state, unverified }, { from, epoch: held.epoch, size: 1 });
    }
  }
};

const ownEpochs = (state: SyncState): ReadonlyArray<ReplicaEpoch> => state.replica.of(state.self);

const takeHeld = (context: Context, state: SyncState, held: Held): SyncStep => {
  const epoch = toHex(held.epoch);
  const { live } = splitEnded(state.replica.of(held.gateway));
  // A late message of an epoch that has ended speaks of a disk that may be gone.
  if (!live.some(({ head }) => equalBytes(head.epoch, held.epoch))) return only(state);
  const known = state.peers.get(held.gateway);
  const sizes = new Map(known?.epoch === epoch ? known.sizes : []);
  for (const [id, size] of statedSizes(context, state, held.statement)) {
    sizes.set(id, Math.max(size, sizes.get(id) ?? 0));
  }
  const peers = new Map(state.peers).set(held.gateway, { epoch, sizes });
  return only({ ...state, peers }, { _tag: "Acknowledged", by: held.gateway });
};

/** Own epoch (hex) → what the statement says is held of it; epochs that are not known here are passed over. */
const statedSizes = (
  { crypto }: Context,
  state: SyncState,
  statement: AuthorHead,
): ReadonlyMap<string, number> => {
  const sizes = new Map<string, number>();
  for (const { epoch, size } of statement.live) {
    const known = state.replica.get(toHex(epoch));
    if (known?.author === state.self)
      sizes.set(toHex(epoch), Math.min(size, known.head.range.size));
  }
  const own = authorHead(crypto.sha256, state, state.self);
  if (equalBytes(own.ended, statement.ended)) {
    for (const { head } of splitEnded(ownEpochs(state)).ended) {
      sizes.set(toHex(head.epoch), head.range.size);
    }
  }
  return sizes;
};

/** What peers that the roster no longer lists as active have said is forgotten. */
export const forgetLeft = (state: SyncState): SyncState => {
  const active = new Set(activeGateways(state.roster).map(({ name }) => name));
  return { ...state, peers: new Map([...state.peers].filter(([name]) => active.has(name))) };
};

/** Peers whose current epoch says to hold this record of this gateway's. */
export const mirroredCount = (state: SyncState, epoch: string, seq: number): number =>
  [...state.peers.values()].filter(({ sizes }) => (sizes.get(epoch) ?? 0) > seq).length;

/** Own records of one epoch that no peer has said to hold: from `from` on, up to `to`. */
export interface Unmirrored {
  readonly epoch: Uint8Array;
  readonly from: number;
  readonly to: number;
}

/** The gateway's risk: what would be lost with its disk. */
export const unmirrored = (state: SyncState): ReadonlyArray<Unmirrored> =>
  ownEpochs(state).flatMap(({ head }) => {
    const id = toHex(head.epoch);
    const counts = [...state.peers.values()].map(({ sizes }) => sizes.get(id) ?? 0);
    const from = Math.max(0, ...counts);
    const to = head.range.size;
    return from < to ? [{ epoch: head.epoch, from, to }] : [];
  });
