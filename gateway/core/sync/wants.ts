/** What there is to fetch, and the asks that fetch it. */
import { toHex } from "#core/bytes.ts";
import {
  ASK_TIMEOUT_MS,
  ASKS_COUNT_MAX,
  ASKS_PER_PEER_MAX,
  only,
  WANTS_COUNT_MAX,
  WANTS_PER_PEER_MAX,
  type Context,
  type SyncEffect,
  type SyncState,
  type SyncStep,
  type Want,
} from "#core/sync/state.ts";

/** Notes what there is to fetch, unless it is held already. */
export const wantRange = (context: Context, state: SyncState, want: Want): SyncStep => {
  const id = toHex(want.epoch);
  const have = state.replica.get(id)?.head.range.size ?? 0;
  if (have >= want.size || id === state.ownEpoch) return only(state);
  if (!state.wants.has(id) && !hasRoomFor(state, want.from)) return only(state);
  const size = Math.max(want.size, state.wants.get(id)?.size ?? 0);
  return pump(context, { ...state, wants: new Map(state.wants).set(id, { ...want, size }) });
};

const hasRoomFor = (state: SyncState, peer: string): boolean => {
  if (state.wants.size >= WANTS_COUNT_MAX) return false;
  let ofPeer = 0;
  for (const { from } of state.wants.values()) if (from === peer) ofPeer += 1;
  return ofPeer < WANTS_PER_PEER_MAX;
};

/** Asks under way, by peer. */
const asksByPeer = (state: SyncState): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const id of state.asks.keys()) {
    const peer = state.wants.get(id)?.from ?? "";
    counts.set(peer, (counts.get(peer) ?? 0) + 1);
  }
  return counts;
};

/** Sends asks for what is wanted, as many as may be under way. */
export const pump = ({ nowMs }: Context, state: SyncState): SyncStep => {
  const asks = new Map(state.asks);
  const ofPeer = asksByPeer(state);
  const effects: SyncEffect[] = [];
  for (const [id, want] of state.wants) {
    if (asks.size >= ASKS_COUNT_MAX) break;
    const underWay = ofPeer.get(want.from) ?? 0;
    if (asks.has(id) || underWay >= ASKS_PER_PEER_MAX) continue;
    ofPeer.set(want.from, underWay + 1);
    asks.set(id, nowMs + ASK_TIMEOUT_MS);
    const from = state.replica.get(id)?.head.range.size ?? 0;
    effects.push({
      _tag: "SendAsk",
      to: want.from,
      ask: { _tag: "AskRange", epoch: want.epoch, from },
    });
  }
  return effects.length === 0 ? only(state) : { state: { ...state, asks }, effects };
};

/** Gives up the asks that were not answered, with their wants: the peer's next head brings them up again. */
export const expireAsks = (context: Context, state: SyncState): SyncStep => {
  const late = [...state.asks].filter(([, until]) => until <= context.nowMs).map(([id]) => id);
  return pump(context, late.reduce(withoutWant, state));
};

const withoutWant = (state: SyncState, id: string): SyncState => {
  const [wants, asks] = [new Map(state.wants), new Map(state.asks)];
  wants.delete(id);
  asks.delete(id);
  return { ...state, wants, asks };
};
