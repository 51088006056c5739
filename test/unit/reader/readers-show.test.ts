import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { SCOPE_UID } from "#core/card/read-card.ts";
import { OPEN_POLICY } from "#core/verdict/reader-policy.ts";
import { Counters } from "#gateway/counters.ts";
import { createReaders } from "#gateway/reader/readers.ts";
import { systemClock } from "#gateway/system.ts";

const READER = {
  id: "desk",
  driver: "pcsc",
  match: null,
  pn532: null,
  optional: false,
  scope: SCOPE_UID,
  policy: OPEN_POLICY,
  audit: "now",
  onTap: [],
  checkOut: null,
  gpio: null,
  stateOnTag: null,
} as const;

test("a signal that no reader shows is noted, but for a session's end, when mostly no card lies there", async () => {
  const noted: unknown[] = [];
  const journal = {
    info: () => undefined,
    warn: (code: string, fields?: Readonly<Record<string, unknown>>) =>
      void noted.push([code, fields?.["signal"], fields?.["_tag"]]),
    error: () => undefined,
  };
  const deps = {
    gateway: "lobby",
    clock: systemClock,
    journal,
    counters: new Counters(),
    onAlarm: () => undefined,
  };
  const readers = createReaders(deps, [READER]); // never started, so it is away
  readers.show(READER, "session-over");
  readers.show(READER, "accepted");
  await nextTurn();
  expect(noted).toEqual([["reader.feedback-failed", "accepted", "ReaderAway"]]);
});
