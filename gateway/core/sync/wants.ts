/** What there is to fetch, and the asks that fetch it. */
import { toHex } from "#core/bytes.ts";
import { hastenHead } from "#core/sync/next-head.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import {
  ASK_TIMEOUT_MS,
  ASKS_COUNT_MAX,
  ASKS_PER_PEER_MAX,
  HEAD_PERIOD_HINT_MS,
  PEERS_PER_WANT_MAX,
  only,
  WANTS_COUNT_MAX,
  WANTS_PER_PEER_MAX,
  type Context,
  type SyncState,
  type SyncStep,
  type Want,
} from "#core/sync/state.ts";

/** What one peer says it has. */
export interface Offer {
  readonly from: string;
  readonly epoch: Uint8Array;
  readonly size: number;
}

/** Notes what there is to fetch, and from whom, unless it is held already or lies behind a cut. */
export const wantRange = (context: Context, state: SyncState, offer: Offer): SyncStep => {
  const { from, epoch } = offer;
  const id = toHex(epoch);
  const have = state.replica.get(id)?.head.range.size ?? 0;
  const worth = Math.min(offer.size, state.cuts.get(id) ?? Number.POSITIVE_INFINITY);
  if (have >= worth || id === state.ownEpoch) return only(state);
  const known = state.wants.get(id);
  if (known === undefined && !hasRoomFor(state, from)) return only(state);
  const peers = [...new Set([...(known?.peers ?? []), from])];
  const size = Math.max(offer.size, known?.size ?? 0);
  const want: Want = { epoch, size, peers: peers.slice(0, PEERS_PER_WANT_MAX) };
  return pump(context, { ...state, wants: new Map(state.wants).set(id, want) });
};

const hasRoomFor = (state: SyncState, peer: string): boolean => {
  if (state.wants.size >= WANTS_COUNT_MAX) return false;
  let ofPeer = 0;
  for (const { peers } of state.wants.values()) if (peers[0] === peer) ofPeer += 1;
  return ofPeer < WANTS_PER_PEER_MAX;
};

/** Asks under way, by peer. */
const asksByPeer = (state: SyncState): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const id of state.asks.keys()) {
    const peer = state.wants.get(id)?.peers[0] ?? "";
    counts.set(peer, (counts.get(peer) ?? 0) + 1);
  }
  return counts;
};

/** Before a snapshot is asked for and behind it. */
const FETCHING: ReadonlySet<string> = new Set(["SnapshotWanted", "SnapshotDone"]);

/** Sends asks for what is wanted, as many as may be under way. */
export const pump = ({ nowMs }: Context, state: SyncState): SyncStep => {
  const [asks, wants] = [new Map(state.asks), new Map(state.wants)];
  const ofPeer = asksByPeer(state);
  const effects: SyncEffect[] = [];
  const isWaitingForSnapshot = !FETCHING.has(state.snapshot._tag);
  for (const [id, want] of state.wants) {
    if (asks.size >= ASKS_COUNT_MAX) break;
    // While a snapshot is on its way only the first record of an epoch is fetched, to check who speaks.
    if (asks.has(id) || (isWaitingForSnapshot && want.size > 1)) continue;
    const peer = want.peers.find((one) => (ofPeer.get(one) ?? 0) < ASKS_PER_PEER_MAX);
    if (peer === undefined) continue;
    ofPeer.set(peer, (ofPeer.get(peer) ?? 0) + 1);
    asks.set(id, nowMs + ASK_TIMEOUT_MS);
    wants.set(id, { ...want, peers: [peer, ...want.peers.filter((one) => one !== peer)] });
    const from = state.replica.get(id)?.head.range.size ?? 0;
    effects.push({
      _tag: "SendAsk",
      to: peer,
      ask: { _tag: "AskRange", epoch: want.epoch, from },
    });
  }
  return effects.length === 0 ? only(state) : { state: { ...state, asks, wants }, effects };
};

/**
 * Gives up the asks that were not answered: the next peer that has it is asked, and where none is left the want is
 * dropped, until a head brings it up again.
 */
export const expireAsks = (context: Context, state: SyncState): SyncStep => {
  const late = [...state.asks].filter(([, until]) => until <= context.nowMs).map(([id]) => id);
  if (late.length === 0) return only(state);
  const next = late.reduce(withoutFirstPeer, state);
  // What nobody is left to be asked for, peers bring up again once they hear that it is missing here.
  const isDropped = late.some((id) => !next.wants.has(id));
  return pump(context, isDropped ? hastenHead(context, next, HEAD_PERIOD_HINT_MS) : next);
};

/** A peer's answer could not be used: the next one is asked at once, or whoever says next that it has it. */
export const failAsk = (
  context: Context,
  state: SyncState,
  failed: { readonly from: string; readonly epoch: Uint8Array },
): SyncStep => {
  const id = toHex(failed.epoch);
  const isAsked = state.asks.has(id) && state.wants.get(id)?.peers[0] === failed.from;
  return isAsked ? pump(context, withoutFirstPeer(state, id)) : only(state);
};

const withoutFirstPeer = (state: SyncState, id: string): SyncState => {
  const [wants, asks] = [new Map(state.wants), new Map(state.asks)];
  const want = wants.get(id);
  asks.delete(id);
  wants.delete(id);
  if (want !== undefined && want.peers.length > 1) {
    wants.set(id, { ...want, peers: want.peers.slice(1) });
  }
  return { ...state, wants, asks };
};
