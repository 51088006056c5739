/** What an ACR122U is told in the course of a reading, command by command. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { toHex } from "#core/bytes.ts";
import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import { PATTERNS } from "#core/feedback/patterns.ts";
import { uriMessage } from "#gateway/reader/emulated/emulated-card.ts";
import { inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import type { ChildMessage } from "#gateway/reader/pcsc/messages.ts";
import { createSession } from "#gateway/reader/pcsc/session.ts";

const PRESENT = 0x20;
const EMPTY = 0x10;
const MESSAGE = uriMessage("example.org/tool/7");
const READING = "ff00400f0400000000";
const ACCEPTED = "ff0040ee0401000101";
const DARK = "ff00400c0400000000";
const BEEP_OFF = "ff00520000";
const UID = "ffca000000";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A session at an ACR122U with a card, of which only what is for the firmware, and "R" for each READ, is noted. */
const rigWith = (ndef: Uint8Array, scope = SCOPE_NDEF, name = "ACS ACR122U 00 00") => {
  const sent: string[] = [];
  const messages: ChildMessage[] = [];
  const card = inPcscReader(emulatedNtag215({ ndef }));
  const hand = { pullAtRead: false, hung: Promise.resolve() };
  const transmit = (apdu: Uint8Array): Uint8Array => {
    const hex = toHex(apdu);
    const isRead = hex.startsWith("ffb0");
    sent.push(isRead ? "R" : hex);
    if (isRead && hand.pullAtRead) throw new Error("SCARD_W_REMOVED_CARD");
    return /^ff00(40|52)/.test(hex) ? Uint8Array.of(0x90, 0x00) : card.transmit(apdu);
  };
  const session = createSession(
    {
      name,
      ask: () => hand.hung,
      connect: () => Promise.resolve(),
      disconnect: () => Promise.resolve(),
      transmit: async (apdu) => await Promise.resolve(transmit(apdu)),
    },
    () => 0,
    (message) => void messages.push(message),
  );
  const status = async (state: number, monoMs: number): Promise<void> => {
    session.onStatus({ state, atr: card.atr, wallMs: 0, monoMs });
    await settled();
  };
  const start = async (): Promise<void> => {
    session.begin();
    session.use(scope);
    await status(EMPTY, 1);
  };
  return { session, sent, messages, status, start, hand };
};

/** The reads of the message are as many as it takes. */
const withoutRepeats = (sent: ReadonlyArray<string>): ReadonlyArray<string> =>
  sent.filter((command, at) => command !== sent[at - 1]);

test("reading is shown by one command before the first READ, and the verdict takes its place", async () => {
  const { session, sent, messages, status, start } = rigWith(MESSAGE);
  await start();
  await status(PRESENT, 2);
  expect(withoutRepeats(sent)).toEqual([READING, UID, "R", BEEP_OFF]);
  expect(messages.map(({ _tag }) => _tag).slice(-2)).toEqual(["CardReading", "CardArrived"]);
  session.feedback(1, "accepted");
  await settled();
  await vi.advanceTimersByTimeAsync(2 * PATTERNS.reading.stayMs);
  await settled();
  expect(withoutRepeats(sent)).toEqual([READING, UID, "R", BEEP_OFF, ACCEPTED]);
});

test("a card that can't be read whole: the lights go out at once", async () => {
  const { sent, messages, status, start } = rigWith(MESSAGE.subarray(0, -3));
  await start();
  await status(PRESENT, 2);
  expect(withoutRepeats(sent)).toEqual([READING, UID, "R", DARK]);
  expect(messages.map(({ _tag }) => _tag).slice(-2)).toEqual(["CardReading", "CardUnread"]);
  await vi.advanceTimersByTimeAsync(2 * PATTERNS.reading.stayMs);
  await settled();
  expect(sent.filter((command) => command === DARK)).toHaveLength(1);
});

test("no verdict comes: the lights go out by themselves", async () => {
  const { sent, status, start } = rigWith(MESSAGE);
  await start();
  await status(PRESENT, 2);
  await vi.advanceTimersByTimeAsync(PATTERNS.reading.stayMs - 1);
  await settled();
  expect(sent).not.toContain(DARK);
  await vi.advanceTimersByTimeAsync(1);
  await settled();
  expect(sent.at(-1)).toBe(DARK);
});

test("a verdict that waits for the reader while the time is up is not put out", async () => {
  const { session, sent, status, start, hand } = rigWith(MESSAGE);
  await start();
  await status(PRESENT, 2);
  await vi.advanceTimersByTimeAsync(PATTERNS.reading.stayMs - 10);
  const { promise, resolve } = Promise.withResolvers<void>();
  hand.hung = promise;
  session.ask();
  session.feedback(1, "accepted");
  await vi.advanceTimersByTimeAsync(10);
  resolve();
  await settled();
  expect(sent.at(-1)).toBe(ACCEPTED);
});

test("a card pulled while it is read: nothing is sent to the next one on its account", async () => {
  const { sent, messages, status, start, hand } = rigWith(MESSAGE);
  hand.pullAtRead = true;
  await start();
  await status(PRESENT, 2);
  await status(EMPTY, 3);
  expect(withoutRepeats(sent)).toEqual([READING, UID, "R"]);
  expect(messages.at(-1)).toMatchObject({ _tag: "CardUnread", error: { _tag: "CardGone" } });
  hand.pullAtRead = false;
  await status(PRESENT, 4);
  await vi.advanceTimersByTimeAsync(PATTERNS.reading.stayMs - 1);
  await settled();
  expect(sent.filter((command) => command === READING)).toHaveLength(2);
  expect(sent).not.toContain(DARK);
});

test.each([
  { what: "where only the UID is read", scope: SCOPE_UID, name: undefined },
  { what: "at a reader without such lights", scope: SCOPE_NDEF, name: "OMNIKEY 5022 00 00" },
])("$what nothing is shown", async ({ scope, name }) => {
  const { sent, status, start } = rigWith(MESSAGE, scope, name);
  await start();
  await status(PRESENT, 2);
  expect(sent.filter((command) => command.startsWith("ff0040"))).toEqual([]);
});
