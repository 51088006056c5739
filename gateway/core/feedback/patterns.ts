/** What a person sees and hears at a reader, as data: each kind of light turns it into commands of its own. */

/** What there is to tell. */
export type FeedbackSignal = "accepted" | "unknown" | "refused" | "failed";

/** Lights with a beep, so often; afterwards the lights stay on for a while without one. */
export interface Pattern {
  readonly green: boolean;
  readonly red: boolean;
  readonly onMs: number;
  readonly offMs: number;
  readonly times: number;
}

/** Told apart with closed eyes: one short, two short, three short, one long. */
export const PATTERNS: Readonly<Record<FeedbackSignal, Pattern>> = {
  accepted: { green: true, red: false, onMs: 100, offMs: 0, times: 1 },
  unknown: { green: true, red: true, onMs: 100, offMs: 100, times: 2 },
  refused: { green: false, red: true, onMs: 100, offMs: 100, times: 3 },
  failed: { green: false, red: true, onMs: 600, offMs: 0, times: 1 },
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

/** A person who looks up from the tool in their hand still sees it. */
const AFTERGLOW_MS = 1_000;

/** The pattern for lights that can only be switched on and off; behind the last step all is off. */
export const stepsOf = ({ green, red, onMs, offMs, times }: Pattern): ReadonlyArray<LightStep> => {
  const beep: LightStep = { green, red, buzzer: true, ms: onMs };
  const gap: LightStep = { green: false, red: false, buzzer: false, ms: offMs };
  const blink = offMs === 0 ? [beep] : [beep, gap];
  const blinks = Array.from({ length: times }, () => blink).flat();
  return [...blinks, { green, red, buzzer: false, ms: AFTERGLOW_MS }];
};
