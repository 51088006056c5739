import { describe, expect, test } from "vitest";
import type { SyncInput } from "#core/sync/inputs.ts";
import { Inbox } from "#gateway/sync/inbox.ts";
import { INBOX_BYTES_MAX, INBOX_COUNT_MAX } from "#gateway/limits.ts";

const received = (
  channel: "head" | "tail" | "answer" | "ask" | "held",
  byteCount = 1,
): SyncInput => ({
  _tag: "Received",
  from: "dock",
  channel,
  payload: new Uint8Array(byteCount),
});
const TICK: SyncInput = { _tag: "Ticked" };

const channelOf = (input: SyncInput | undefined): string | undefined =>
  input?._tag === "Received" ? input.channel : input?._tag;

const drained = (inbox: Inbox): ReadonlyArray<string | undefined> =>
  Array.from({ length: inbox.length }, () => channelOf(inbox.shift()));

describe("an inbox", () => {
  test("gives live messages and own inputs in their order, and answers behind them", () => {
    const inbox = new Inbox();
    for (const channel of ["answer", "tail", "answer", "head"] as const)
      inbox.push(received(channel));
    inbox.push(TICK);
    inbox.push(received("ask"));
    inbox.push(received("held"));
    expect(drained(inbox)).toEqual(["tail", "head", "Ticked", "ask", "held", "answer", "answer"]);
    expect(inbox.shift()).toBeUndefined();
  });

  test("takes so many of each kind, drops the rest, and has room again as they are taken", () => {
    for (const [first, other] of [
      ["tail", "answer"],
      ["answer", "head"],
    ] as const) {
      const inbox = new Inbox();
      for (let i = 0; i < INBOX_COUNT_MAX; i += 1) expect(inbox.push(received(first))).toBe(true);
      expect(inbox.push(received(first))).toBe(false);
      expect(inbox.push(received(other))).toBe(true);
      expect(inbox.length).toBe(INBOX_COUNT_MAX + 1);
      while (inbox.shift() !== undefined);
      expect(inbox.push(received(first))).toBe(true);
    }
  });

  test("takes so many bytes of each kind", () => {
    const inbox = new Inbox();
    const part = INBOX_BYTES_MAX / 4;
    for (let i = 0; i < 4; i += 1) expect(inbox.push(received("answer", part))).toBe(true);
    expect(inbox.push(received("answer", 1))).toBe(false);
    expect(inbox.push(received("tail", part))).toBe(true);
    inbox.shift();
    inbox.shift();
    expect(inbox.push(received("answer", part))).toBe(true);
    expect(inbox.push(received("answer", 1))).toBe(false);
  });

  test("never drops the gateway's own inputs, however many messages wait", () => {
    const inbox = new Inbox();
    for (let i = 0; i < INBOX_COUNT_MAX; i += 1) inbox.push(received("tail"));
    expect(inbox.push(TICK)).toBe(true);
    expect(inbox.push({ _tag: "ForkFound", epoch: "", size: 1 })).toBe(true);
    inbox.clear();
    expect([inbox.length, inbox.shift()]).toEqual([0, undefined]);
    expect(inbox.push(received("tail", INBOX_BYTES_MAX))).toBe(true);
  });
});
