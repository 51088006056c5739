/**
 * Records whose bodies damage has taken are asked for, one peer after the other. A body proves itself by the hash in the
 * header that stands.
 */
import { fromHex, toHex } from "#core/bytes.ts";
import type { Range } from "#core/log/range.ts";
import { only, type Context, type SyncState, type SyncStep } from "#core/sync/state.ts";
import { activeGateways } from "#core/trust/roster.ts";

/** Bodies are asked for so often: rarely, since who was asked may not have them either. */
const HOLE_PERIOD_MS = 3_000;

/** Asks the next peer for the first hole. */
export const askForHoles = ({ nowMs }: Context, state: SyncState): SyncStep => {
  const [hole] = state.holes;
  if (hole === undefined || nowMs < state.holesDueMs) return only(state);
  const peers = activeGateways(state.roster).filter(({ name }) => name !== state.self);
  const peer = peers[state.holesCursor % Math.max(1, peers.length)];
  const epoch = fromHex(hole[0]);
  const [seq] = hole[1];
  const next = { ...state, holesDueMs: nowMs + HOLE_PERIOD_MS, holesCursor: state.holesCursor + 1 };
  if (peer === undefined || epoch === undefined || seq === undefined) return only(next);
  const ask = { _tag: "AskRange", epoch, from: seq } as const;
  return only(next, { _tag: "SendAsk", to: peer.name, ask });
};

/** Bodies of a Range that are missing here. */
export const fillFrom = (state: SyncState, { epoch, from, items }: Range): SyncStep => {
  const missing = state.holes.get(toHex(epoch));
  if (missing === undefined) return only(state);
  const bodies = items.flatMap(({ body }, index) =>
    body !== null && missing.has(from + index) ? [{ seq: from + index, body }] : [],
  );
  return bodies.length === 0 ? only(state) : only(state, { _tag: "Fill", epoch, bodies });
};

/** They are on disk: the next hole is asked for at once. */
export const onFilled = (
  context: Context,
  state: SyncState,
  filled: { readonly epoch: Uint8Array; readonly seqs: ReadonlyArray<number> },
): SyncStep => {
  const id = toHex(filled.epoch);
  const left = [...(state.holes.get(id) ?? [])].filter((seq) => !filled.seqs.includes(seq));
  const holes = new Map(state.holes);
  if (left.length === 0) holes.delete(id);
  else holes.set(id, new Set(left));
  return askForHoles(context, { ...state, holes, holesDueMs: context.nowMs });
};
