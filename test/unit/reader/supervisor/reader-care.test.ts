/** Care for readers on a clock of the test's own: what is noticed, taken, counted and told. */
import * as E from "fp-ts/lib/Either.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { RecoveryStep } from "#core/reader/rungs.ts";
import { Counters } from "#gateway/counters.ts";
import { READER_ALARM_AFTER_MS, READER_SILENT_AFTER_MS, READER_START_MS } from "#gateway/limits.ts";
import type { Journal, ReaderEvent, RecoveryError } from "#gateway/ports.ts";
import { describeAlarm } from "#gateway/queries/alarms.ts";
import { ReaderCare } from "#gateway/reader/supervisor/reader-care.ts";

const STEPS: ReadonlyArray<RecoveryStep> = ["reselect", "restart-child", "restart-pcscd"];

/** Readers of one driver that answer, or don't. */
class Bench {
  readonly counters = new Counters();
  readonly events: ReaderEvent[] = [];
  readonly alarms: string[] = [];
  readonly taken: string[] = [];
  readonly journal: string[] = [];
  readonly care: ReaderCare;
  from: RecoveryStep | null = null;
  outcome: E.Either<RecoveryError, void> = E.right(undefined);
  /** Those that answer just now; the others answered last at the time given. */
  readonly answering = new Set<string>();
  readonly lastMs = new Map<string, number>();

  constructor(ids: ReadonlyArray<string>, optional = false) {
    const note: Journal["info"] = (code) => this.journal.push(code);
    const journal: Journal = { info: note, warn: note, error: note };
    const adaptor = {
      roundTripMonoMs: (id: string) => this.#roundTrip(id),
      recoverySteps: STEPS,
      examine: () => Promise.resolve(this.from),
      recover: (id: string, step: RecoveryStep) => {
        this.taken.push(`${id} ${step}`);
        return Promise.resolve(this.outcome);
      },
    };
    this.care = new ReaderCare(
      {
        clock: { monoMs: () => Date.now() },
        journal,
        counters: this.counters,
        onEvent: (event) => this.events.push(event),
        onAlarm: (reader) => this.alarms.push(reader),
      },
      ids.map((id) => ({ id, optional, driver: "pcsc", adaptor })),
    );
    this.care.start();
  }

  #roundTrip(id: string): number | null {
    if (this.answering.has(id)) this.lastMs.set(id, Date.now());
    return this.lastMs.get(id) ?? null;
  }

  up(...ids: ReadonlyArray<string>): void {
    for (const reader of ids) {
      this.answering.add(reader);
      this.care.onEvent({ _tag: "ReaderUp", reader, hardware: "ACR122U" });
    }
  }

  down(...ids: ReadonlyArray<string>): void {
    for (const reader of ids) {
      this.answering.delete(reader);
      this.lastMs.delete(reader);
      this.care.onEvent({ _tag: "ReaderDown", reader, reason: "unplugged" });
    }
  }

  [Symbol.dispose](): void {
    this.care.stop();
  }
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

describe("silence", () => {
  test("of a reader that its adaptor takes for up is told of, and so is its end", async () => {
    using bench = new Bench(["door"]);
    bench.up("door");
    await pass(10_000);
    expect(bench.events).toEqual([]);
    bench.answering.clear();
    await pass(READER_SILENT_AFTER_MS - 250);
    expect(bench.care.health("door").up).toBe(true);
    await pass(750);
    expect(bench.care.health("door")).toMatchObject({ up: false, alarm: false });
    expect(bench.events).toMatchObject([{ _tag: "ReaderDown", reader: "door" }]);
    bench.answering.add("door");
    await pass(500);
    expect(bench.events).toMatchObject([{ _tag: "ReaderDown" }, { _tag: "ReaderUp" }]);
    expect(bench.counters.all()).toEqual({ "reader.failed": 1, "reader.recovered": 1 });
  });

  test("of a reader that was never heard of is left alone at the start, and then it isn't", async () => {
    using bench = new Bench(["door"]);
    await pass(READER_START_MS - 250);
    expect(bench.journal).toEqual([]);
    await pass(3_000);
    expect(bench.taken).toContain("door reselect");
    expect(bench.care.health("door").detail).toBe("not seen yet");
  });

  test("of an optional reader is no fault", async () => {
    using bench = new Bench(["door"], true);
    bench.up("door");
    bench.down("door");
    await pass(120_000);
    expect({ taken: bench.taken, alarms: bench.alarms }).toEqual({ taken: [], alarms: [] });
  });
});

describe("a reader that stays down", () => {
  test("is an alarm after a while or when no step is left, once, and none when it is back", async () => {
    using bench = new Bench(["door"]);
    bench.up("door");
    bench.down("door");
    await pass(READER_ALARM_AFTER_MS + 250);
    expect(bench.alarms).toEqual(["door"]);
    expect(bench.journal.filter((code) => code === "alarm.reader-down")).toHaveLength(1);
    expect(bench.taken).toEqual(STEPS.map((step) => `door ${step}`));
    expect(bench.care.health("door")).toMatchObject({
      alarm: true,
      gaveUp: true,
      steps: { reselect: 1, "restart-child": 1, "restart-pcscd": 1 },
    });
    bench.up("door");
    await pass(500);
    expect(bench.care.health("door")).toMatchObject({ alarm: false, gaveUp: false, up: true });
  });

  test("whose steps fail at once is given up soon, and they are counted as failed", async () => {
    using bench = new Bench(["door"]);
    bench.up("door");
    bench.down("door");
    bench.outcome = E.left({ _tag: "StepFailed", detail: "denied" });
    await pass(6_000);
    expect(bench.care.health("door").gaveUp).toBe(true);
    expect(bench.counters.all()).toMatchObject({
      "reader.step-failed.restart-pcscd": 1,
      "reader.gave-up": 1,
    });
  });

  test("is told of in words that say what was tried", () => {
    const alarm = {
      code: "reader-down",
      author: "lobby",
      reader: "door",
      reason: "unplugged",
      tried: { reselect: 2 },
    } as const;
    expect(describeAlarm(alarm)).toContain("reader door is down and needs a person: unplugged");
    expect(describeAlarm(alarm)).toContain("tried reselect ×2");
    expect(describeAlarm({ ...alarm, tried: {} })).toContain("nothing can be tried");
  });
});

test("two readers that fail of one cause have it mended once, and again when it comes again", async () => {
  using bench = new Bench(["door", "gate"]);
  bench.from = "restart-pcscd";
  bench.up("door", "gate");
  bench.down("door", "gate");
  await pass(2_000);
  expect(bench.taken).toEqual(["door restart-pcscd"]);
  bench.up("door", "gate");
  await pass(61_000);
  bench.down("door", "gate");
  await pass(2_000);
  expect(bench.taken).toEqual(["door restart-pcscd", "door restart-pcscd"]);
});
