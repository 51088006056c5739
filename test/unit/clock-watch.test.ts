import * as E from "fp-ts/lib/Either.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { toHex } from "#core/bytes.ts";
import { CLOCK_CLASS } from "#core/log/body.ts";
import type { Body } from "#core/log/body.ts";
import type { Fact } from "#core/state/facts.ts";
import { CLOCK_CHECK_PERIOD_MS, ClockWatch } from "#gateway/clock-watch.ts";
import type { Clock, Journal } from "#gateway/ports.ts";
import type { PendingRecord } from "#gateway/writer/pending-record.ts";
import type { AppendError, Committed } from "#gateway/writer/log-writer.ts";

const BOOT = Date.UTC(2026, 10, 20, 8);
const BOOT_ID = new Uint8Array(16).fill(7);

const nothing = (): void => undefined;

/** A Pi whose clocks and disk do what a test says. */
class Pi {
  ntpSynchronized = false;
  wallAtBootMs = 0;
  monoMs = 1_000;
  failure: AppendError | null = null;
  readonly records: Array<{
    readonly wallMs: number;
    readonly monoMs: number;
    readonly body: Body;
  }> = [];
  readonly warnings: string[] = [];

  readonly clock: Clock = {
    wallMs: () => this.wallAtBootMs + this.monoMs,
    monoMs: () => this.monoMs,
    preciseMs: () => this.monoMs,
  };

  append = (record: PendingRecord): Promise<E.Either<AppendError, Committed>> => {
    if (this.failure !== null) return Promise.resolve(E.left(this.failure));
    const { wallMs, monoMs } = record;
    this.records.push({ wallMs, monoMs, body: record.body([]) });
    return Promise.resolve(E.right({ epoch: BOOT_ID, seq: this.records.length }));
  };

  watch(facts: ReadonlyArray<Fact> = [], bootId: Uint8Array = BOOT_ID): ClockWatch {
    const warn = (code: string): void => void this.warnings.push(code);
    const journal: Journal = { info: nothing, warn, error: nothing };
    const { clock, append } = this;
    const signs = (): { ntpSynchronized: boolean; hasHardwareClock: boolean; wallMs: number } => ({
      ntpSynchronized: this.ntpSynchronized,
      hasHardwareClock: false,
      wallMs: clock.wallMs(),
    });
    const deps = { gateway: "lobby", bootId, clock, signs, writer: { append }, journal };
    return new ClockWatch(deps, facts);
  }

  get fixes(): ReadonlyArray<number> {
    return this.records.map(({ body }) => (body._tag === "ClockFix" ? body.wallAtBootMs : -1));
  }
}

const opened = (gateway: string, clockClass: number): Fact => ({
  _tag: "Opened",
  epoch: "e1",
  gateway,
  bootId: toHex(BOOT_ID),
  clockClass,
});

const fixed = (wallAtBootMs: number): Fact => ({
  _tag: "ClockFixed",
  gateway: "lobby",
  bootId: toHex(BOOT_ID),
  monoMs: 5,
  wallAtBootMs,
  plusMinusMs: 1,
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const nextLook = (): Promise<unknown> => vi.advanceTimersByTimeAsync(CLOCK_CHECK_PERIOD_MS);

describe("the watch over the clock", () => {
  test("records a fix when the clock is synchronised for the first time, and when it is set again", async () => {
    const pi = new Pi();
    const watch = pi.watch();
    watch.start();
    await nextLook();
    expect(pi.records).toEqual([]);
    pi.wallAtBootMs = BOOT;
    pi.ntpSynchronized = true;
    pi.monoMs = 86_400_000;
    await nextLook();
    await nextLook();
    expect(pi.fixes).toEqual([BOOT]);
    expect(pi.records[0]).toMatchObject({
      wallMs: BOOT + 86_400_000,
      monoMs: 86_400_000,
      body: { bootId: BOOT_ID, plusMinusMs: 1_000, actor: { name: "lobby" } },
    });
    pi.wallAtBootMs = BOOT + 60_000;
    await nextLook();
    expect(pi.fixes).toEqual([BOOT, BOOT + 60_000]);
    watch.stop();
    pi.wallAtBootMs = BOOT;
    await nextLook();
    expect(pi.fixes).toHaveLength(2);
  });

  test("writes nothing where the clock was right from the start, and nothing twice over a restart", async () => {
    const pi = new Pi();
    pi.wallAtBootMs = BOOT;
    pi.ntpSynchronized = true;
    const facts = [
      [],
      [opened("lobby", CLOCK_CLASS.ntp)],
      [opened("dock", CLOCK_CLASS.none)],
      [opened("lobby", CLOCK_CLASS.none), fixed(BOOT)],
    ];
    for (const known of facts) {
      const watch = pi.watch(known);
      watch.start();
      await nextLook();
      watch.stop();
    }
    expect(pi.records).toEqual([]);
  });

  test("sets right what an earlier process of this boot wrote by a clock in doubt", async () => {
    const pi = new Pi();
    pi.wallAtBootMs = BOOT;
    pi.ntpSynchronized = true;
    const watch = pi.watch([opened("lobby", CLOCK_CLASS.saved)]);
    watch.start();
    await nextLook();
    watch.stop();
    expect(pi.fixes).toEqual([BOOT]);
  });

  test("tries again what could not be recorded", async () => {
    const pi = new Pi();
    const watch = pi.watch();
    pi.wallAtBootMs = BOOT;
    pi.ntpSynchronized = true;
    pi.failure = { _tag: "AppendQueueFull" };
    watch.start();
    await nextLook();
    expect(pi.warnings).toEqual(["clock.fix-not-recorded", "clock.fix-not-recorded"]);
    pi.failure = null;
    await nextLook();
    expect(pi.fixes).toEqual([BOOT]);
    watch.stop();
  });

  test("never says anything of a boot without a name", async () => {
    const pi = new Pi();
    const watch = pi.watch([], new Uint8Array(16));
    pi.wallAtBootMs = BOOT;
    pi.ntpSynchronized = true;
    watch.start();
    await nextLook();
    watch.stop();
    expect(pi.records).toEqual([]);
  });
});
