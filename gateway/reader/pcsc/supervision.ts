/**
 * When the PC/SC child is started, believed, killed and started again. Pure: readers.ts feeds it and
 * carries out its effects.
 */
import {
  PCSC_HEARTBEAT_TIMEOUT_MS,
  PCSC_RESPAWN_DELAY_FIRST_MS,
  PCSC_RESPAWN_DELAY_MAX_MS,
} from "#gateway/limits.ts";
import {
  type BoundReaders,
  type ConfiguredReader,
  type Down,
  hear,
  nameMissing,
  type ReaderEffect,
  type ReadersStep,
  takeAllDown,
  unboundReaders,
} from "#gateway/reader/pcsc/bound-readers.ts";
import {
  type ChildMessage,
  EXIT_MODULE_UNLOADABLE,
  EXIT_PCSCD_GONE,
  EXIT_PCSCD_REFUSED,
} from "#gateway/reader/pcsc/messages.ts";
import type { PcscdProbe } from "#gateway/reader/pcsc/pcscd-socket.ts";

/** A child that has not said a word: Node alone takes a slow Pi seconds to load. */
export const CHILD_START_TIMEOUT_MS = 10_000;
/** Up for so long, the child counts as sound, and its next failure as the first. */
export const CHILD_STEADY_MS = 10_000;
/** A reader not seen so long after the child's first word is missing: pcscd lists all at once. */
export const READER_MISSING_DELAY_MS = 2_000;
/** What needs an operator's hands is tried at leisure: each try is a process. */
export const MODULE_RETRY_DELAY_MS = 30_000;

type Child =
  /** None; the next try is due then. */
  | { readonly _tag: "Absent"; readonly retryAtMs: number }
  /** Whether pcscd can be reached is being found out. */
  | { readonly _tag: "Probing" }
  | { readonly _tag: "Starting"; readonly deadlineMs: number }
  | { readonly _tag: "Running"; readonly sinceMs: number; readonly heardMs: number }
  /** Killed; what it still says is not believed. */
  | { readonly _tag: "Dying"; readonly reason: string };

export interface Supervision {
  readonly child: Child;
  /** Failures since the child last counted as sound. */
  readonly failureCount: number;
  readonly readers: BoundReaders;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The end of what it wrote to stderr. */
  readonly detail: string;
}

/** What the child says of its readers, and its heartbeat; feedback and exchanges are between caller and child. */
export type Supervised = Exclude<ChildMessage, { _tag: "FeedbackDone" | "ExchangeDone" }>;

export type Input =
  | { readonly _tag: "Tick" }
  | { readonly _tag: "Probed"; readonly probe: PcscdProbe }
  | { readonly _tag: "ChildSaid"; readonly message: Supervised }
  | { readonly _tag: "ChildExited"; readonly exit: ChildExit }
  /** Another child is wanted, at once. */
  | { readonly _tag: "Restart"; readonly reason: string };

export type Effect =
  | ReaderEffect
  /** Find out whether pcscd can be reached, and answer with `Probed`. */
  | { readonly _tag: "Probe" }
  | { readonly _tag: "Spawn" }
  /** With SIGKILL: what is to be killed no longer listens. */
  | { readonly _tag: "Kill" };

export interface Step {
  readonly state: Supervision;
  readonly effects: ReadonlyArray<Effect>;
}

/** Nothing is running; the first try is due at once. */
export const initialSupervision = (
  configured: ReadonlyArray<ConfiguredReader>,
  monoMs: number,
): Supervision => ({
  child: { _tag: "Absent", retryAtMs: monoMs },
  failureCount: 0,
  readers: unboundReaders(configured),
});

/** 100, 200, 400 ms … up to the limit. */
const retryDelayMs = (failureCount: number): number =>
  Math.min(PCSC_RESPAWN_DELAY_FIRST_MS * 2 ** (failureCount - 1), PCSC_RESPAWN_DELAY_MAX_MS);

const then = (state: Supervision, readers: ReadersStep, ...more: ReadonlyArray<Effect>): Step => ({
  state: { ...state, readers: readers.readers },
  effects: [...readers.effects, ...more],
});

const nothing = (state: Supervision): Step => ({ state, effects: [] });

const tryLater = (state: Supervision, down: Down, delayMs?: number): Step => {
  const failureCount = state.failureCount + 1;
  const retryAtMs = down.monoMs + (delayMs ?? retryDelayMs(failureCount));
  const child: Child = { _tag: "Absent", retryAtMs };
  return then({ ...state, failureCount, child }, takeAllDown(state.readers, down));
};

const kill = (state: Supervision, down: Down): Step =>
  then(
    { ...state, child: { _tag: "Dying", reason: down.reason } },
    takeAllDown(state.readers, down),
    { _tag: "Kill" },
  );

const REFUSED =
  "pcscd refuses this user: allow org.debian.pcsc-lite.access_pcsc and access_card by a polkit rule";
const REASON_OF_PROBE: Readonly<Record<Exclude<PcscdProbe, "running">, string>> = {
  missing: "pcscd is not running: sudo systemctl start pcscd.socket",
  refused: REFUSED,
};

const REASON_OF_EXIT: ReadonlyMap<number | null, string> = new Map([
  [
    EXIT_MODULE_UNLOADABLE,
    "nfc-pcsc can't be loaded: sudo apt-get install libpcsclite-dev, then npm rebuild @pokusew/pcsclite with the Node that runs the gateway",
  ],
  [EXIT_PCSCD_GONE, "pcscd went away; connecting again"],
  [EXIT_PCSCD_REFUSED, REFUSED],
]);

const reasonOf = ({ code, signal }: ChildExit): string =>
  REASON_OF_EXIT.get(code) ??
  `the PC/SC process ended (${signal ?? `exit code ${code}`}); starting it again`;

const onExit = (state: Supervision, exit: ChildExit, monoMs: number): Step => {
  const reason = state.child._tag === "Dying" ? state.child.reason : reasonOf(exit);
  const isForOperator = exit.code === EXIT_MODULE_UNLOADABLE;
  const step = tryLater(
    state,
    { reason, monoMs },
    isForOperator ? MODULE_RETRY_DELAY_MS : undefined,
  );
  const fields = { ...exit, reason };
  return {
    state: step.state,
    effects: [...step.effects, { _tag: "Note", code: "pcsc.child-exited", fields }],
  };
};

const onProbed = (state: Supervision, probe: PcscdProbe, monoMs: number): Step => {
  if (state.child._tag !== "Probing") return nothing(state);
  if (probe !== "running") return tryLater(state, { reason: REASON_OF_PROBE[probe], monoMs });
  const child: Child = { _tag: "Starting", deadlineMs: monoMs + CHILD_START_TIMEOUT_MS };
  return { state: { ...state, child }, effects: [{ _tag: "Spawn" }] };
};

const onSaid = (state: Supervision, message: Supervised, monoMs: number): Step => {
  const { child } = state;
  if (child._tag !== "Starting" && child._tag !== "Running") return nothing(state);
  const sinceMs = child._tag === "Running" ? child.sinceMs : monoMs;
  const heard: Supervision = { ...state, child: { _tag: "Running", sinceMs, heardMs: monoMs } };
  if (message._tag === "Heartbeat") return nothing(heard);
  return then(heard, hear(state.readers, message, monoMs));
};

/** One that has only just been started is what is wanted already. */
const onRestart = (state: Supervision, reason: string, monoMs: number): Step => {
  switch (state.child._tag) {
    case "Running":
      return kill({ ...state, failureCount: 0 }, { reason, monoMs });
    case "Absent":
      return nothing({ ...state, child: { _tag: "Absent", retryAtMs: monoMs } });
    case "Probing":
    case "Starting":
    case "Dying":
      return nothing(state);
  }
};

/** What is due because time has passed. */
const onTime = (state: Supervision, monoMs: number): Step => {
  const { child } = state;
  switch (child._tag) {
    case "Probing":
    case "Dying":
      return nothing(state);
    case "Absent":
      if (monoMs < child.retryAtMs) return nothing(state);
      return { state: { ...state, child: { _tag: "Probing" } }, effects: [{ _tag: "Probe" }] };
    case "Starting":
      if (monoMs < child.deadlineMs) return nothing(state);
      return kill(state, { reason: "the PC/SC process did not start; trying again", monoMs });
    case "Running": {
      if (monoMs - child.heardMs >= PCSC_HEARTBEAT_TIMEOUT_MS) {
        return kill(state, { reason: "the PC/SC process hung; starting it again", monoMs });
      }
      const upMs = monoMs - child.sinceMs;
      const sound = upMs < CHILD_STEADY_MS ? state : { ...state, failureCount: 0 };
      if (upMs < READER_MISSING_DELAY_MS) return nothing(sound);
      return then(sound, nameMissing(sound.readers, monoMs));
    }
  }
};

const act = (state: Supervision, input: Input, monoMs: number): Step => {
  switch (input._tag) {
    case "Tick":
      return nothing(state);
    case "Probed":
      return onProbed(state, input.probe, monoMs);
    case "ChildSaid":
      return onSaid(state, input.message, monoMs);
    case "ChildExited":
      return onExit(state, input.exit, monoMs);
    case "Restart":
      return onRestart(state, input.reason, monoMs);
  }
};

/** `monoMs` is now. Effects are to be carried out in their order. */
export const superviseStep = (state: Supervision, input: Input, monoMs: number): Step => {
  const acted = act(state, input, monoMs);
  const timed = onTime(acted.state, monoMs);
  return { state: timed.state, effects: [...acted.effects, ...timed.effects] };
};

/** When a `Tick` is due if nothing else happens before; undefined: something else must happen. */
export const tickDueMs = ({ child }: Supervision): number | undefined => {
  switch (child._tag) {
    case "Absent":
      return child.retryAtMs;
    case "Starting":
      return child.deadlineMs;
    case "Running":
      return child.heardMs + PCSC_HEARTBEAT_TIMEOUT_MS;
    case "Probing":
    case "Dying":
      return undefined;
  }
};
