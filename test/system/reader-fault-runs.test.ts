/** Faults by the dozen at readers: each is told of, and each reader reads its next card again within 10 s. */
import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import type { FaultRun } from "#test/pcscd/fault-run.ts";
import { CaredReaders } from "#test/pcscd/cared-readers.ts";
import { RECOVERY_MS } from "#test/pcscd/door.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";
import { DYING_WITH_PARENT } from "#test/gateway/child.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { rounds } from "#test/long.ts";

const FAULT_COUNT = rounds(30, 1_000);
/** Programs with a pcscd each, side by side: they mostly wait. */
const RUN_COUNT = rounds(5, 10);
const LONGEST_MS = rounds(120_000, 900_000);

const isRun = (value: unknown): value is FaultRun =>
  typeof value === "object" && value !== null && "tookMs" in value && "wrong" in value;

const faultRun = (seed: number, count: number): Promise<FaultRun> =>
  new Promise((resolve, reject) => {
    const [program, ...rest] = [
      ...DYING_WITH_PARENT,
      process.execPath,
      "test/pcscd/fault-run.ts",
      String(seed),
      String(count),
    ];
    if (program === undefined) throw new Error("there is no program");
    const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.once("close", (code) => {
      const said: unknown = code === 0 ? JSON.parse(out) : null;
      if (isRun(said)) resolve(said);
      else reject(new Error(`exit code ${code}: ${err.slice(-2_000)}`));
    });
  });

describe.concurrent("PC/SC on vpcd", () => {
  test(
    `${FAULT_COUNT} faults in the child, pcscd, the reader and its cards`,
    async () => {
      const perRun = FAULT_COUNT / RUN_COUNT;
      const runs = await Promise.all(
        Array.from({ length: RUN_COUNT }, (_, index) => faultRun(index, perRun)),
      );
      expect(runs.flatMap(({ wrong }) => wrong)).toEqual([]);
      const all = runs.flatMap(({ tookMs }) => Object.values(tookMs).flat());
      expect(all).toHaveLength(FAULT_COUNT);
      expect(Math.max(...all)).toBeLessThan(3 * RECOVERY_MS);
      // None has slipped by without its kind: each was there, and so were the steps that it takes.
      expect(new Set(runs.flatMap(({ tookMs }) => Object.keys(tookMs))).size).toBe(7);
      const restarts = runs.map(({ counters }) => counters["reader.step.restart-pcscd"] ?? 0);
      expect(restarts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    },
    LONGEST_MS,
  );
});

describe.concurrent("simulated", () => {
  /** Readers that suffer side by side: each hang takes its 6 s to be noticed. */
  const READERS = Array.from({ length: rounds(30, 100) }, (_, index) => `r${index}`);

  test(
    `${FAULT_COUNT} readers that hang`,
    async () => {
      await using pcscd = await TestPcscd.prepare([]);
      await using cared = new CaredReaders(pcscd, { pcsc: [], simulated: READERS });
      let tapCount = 0;
      for (let done = 0; done < FAULT_COUNT; done += READERS.length) {
        const startMs = performance.now();
        for (const reader of READERS) cared.simulated.hang(reader);
        const before = cared.log.events.length;
        const isTold = (): boolean => {
          const told = cared.log.events.slice(before).filter(({ _tag }) => _tag === "ReaderDown");
          return told.length === READERS.length;
        };
        await eventuallyTrue("all are told of", isTold, 3 * RECOVERY_MS);
        for (const reader of READERS) {
          const tapped = cared.simulated.tap(reader, emulatedNtag215({}), 5);
          expect(tapped).toMatchObject({ left: { _tag: "ReaderNotRunning" } }); // never lost in silence
        }
        const areUp = (): boolean =>
          READERS.every((reader) => cared.care.health(reader).failingMs === null);
        await eventuallyTrue("all are up again", areUp, 3 * RECOVERY_MS);
        expect(performance.now() - startMs).toBeLessThan(3 * RECOVERY_MS);
        for (const reader of READERS) {
          expect(cared.simulated.tap(reader, emulatedNtag215({}), 1)._tag).toBe("Right");
          tapCount += 1;
        }
        await eventuallyTrue("all cards have left", () =>
          READERS.every((reader) => !cared.simulated.isInField(reader)),
        );
      }
      expect(cared.log.all("CardArrived")).toHaveLength(tapCount);
      expect(cared.counters.all()).toEqual({
        "reader.failed": tapCount,
        "reader.recovered": tapCount,
        "reader.step.reopen": tapCount,
      });
    },
    LONGEST_MS,
  );

  test("a card that is pulled away or answers garbage is told of, and spoils nothing", async () => {
    await using pcscd = await TestPcscd.prepare([]);
    await using cared = new CaredReaders(pcscd, { pcsc: [], simulated: ["desk"], read: "ndef" });
    for (let index = 0; index < rounds(30, 1_000); index += 1) {
      let left = index % 3;
      const silent = index % 2 === 0;
      const card = emulatedNtag215({});
      const spoilt = {
        ...card,
        exchange: (command: Uint8Array) => {
          left -= 1;
          if (left >= 0) return card.exchange(command);
          return silent ? null : Uint8Array.of(index & 0xff, 1, 2);
        },
      };
      const fate = left < 2 ? "Left" : "Right"; // two commands are all it takes
      expect(cared.simulated.tap("desk", spoilt, 1)._tag).toBe(fate);
      await eventuallyTrue("the card has left", () => !cared.simulated.isInField("desk"));
    }
    const { length } = cared.log.all("CardUnread");
    expect(length).toBe(Math.ceil((rounds(30, 1_000) * 2) / 3));
    expect(cared.log.all("CardArrived")).toHaveLength(rounds(30, 1_000) - length);
  });
});
