/** Which configured reader each piece of hardware is, and what has been said of each reader. Pure. */
import type { ReadScope } from "#core/card/read-card.ts";
import type { ReaderEvent } from "#gateway/ports.ts";
import type { ChildMessage, ParentMessage } from "#gateway/reader/pcsc/messages.ts";

export interface ConfiguredReader {
  readonly id: string;
  /** Part of the name that PC/SC gives the hardware; null takes any. */
  readonly match: string | null;
  readonly scope: ReadScope;
}

type ReaderState =
  /** The child was told to use the hardware, and has not said yet that it does. */
  | { readonly _tag: "Bound"; readonly hardware: string }
  | { readonly _tag: "Up"; readonly hardware: string; readonly hasCard: boolean }
  /** `reason` is what was said last; null: nothing yet. */
  | { readonly _tag: "Down"; readonly reason: string | null; readonly cause: DownCause };

/** Whether all readers are down because there is no child, or this one for a reason of its own. */
type DownCause = "child" | "reader";

export interface BoundReaders {
  readonly configured: ReadonlyArray<ConfiguredReader>;
  /** By configured id. */
  readonly states: ReadonlyMap<string, ReaderState>;
  /** Plugged in, and nobody's reader. */
  readonly spare: ReadonlyArray<string>;
  /** Spare hardware that the journal has heard of. */
  readonly spareNoted: ReadonlySet<string>;
}

export type ReaderEffect =
  | { readonly _tag: "Send"; readonly message: ParentMessage }
  | { readonly _tag: "Emit"; readonly event: ReaderEvent }
  | {
      readonly _tag: "Note";
      readonly code: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

export interface ReadersStep {
  readonly readers: BoundReaders;
  readonly effects: ReadonlyArray<ReaderEffect>;
}

/** Why readers can't be used, and since when. */
export interface Down {
  readonly reason: string;
  readonly monoMs: number;
}

export const unboundReaders = (configured: ReadonlyArray<ConfiguredReader>): BoundReaders => ({
  configured,
  states: new Map(configured.map(({ id }) => [id, { _tag: "Down", reason: null, cause: "child" }])),
  spare: [],
  spareNoted: new Set(),
});

/** The hardware that a configured reader is now, or undefined while it is down. */
export const hardwareOfReader = (readers: BoundReaders, id: string): string | undefined => {
  const state = readers.states.get(id);
  return state?._tag === "Up" ? state.hardware : undefined;
};

/** Why a configured reader is down; null while it is not, or nothing was said. */
export const downReasonOf = (readers: BoundReaders, id: string): string | null => {
  const state = readers.states.get(id);
  return state?._tag === "Down" ? state.reason : null;
};

const emit = (event: ReaderEvent): ReaderEffect => ({ _tag: "Emit", event });

const withState = (readers: BoundReaders, id: string, state: ReaderState): BoundReaders => ({
  ...readers,
  states: new Map(readers.states).set(id, state),
});

/** The reader that the hardware is bound to, up or not. */
const readerOf = (readers: BoundReaders, hardware: string): ConfiguredReader | undefined =>
  readers.configured.find(({ id }) => {
    const state = readers.states.get(id);
    return state !== undefined && state._tag !== "Down" && state.hardware === hardware;
  });

/** The first configured reader, in order, that is down and matches. */
const freeReaderFor = (readers: BoundReaders, hardware: string): ConfiguredReader | undefined =>
  readers.configured.find(
    ({ id, match }) =>
      readers.states.get(id)?._tag === "Down" && (match === null || hardware.includes(match)),
  );

const setSpare = (readers: BoundReaders, hardware: string): ReadersStep => {
  const spare = readers.spare.includes(hardware) ? readers.spare : [...readers.spare, hardware];
  if (readers.spareNoted.has(hardware)) return { readers: { ...readers, spare }, effects: [] };
  const spareNoted = new Set(readers.spareNoted).add(hardware);
  return {
    readers: { ...readers, spare, spareNoted },
    effects: [{ _tag: "Note", code: "pcsc.reader-not-configured", fields: { hardware } }],
  };
};

const bind = (readers: BoundReaders, hardware: string): ReadersStep => {
  if (readerOf(readers, hardware) !== undefined) return { readers, effects: [] };
  const reader = freeReaderFor(readers, hardware);
  if (reader === undefined) return setSpare(readers, hardware);
  const spare = readers.spare.filter((name) => name !== hardware);
  return {
    readers: withState({ ...readers, spare }, reader.id, { _tag: "Bound", hardware }),
    effects: [{ _tag: "Send", message: { _tag: "Use", name: hardware, scope: reader.scope } }],
  };
};

const takeUp = (readers: BoundReaders, hardware: string): ReadersStep => {
  const reader = readerOf(readers, hardware);
  if (reader === undefined || readers.states.get(reader.id)?._tag === "Up") {
    return { readers, effects: [] };
  }
  const { id } = reader;
  return {
    readers: withState(readers, id, { _tag: "Up", hardware, hasCard: false }),
    effects: [emit({ _tag: "ReaderUp", reader: id, hardware })],
  };
};

interface ReaderDown extends Down {
  readonly id: string;
  readonly cause: DownCause;
}

/** Takes one reader down, its card first. Says nothing twice. */
const takeDown = (before: ReadersStep, { id, cause, reason, monoMs }: ReaderDown): ReadersStep => {
  const state = before.readers.states.get(id);
  const readers = withState(before.readers, id, { _tag: "Down", reason, cause });
  if (state?._tag === "Down" && state.reason === reason) return { ...before, readers };
  const hadCard = state?._tag === "Up" && state.hasCard;
  return {
    readers,
    effects: [
      ...before.effects,
      ...(hadCard ? [emit({ _tag: "CardLeft", reader: id, monoMs })] : []),
      emit({ _tag: "ReaderDown", reader: id, reason }),
    ],
  };
};

/** The child is gone, and with it all hardware. */
export const takeAllDown = (readers: BoundReaders, down: Down): ReadersStep => {
  let step: ReadersStep = { readers: { ...readers, spare: [] }, effects: [] };
  for (const { id } of readers.configured) step = takeDown(step, { ...down, id, cause: "child" });
  return step;
};

const missingReason = (readers: BoundReaders, match: string | null): string => {
  const wanted =
    match === null ? "no PC/SC reader is free" : `no PC/SC reader has "${match}" in its name`;
  const names = readers.spare.map((name) => `"${name}"`).join(", ");
  return `${wanted}; plugged in and not configured: ${names === "" ? "none" : names}`;
};

/** The child has told of all hardware: what is still down since before it came is missing. */
export const nameMissing = (readers: BoundReaders, monoMs: number): ReadersStep => {
  let step: ReadersStep = { readers, effects: [] };
  for (const { id, match } of readers.configured) {
    const state = readers.states.get(id);
    if (state?._tag !== "Down" || state.cause !== "child") continue;
    const reason = missingReason(readers, match);
    step = takeDown(step, { id, cause: "reader", reason, monoMs });
  }
  return step;
};

/** The hardware is gone; the reader that it was is down until some comes that matches. */
const release = (readers: BoundReaders, hardware: string, down: Down): ReadersStep => {
  const spare = readers.spare.filter((name) => name !== hardware);
  const step: ReadersStep = { readers: { ...readers, spare }, effects: [] };
  const reader = readerOf(readers, hardware);
  return reader === undefined ? step : takeDown(step, { ...down, id: reader.id, cause: "reader" });
};

type CardMessage = Extract<
  ChildMessage,
  { _tag: "CardReading" | "CardArrived" | "CardLeft" | "CardUnread" }
>;

const onCard = (readers: BoundReaders, message: CardMessage): ReadersStep => {
  const reader = readerOf(readers, message.name);
  if (reader === undefined) return { readers, effects: [] };
  const { id } = reader;
  const hardware = message.name;
  switch (message._tag) {
    case "CardReading":
      return { readers, effects: [emit({ _tag: "CardReading", reader: id })] };
    case "CardArrived": {
      const { read, atStart, wallMs, monoMs } = message;
      const sighting = { reader: id, ...read, atStart, simulated: false, wallMs, monoMs };
      return {
        readers: withState(readers, id, { _tag: "Up", hardware, hasCard: true }),
        effects: [emit({ _tag: "CardArrived", sighting })],
      };
    }
    case "CardLeft":
      return {
        readers: withState(readers, id, { _tag: "Up", hardware, hasCard: false }),
        effects: [emit({ _tag: "CardLeft", reader: id, monoMs: message.monoMs })],
      };
    case "CardUnread": {
      const { technology, error } = message;
      return {
        readers,
        effects: [emit({ _tag: "CardUnread", reader: id, technology, error })],
      };
    }
  }
};

/** What the child says of one piece of hardware. `monoMs`: now. */
export const hear = (
  readers: BoundReaders,
  message: Exclude<ChildMessage, { _tag: "Heartbeat" | "FeedbackDone" | "ExchangeDone" }>,
  monoMs: number,
): ReadersStep => {
  switch (message._tag) {
    case "HardwareFound":
      return bind(readers, message.name);
    case "ReaderUp":
      return takeUp(readers, message.name);
    case "Answered":
      return { readers, effects: [] };
    case "ReaderDown":
      return release(readers, message.name, { reason: message.reason, monoMs });
    case "CardReading":
    case "CardArrived":
    case "CardLeft":
    case "CardUnread":
      return onCard(readers, message);
    case "Trouble": {
      const { name: hardware, detail } = message;
      return {
        readers,
        effects: [{ _tag: "Note", code: "pcsc.trouble", fields: { hardware, detail } }],
      };
    }
  }
};
