/** A pattern that is being shown, step by step, by whoever can't always write when a step is due. Pure. */
import { type FeedbackSignal, type LightStep, PATTERNS, stepsOf } from "#core/feedback/patterns.ts";

export interface Playback {
  /** Still to be shown, the next one first. */
  readonly left: ReadonlyArray<LightStep>;
  /** From when on the next one may be shown, ms monotonic. */
  readonly dueMs: number;
}

const ALL_OFF: LightStep = { green: false, red: false, buzzer: false, ms: 0 };

export const NOTHING_PLAYS: Playback = { left: [], dueMs: 0 };

/** Begins with the first step at once, and ends with all off. */
export const play = (signal: FeedbackSignal, nowMs: number): Playback => ({
  left: [...stepsOf(PATTERNS[signal]), ALL_OFF],
  dueMs: nowMs,
});

/** All off, from then on. */
export const playOff = (dueMs: number): Playback => ({ left: [ALL_OFF], dueMs });

/** When to write next; undefined: everything was shown. */
export const playbackDueMs = ({ left, dueMs }: Playback): number | undefined =>
  left.length === 0 ? undefined : dueMs;

/** The next step, if it is due. */
export const stepDue = ({ left, dueMs }: Playback, nowMs: number): LightStep | undefined =>
  nowMs < dueMs ? undefined : left[0];

/** The next step was shown at that time. It stays for as long as it should, even if it came late. */
export const afterStep = ({ left }: Playback, nowMs: number): Playback => ({
  left: left.slice(1),
  dueMs: nowMs + (left[0]?.ms ?? 0),
});
