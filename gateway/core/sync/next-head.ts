/** When the own head is published next, if not when its period is over. */
import type { Context, SyncState } from "#core/sync/state.ts";

/** At the next tick, unless one was published less than `periodMs` ago: then as soon as that is over. */
export const hastenHead = ({ nowMs }: Context, state: SyncState, periodMs: number): SyncState => {
  const soonest = Math.max(nowMs, state.headSentMs + periodMs);
  return { ...state, headDueMs: Math.min(state.headDueMs, soonest) };
};
