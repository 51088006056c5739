import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { formatEvent } from "#gateway/cli/tap.ts";
import { SCOPE_UID } from "#core/card/read-card.ts";
import { recordedTime } from "#core/clock/true-time.ts";
import { CardCounters } from "#core/verdict/card-counters.ts";
import { CardIndex } from "#core/verdict/card-index.ts";
import { DeviceTraits } from "#core/verdict/device-traits.ts";
import { KnownRegisters } from "#core/verdict/known-registers.ts";
import { OPEN_POLICY } from "#core/verdict/reader-policy.ts";
import { demoConfig } from "#gateway/config/parse.ts";
import type { FeedbackSignal } from "#gateway/ports.ts";
import { TapPath, type TapReport } from "#gateway/tap-path.ts";
import { systemClock } from "#gateway/system.ts";
import type { LogWriter } from "#gateway/writer/log-writer.ts";
import { nothingCarried } from "#test/gateway/nothing-carried.ts";

const READER = {
  id: "door",
  driver: "simulated",
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

describe("more than one card in the field", () => {
  test("is shown as refused, at the reader that sees them, and is no tap and no record", () => {
    const shown: Array<readonly [string, FeedbackSignal]> = [];
    const reports: TapReport[] = [];
    let records = 0;
    const writer: Pick<LogWriter, "append" | "head"> = {
      head: null,
      append: () => {
        records += 1;
        return Promise.resolve(E.left({ _tag: "LogClosed" }));
      },
    };
    const taps = new TapPath(
      {
        config: { ...demoConfig("/nowhere"), readers: [READER, { ...READER, id: "gate" }] },
        clock: systemClock,
        cardHmac: () => new Uint8Array(16),
        memory: {
          index: new CardIndex(recordedTime),
          registers: new KnownRegisters([]),
          traits: new DeviceTraits(recordedTime, []),
          counters: new CardCounters(),
        },
        checkOuts: { take: () => null, settle: () => undefined },
        writer,
        carried: nothingCarried(),
        onNotCarried: () => undefined,
        hasRoom: () => true,
        localTime: () => null,
        isOriginal: () => false,
        readSun: () => E.left({ _tag: "SunMissing" }),
        show: ({ id }, signal) => void shown.push([id, signal]),
        onReport: (report) => void reports.push(report),
        onAgain: () => undefined,
        onBounce: () => undefined,
      },
      new Map(),
    );
    taps.onReaderEvent({ _tag: "CardsTogether", reader: "gate", wallMs: 0, monoMs: 0 });
    taps.onReaderEvent({ _tag: "CardsTogether", reader: "nobody's", wallMs: 0, monoMs: 0 });
    expect([shown, reports, records]).toEqual([[["gate", "refused"]], [], 0]);
  });

  test("is said in words to whoever watches", () => {
    expect(formatEvent({ event: "refused", reader: "gate", reason: "one-card-only" })).toBe(
      "gate     refused   more than one card in the field: hold one alone",
    );
  });
});
