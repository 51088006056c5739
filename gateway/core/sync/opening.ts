/**
 * When an own epoch is opened without a tap: at a start peers are heard first, so that a lost tail comes back before the
 * `open` names its epoch. A tap never waits for that.
 */
import {
  HEADS_WAIT_MIN_MS,
  HEADS_WAIT_MS,
  only,
  type Context,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";

/** Where the disk refuses, it is tried again so often. */
const OPEN_RETRY_MS = 10_000;

export const startOpening = ({ nowMs }: Context, state: SyncState): SyncStep => {
  if (state.opening !== null) return only(state);
  const hasPeers = state.roster.gateways.some(
    ({ name, status }) => name !== state.self && status === "active",
  );
  if (hasPeers) {
    return only({ ...state, opening: { sinceMs: nowMs, untilMs: nowMs + HEADS_WAIT_MS } });
  }
  const again = { sinceMs: nowMs + OPEN_RETRY_MS, untilMs: nowMs + OPEN_RETRY_MS };
  return only({ ...state, opening: again }, { _tag: "OpenEpoch" });
};

/**
 * Opens once peers were heard and nothing of one's own is still to come, or when it has taken long enough; and again, as
 * long as the disk won't have it: without an epoch a gateway can say nothing.
 */
export const openWhenHeard = ({ nowMs }: Context, state: SyncState): SyncStep => {
  const { opening } = state;
  if (opening === null) return only(state);
  const wasHeard = state.wants.size === 0 && nowMs >= opening.sinceMs + HEADS_WAIT_MIN_MS;
  if (!wasHeard && nowMs < opening.untilMs) return only(state);
  const again = { sinceMs: nowMs + OPEN_RETRY_MS, untilMs: nowMs + OPEN_RETRY_MS };
  return only({ ...state, opening: again }, { _tag: "OpenEpoch" });
};
