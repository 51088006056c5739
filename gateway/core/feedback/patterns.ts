/** What a person sees and hears at a reader, as data: each kind of light turns it into commands of its own. */

/** What there is to tell: that a card is being read, and what came of it. */
export type FeedbackSignal =
  | "reading"
  | "accepted"
  | "unknown"
  | "refused"
  | "failed"
  | "checked-out"
  | "checked-in"
  | "session-over";

/** Lights with a beep, so often; afterwards the lights stay on for a while without one. */
export interface Pattern {
  readonly green: boolean;
  readonly red: boolean;
  readonly onMs: number;
  readonly offMs: number;
  readonly times: number;
  /** What shines behind the last beep goes out by itself after that. */
  readonly stayMs: number;
}

/** A person who looks up from the tool in their hand still sees it. */
const AFTERGLOW_MS = 1_000;
/** The slowest card is read by then; a verdict takes its place, and if none comes it goes out. */
const READING_MS = 3_000;

/**
 * Told apart with closed eyes: one short, two short, three short, one long. With check-out: one drawn out (it goes out),
 * two drawn out (it is back), two short far apart (no thing can be held any more). `reading` is to be seen alone.
 */
export const PATTERNS: Readonly<Record<FeedbackSignal, Pattern>> = {
  reading: { green: true, red: true, onMs: 0, offMs: 0, times: 0, stayMs: READING_MS },
  accepted: { green: true, red: false, onMs: 100, offMs: 0, times: 1, stayMs: AFTERGLOW_MS },
  unknown: { green: true, red: true, onMs: 100, offMs: 100, times: 2, stayMs: AFTERGLOW_MS },
  refused: { green: false, red: true, onMs: 100, offMs: 100, times: 3, stayMs: AFTERGLOW_MS },
  failed: { green: false, red: true, onMs: 600, offMs: 0, times: 1, stayMs: AFTERGLOW_MS },
  "checked-out": { green: true, red: false, onMs: 300, offMs: 0, times: 1, stayMs: AFTERGLOW_MS },
  "checked-in": { green: true, red: false, onMs: 200, offMs: 100, times: 2, stayMs: AFTERGLOW_MS },
  "session-over": {
    green: false,
    red: true,
    onMs: 100,
    offMs: 200,
    times: 2,
    stayMs: AFTERGLOW_MS,
  },
};

/** How long beeping and blinking take. */
export const beepingMs = ({ onMs, offMs, times }: Pattern): number => (onMs + offMs) * times;

/** What is on for a time. */
export interface LightStep {
  readonly green: boolean;
  readonly red: boolean;
  readonly buzzer: boolean;
  readonly ms: number;
}

/** The pattern for lights that can only be switched on and off; behind the last step all is off. */
export const stepsOf = ({
  green,
  red,
  onMs,
  offMs,
  times,
  stayMs,
}: Pattern): ReadonlyArray<LightStep> => {
  const beep: LightStep = { green, red, buzzer: true, ms: onMs };
  const gap: LightStep = { green: false, red: false, buzzer: false, ms: offMs };
  const blink = offMs === 0 ? [beep] : [beep, gap];
  const blinks = Array.from({ length: times }, () => blink).flat();
  return [...blinks, { green, red, buzzer: false, ms: stayMs }];
};
