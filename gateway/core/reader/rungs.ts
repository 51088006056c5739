/** The steps that can bring a reader back, and how often each may be taken. */

/** From the mildest to the hardest; a driver has those of them that fit it. */
export type RecoveryStep =
  /** Lets go of the reader and takes it anew, on the connection that there is. */
  | "reselect"
  /** Closes the connection (port, bus) and opens it anew. */
  | "reopen"
  /** Another PC/SC child. */
  | "restart-child"
  | "restart-pcscd"
  /** The kernel lets go of the USB device and takes it anew. */
  | "usb-rebind"
  /** The USB port's power off and on. */
  | "port-power";

export interface Rung {
  readonly step: RecoveryStep;
  /** After the step: how long the reader has to answer before the next one is taken. */
  readonly settleMs: number;
  /** Between two takings of this step at one reader. */
  readonly restMs: number;
  /** It takes the other readers of its driver down with it for a moment. */
  readonly isShared: boolean;
}

/**
 * Settling: what the step itself takes, and a round trip. Resting: what the step costs. A restart of pcscd is
 * felt by every program on it, and a USB hub may lose all its ports with one.
 */
const RUNGS: ReadonlyArray<Rung> = [
  { step: "reselect", settleMs: 1_500, restMs: 2_000, isShared: false },
  { step: "reopen", settleMs: 1_500, restMs: 5_000, isShared: false },
  { step: "restart-child", settleMs: 5_000, restMs: 10_000, isShared: true },
  { step: "restart-pcscd", settleMs: 6_000, restMs: 60_000, isShared: true },
  { step: "usb-rebind", settleMs: 6_000, restMs: 120_000, isShared: false },
  { step: "port-power", settleMs: 8_000, restMs: 600_000, isShared: false },
];

/** How a ladder is climbed: its rungs, the mildest first, and its times. */
export interface LadderPlan {
  readonly rungs: ReadonlyArray<Rung>;
  /** A reader that fails has so long to come back by itself. */
  readonly graceMs: number;
  /** Sound for so long, the next failure is a new one and begins at the mildest step. */
  readonly steadyMs: number;
  /** No step helped: the next climb, and then ever later. There is no last one. */
  readonly retryFirstMs: number;
  readonly retryMaxMs: number;
  /** A step that has not ended by then counts as failed. */
  readonly stepTimeoutMs: number;
}

/** The ladder of a driver that has these steps. */
export const planOf = (steps: ReadonlyArray<RecoveryStep>): LadderPlan => ({
  rungs: RUNGS.filter(({ step }) => steps.includes(step)),
  graceMs: 1_000,
  steadyMs: 60_000,
  retryFirstMs: 60_000,
  retryMaxMs: 3_600_000,
  stepTimeoutMs: 30_000,
});
