import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import type { ReaderEvent } from "#gateway/ports.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import {
  createSimulatedReader,
  type SimulatedReaders,
} from "#gateway/reader/emulated/simulated-reader.ts";

const HOLD_MS = 20;

interface Bench {
  readonly readers: SimulatedReaders;
  readonly events: ReadonlyArray<ReaderEvent>;
  readonly lines: ReadonlyArray<unknown>;
  /** Resolves when the card has left this reader. */
  readonly left: Promise<void>;
}

/** Two readers; the clocks go on by 1 ms each time they are read. */
const startBench = (): Bench => {
  const events: ReaderEvent[] = [];
  const lines: unknown[] = [];
  const left = Promise.withResolvers<void>();
  let readings = 0;
  const tick = (start: number) => () => start + (readings += 1);
  const line = (code: string, fields: unknown): void => void lines.push({ code, fields });
  const readers = createSimulatedReader(
    {
      clock: { wallMs: tick(1_700_000_000_000), monoMs: tick(5_000) },
      journal: { info: line, warn: line, error: line },
    },
    [
      { id: "gate", scope: SCOPE_NDEF },
      { id: "desk", scope: SCOPE_UID },
    ],
  );
  readers.start((event) => {
    events.push(event);
    if (event._tag === "CardLeft") left.resolve();
  });
  return { readers, events, lines, left: left.promise };
};

const later = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

test("every reader is up at start", async () => {
  const { readers, events } = startBench();
  expect(events).toEqual([
    { _tag: "ReaderUp", reader: "gate", hardware: "simulated reader" },
    { _tag: "ReaderUp", reader: "desk", hardware: "simulated reader" },
  ]);
  await readers.stop();
});

test("a card arrives with what was read of it, and leaves after its time", async () => {
  const { readers, events, left } = startBench();
  const tapped = readers.tap("gate", emulatedNtag215({}), HOLD_MS);
  const sighting = {
    reader: "gate",
    technology: "type2",
    uid: "04A1B2C3D46C80",
    ndef: expect.any(Uint8Array) as unknown,
    counter: null,
    phone: null,
    signature: null,
    atStart: false,
    simulated: true,
    wallMs: 1_700_000_000_001,
    monoMs: 5_002,
  };
  expect(tapped).toEqual(E.right(sighting));
  const reading = { _tag: "CardReading", reader: "gate" };
  expect(events.slice(2)).toEqual([reading, { _tag: "CardArrived", sighting }]);
  await left;
  expect(events.slice(4)).toEqual([{ _tag: "CardLeft", reader: "gate", monoMs: 5_003 }]);
  await readers.stop();
});

test("each reader reads as far as it is set to", async () => {
  const { readers } = startBench();
  const tapped = readers.tap("desk", emulatedNtag215({}), HOLD_MS);
  expect(E.isRight(tapped) && tapped.right.ndef).toBeNull();
  await readers.stop();
});

describe("a tap that can't be", () => {
  test("on an unknown reader", async () => {
    const { readers, events } = startBench();
    expect(readers.tap("door", emulatedNtag215({}), HOLD_MS)).toEqual(
      E.left({ _tag: "ReaderUnknown", readersKnown: ["gate", "desk"] }),
    );
    expect(events).toHaveLength(2);
    await readers.stop();
  });

  test("while a card is in the field, but on another reader and afterwards it can", async () => {
    const { readers, left } = startBench();
    const card = emulatedNtag215({});
    expect(E.isRight(readers.tap("gate", card, HOLD_MS))).toBe(true);
    expect(readers.tap("gate", card, HOLD_MS)).toEqual(E.left({ _tag: "CardInField" }));
    expect(E.isRight(readers.tap("desk", card, 60_000))).toBe(true);
    await left;
    expect(E.isRight(readers.tap("gate", card, HOLD_MS))).toBe(true);
    await readers.stop();
  });

  test("of a card that can't be read whole: it is told of, and leaves as well", async () => {
    const { readers, events, left } = startBench();
    const card = emulatedNtag215({ ndef: Uint8Array.of(0xd1) });
    const error = { _tag: "NdefMalformed", error: { _tag: "RecordTruncated", at: 0 } };
    expect(readers.tap("gate", card, HOLD_MS)).toEqual(E.left({ _tag: "CardUnread", error }));
    await left;
    expect(events.slice(2)).toEqual([
      { _tag: "CardReading", reader: "gate" },
      { _tag: "CardUnread", reader: "gate", technology: "type2", error },
      { _tag: "CardLeft", reader: "gate", monoMs: 5_003 },
    ]);
    await readers.stop();
  });

  test("before start and after stop", async () => {
    const { readers, events } = startBench();
    readers.tap("gate", emulatedNtag215({}), HOLD_MS);
    await readers.stop();
    const eventCount = events.length;
    expect(readers.tap("gate", emulatedNtag215({}), HOLD_MS)).toEqual(
      E.left({ _tag: "ReaderNotRunning" }),
    );
    await later(2 * HOLD_MS); // the card tapped before stop would have left by now
    expect(events).toHaveLength(eventCount);
  });
});

test("a card of before a stop does not leave after the next start", async () => {
  const { readers } = startBench();
  readers.tap("gate", emulatedNtag215({}), HOLD_MS);
  await readers.stop();
  const events: ReaderEvent[] = [];
  readers.start((event) => void events.push(event));
  expect(E.isRight(readers.tap("gate", emulatedNtag215({}), 60_000))).toBe(true);
  await later(2 * HOLD_MS);
  expect(events.map((event) => event._tag)).toEqual([
    "ReaderUp",
    "ReaderUp",
    "CardReading",
    "CardArrived",
  ]);
  await readers.stop();
});

describe("feedback", () => {
  test("is a line of the journal", async () => {
    const { readers, lines } = startBench();
    expect(await readers.feedback("gate", "accepted")).toEqual(E.right(undefined));
    expect(lines).toEqual([
      { code: "reader.feedback", fields: { reader: "gate", signal: "accepted" } },
    ]);
    await readers.stop();
  });

  test("on an unknown reader shows nothing", async () => {
    const { readers, lines } = startBench();
    expect(await readers.feedback("door", "accepted")).toEqual(E.left({ _tag: "ReaderAway" }));
    expect(lines).toEqual([]);
    await readers.stop();
  });
});
