import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { decodeBody, OPEN_REASON } from "#core/log/body.ts";
import { EPOCH_RECORDS_MAX } from "#core/log/epoch.ts";
import { KIND } from "#core/log/record.ts";
import { rootOf } from "#core/log/tree.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { AppendError, Committed } from "#gateway/writer/log-writer.ts";
import { DISK_FULL, IO_FAILED, tap, WriterRig } from "#test/unit/writer/writer-rig.ts";

type Appended = E.Either<AppendError, Committed>;

const placeOf = (result: Appended): string =>
  E.isRight(result) ? `${toHex(result.right.epoch)}/${result.right.seq}` : result.left._tag;

/** Where the taps of that device are on disk. */
const placesOnDisk = async (rig: WriterRig, device: string): Promise<ReadonlyArray<string>> => {
  const places: string[] = [];
  for (const { head } of await rig.store.epochs()) {
    const records = await rig.store.records(head.epoch, 0, head.range.size);
    for (const [seq, { body }] of records.entries()) {
      const decoded = body === null ? undefined : decodeBody(KIND.tap, body);
      if (decoded === undefined || E.isLeft(decoded) || decoded.right._tag !== "Tap") continue;
      if (decoded.right.device === device) places.push(`${toHex(head.epoch)}/${seq}`);
    }
  }
  return places;
};

describe("a commit that failed", () => {
  test("and is not on disk: the records go into a new epoch, which names the dropped one", async () => {
    const rig = new WriterRig();
    await rig.writer.append(tap());
    const dropped = rig.writer.head;
    rig.store.failCommits({ error: IO_FAILED, stands: false });
    const results = await Promise.all(
      ["a", "b", "c"].map((device) => rig.writer.append(tap(device))),
    );
    expect(results.every((result) => E.isRight(result))).toBe(true);
    const [first, second] = await rig.epochs();
    expect(first?.kinds).toEqual(["open", "tap"]);
    expect(second?.open).toMatchObject({
      reason: OPEN_REASON.fault,
      earlier: [{ epoch: dropped?.epoch, size: 2, root: dropped && rootOf(sha256, dropped.range) }],
    });
    for (const [index, device] of ["a", "b", "c"].entries()) {
      expect(await placesOnDisk(rig, device)).toEqual([
        placeOf(results[index] ?? E.left({ _tag: "LogClosed" })),
      ]);
    }
    expect(rig.writer.failure).toBeNull();
  });

  test("and is on disk after all: its records stand where they are, and are told of once", async () => {
    const rig = new WriterRig();
    await rig.writer.append(tap());
    const { epoch } = rig.writer.head ?? { epoch: new Uint8Array(0) };
    rig.store.failCommits({ error: IO_FAILED, stands: true });
    const stands = await rig.writer.append(tap("a"));
    expect(stands).toEqual(E.right({ epoch, seq: 2 }));
    expect(await placesOnDisk(rig, "a")).toEqual([placeOf(stands)]);
    expect(rig.committed).toHaveLength(2);
    expect(rig.writer.failure).toBeNull();
    // Nobody can go on with that epoch: its key is gone.
    expect(rig.writer.head).toBeNull();
    await rig.writer.append(tap("b"));
    const [first, second] = await rig.epochs();
    expect(first?.kinds).toEqual(["open", "tap", "tap"]);
    expect(second?.open.earlier).toMatchObject([{ epoch, size: 3 }]);
    expect(second?.open.reason).toBe(OPEN_REASON.fault);
  });

  test("twice: its records don't exist, and who waits learns why", async () => {
    const rig = new WriterRig();
    rig.store.failCommits({ error: DISK_FULL, stands: false }, { error: DISK_FULL, stands: false });
    expect(await rig.writer.append(tap("a"))).toEqual(
      E.left({ _tag: "NotRecorded", cause: DISK_FULL }),
    );
    expect(rig.writer.failure).toEqual(DISK_FULL);
    expect(await placesOnDisk(rig, "a")).toEqual([]);
    expect(E.isRight(await rig.writer.append(tap("b")))).toBe(true);
    expect(rig.writer.failure).toBeNull();
    expect((await rig.epochs()).map(({ kinds }) => kinds)).toEqual([["open", "tap"]]);
  });

  test("whose fate nobody can tell is not written again", async () => {
    const rig = new WriterRig();
    await rig.writer.append(tap());
    rig.store.failCommits({ error: IO_FAILED, stands: true });
    rig.store.failReopens(IO_FAILED);
    const unknown = await rig.writer.append(tap("a"));
    expect(placeOf(unknown)).toBe("FateUnknown");
    expect(await placesOnDisk(rig, "a")).toHaveLength(1);
  });

  test("while the last record was to be written: the end comes all the same", async () => {
    const rig = new WriterRig();
    await rig.writer.append(tap());
    rig.store.failCommits({ error: IO_FAILED, stands: false });
    await rig.writer.close();
    expect(rig.writer.head).toBeNull();
    expect((await rig.epochs()).map(({ kinds }) => kinds)).toEqual([["open", "tap"]]);
  });

  test("of the close record in a rotation, though it stands: the epoch is named once", async () => {
    const rig = new WriterRig();
    await rig.writer.append(tap());
    rig.store.failCommits({ error: IO_FAILED, stands: true });
    rig.monoMs += 31 * 24 * 3_600_000;
    await rig.writer.append(tap());
    const [first, second] = await rig.epochs();
    expect(first?.kinds).toEqual(["open", "tap", "close"]);
    expect(second?.open.earlier.map(({ size }) => size)).toEqual([3]);
  });

  test("while a statement was to be signed: nothing is signed, and the next try works", async () => {
    const rig = new WriterRig();
    rig.store.failCommits({ error: IO_FAILED, stands: false }, { error: IO_FAILED, stands: false });
    await rig.writer.ensureOpen();
    expect(rig.writer.sign(new Uint8Array(1))).toBeUndefined();
    await rig.writer.ensureOpen();
    expect(rig.writer.sign(new Uint8Array(1))).toHaveLength(64);
  });
});

test("whatever the disk does: a Right is on disk once and there; a Left is nowhere", async () => {
  const fate = fc.constantFrom("ok", "ok", "lost", "stands", "full");
  const steps = fc.array(fc.record({ fate, together: fc.integer({ min: 1, max: 5 }) }), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const rig = new WriterRig();
      for (const step of script) {
        if (step.fate === "ok") continue;
        rig.store.failCommits({
          error: step.fate === "full" ? DISK_FULL : IO_FAILED,
          stands: step.fate === "stands",
        });
      }
      let serial = 0;
      const results = new Map<string, Appended>();
      for (const { together } of script) {
        const names = Array.from({ length: together }, () => `cart-${(serial += 1)}`);
        const appended = await Promise.all(names.map((name) => rig.writer.append(tap(name))));
        for (const [index, result] of appended.entries()) results.set(names[index] ?? "", result);
      }
      await rig.writer.close();
      for (const [name, result] of results) {
        expect(await placesOnDisk(rig, name)).toEqual(E.isRight(result) ? [placeOf(result)] : []);
      }
      // Every epoch but the newest is named by a later one.
      const epochs = await rig.epochs();
      const named = epochs.flatMap(({ open }) => open.earlier.map(({ epoch }) => toHex(epoch)));
      expect(named).toEqual(epochs.slice(0, -1).map(({ epoch }) => epoch));
    }),
    { numRuns: 60 },
  );
});

test(
  `an epoch ends before it has more than ${EPOCH_RECORDS_MAX} records, with its close`,
  { timeout: 90_000 },
  async () => {
    const rig = new WriterRig();
    const body = tap();
    const taps = EPOCH_RECORDS_MAX + 10;
    for (let written = 0; written < taps; written += 512) {
      const group = Array.from({ length: Math.min(512, taps - written) }, () => body);
      const results = await Promise.all(group.map((record) => rig.writer.append(record)));
      expect(results.every((result) => E.isRight(result))).toBe(true);
    }
    await rig.writer.close();
    const [first, second, ...others] = await rig.epochs();
    expect(others).toEqual([]);
    expect(first?.kinds.length).toBeLessThanOrEqual(EPOCH_RECORDS_MAX);
    expect(first?.kinds.length).toBeGreaterThan(EPOCH_RECORDS_MAX - 64);
    expect(first?.kinds.at(-1)).toBe("close");
    expect(second?.open).toMatchObject({
      reason: OPEN_REASON.rotate,
      earlier: [{ size: first?.kinds.length }],
    });
    const kinds = [...(first?.kinds ?? []), ...(second?.kinds ?? [])];
    expect(kinds.filter((kind) => kind === "tap")).toHaveLength(taps);
  },
);
