import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { CLOSE_REASON, decodeBody, EARLIER_COUNT_MAX, OPEN_REASON } from "#core/log/body.ts";
import { openCheckpoint } from "#core/log/checkpoint.ts";
import { TYPE, type WriteName } from "#core/log/operation.ts";
import { KIND, RECORD_BYTES_MAX, type RecordBytes } from "#core/log/record.ts";
import { rootOf } from "#core/log/tree.ts";
import {
  APPEND_QUEUE_MAX,
  EPOCH_AGE_MAX_MS,
  GROUP_BYTES_MAX,
  GROUP_RECORDS_MAX,
} from "#gateway/limits.ts";
import { nodeCrypto, randomBytes, sha256 } from "#gateway/node-crypto.ts";
import { tapOf } from "#test/contract/epoch-maker.ts";
import { changeOfBytes, tap, WriterRig } from "#test/unit/writer/writer-rig.ts";

const tagOf = (result: E.Either<{ readonly _tag: string }, unknown>): string =>
  E.isLeft(result) ? result.left._tag : "Right";

const byteCount = (records: ReadonlyArray<RecordBytes>): number =>
  records.reduce((sum, { header, body }) => sum + header.length + (body?.length ?? 0), 0);

describe("an epoch", () => {
  test("is opened by its first record, which is the second", async () => {
    const rig = new WriterRig();
    expect(rig.writer.head).toBeNull();
    const first = await rig.writer.append(tap());
    const second = await rig.writer.append(tap());
    expect(E.isRight(first) && first.right.seq).toBe(1);
    expect(E.isRight(second) && second.right.seq).toBe(2);
    const epochs = await rig.epochs();
    expect(epochs.map(({ kinds }) => kinds)).toEqual([["open", "tap", "tap"]]);
    expect(epochs[0]?.open).toMatchObject({ gateway: "lobby", reason: OPEN_REASON.boot });
    expect(rig.writer.head?.range.size).toBe(3);
  });

  test("is covered by one checkpoint a commit, which its key signed", async () => {
    const rig = new WriterRig();
    await rig.writer.append(tap());
    await rig.writer.append(tap());
    for (const { head, checkpoint } of rig.store.commits) {
      const opened = openCheckpoint(nodeCrypto, checkpoint, head);
      expect(opened).toEqual(
        E.right({ origin: head.origin, size: head.range.size, root: rootOf(sha256, head.range) }),
      );
    }
  });

  test("is opened once, however many ask for it at the same time", async () => {
    const rig = new WriterRig();
    await Promise.all([rig.writer.ensureOpen(), rig.writer.ensureOpen(), rig.writer.append(tap())]);
    await rig.writer.ensureOpen();
    expect((await rig.epochs()).map(({ kinds }) => kinds)).toEqual([["open", "tap"]]);
  });

  test("that somebody asked for is on disk when they are told so, also the second to ask", async () => {
    const rig = new WriterRig();
    const gate = Promise.withResolvers<void>();
    rig.store.gate = gate.promise;
    void rig.writer.ensureOpen();
    const told = rig.writer.ensureOpen().then(() => "told");
    const turn = new Promise((resolve) => setImmediate(resolve, "not told"));
    expect(await Promise.race([told, turn])).toBe("not told");
    gate.resolve();
    expect(await told).toBe("told");
  });

  test("ends when it is too old, in order, and the next one names it", async () => {
    const rig = new WriterRig();
    await rig.writer.append(tap());
    const old = rig.writer.head;
    rig.monoMs += EPOCH_AGE_MAX_MS + 1;
    expect(tagOf(await rig.writer.append(tap()))).toBe("Right");
    const [first, second] = await rig.epochs();
    expect(first?.kinds).toEqual(["open", "tap", "close"]);
    expect(second?.kinds).toEqual(["open", "tap"]);
    expect(second?.open.reason).toBe(OPEN_REASON.rotate);
    expect(second?.open.earlier).toHaveLength(1);
    expect(second?.open.earlier[0]).toMatchObject({ epoch: old?.epoch, size: 3 });
  });

  test("names every epoch that none has named, newest first, as many as a record holds", async () => {
    const unnamed = Array.from({ length: EARLIER_COUNT_MAX * 2 + 10 }, () => ({
      epoch: randomBytes(16),
      size: 70_000,
      root: randomBytes(32),
    }));
    const rig = new WriterRig(unnamed);
    for (let i = 0; i < 4; i += 1) {
      await rig.writer.append(tap());
      rig.monoMs += EPOCH_AGE_MAX_MS + 1;
    }
    const named = (await rig.epochs()).flatMap(({ open }) => open.earlier);
    const names = named.map(({ epoch }) => toHex(epoch));
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(unnamed.map(({ epoch }) => toHex(epoch))));
  });
});

describe("a group", () => {
  test("is what queued up while the last commit ran, and no more than fits", async () => {
    const rig = new WriterRig();
    const results = await Promise.all(Array.from({ length: 200 }, () => rig.writer.append(tap())));
    expect(new Set(results.map((result) => E.isRight(result) && result.right.seq)).size).toBe(200);
    const sizes = rig.store.commits.map(({ records }) => records.length);
    expect(sizes).toEqual([2, GROUP_RECORDS_MAX, GROUP_RECORDS_MAX, GROUP_RECORDS_MAX, 7]);
  });

  test("is split where its bytes are too many, and nothing is lost or mixed up by that", async () => {
    const rig = new WriterRig();
    const lengths = Array.from({ length: 40 }, (_, index) => 2_000 + index * 100);
    const results = await Promise.all(
      lengths.map((length) => rig.writer.append(changeOfBytes(length))),
    );
    for (const [index, result] of results.entries()) {
      if (E.isLeft(result)) throw new Error(result.left._tag);
      const { epoch, seq } = result.right;
      const [record] = await rig.store.records(epoch, seq, seq + 1);
      const body = decodeBody(KIND.change, record?.body ?? new Uint8Array(0));
      const operations =
        E.isRight(body) && body.right._tag === "Change" ? body.right.operations : [];
      const written = operations.reduce((sum, { value }) => sum + String(value).length, 0);
      expect(written).toBe(lengths[index]);
    }
    expect(rig.store.commits.every(({ records }) => byteCount(records) <= GROUP_BYTES_MAX)).toBe(
      true,
    );
    expect(rig.store.commits.some(({ records }) => records.length > 2)).toBe(true);
  });

  test("loses nothing but the record that is too large for any", async () => {
    const rig = new WriterRig();
    const results = await Promise.all([
      rig.writer.append(tap()),
      ...[tap(), tap(), changeOfBytes(12_000), tap()].map((record) => rig.writer.append(record)),
    ]);
    expect(results.map(tagOf)).toEqual(["Right", "Right", "Right", "RecordTooLarge", "Right"]);
    const [, , , tooLarge] = results;
    expect(tooLarge !== undefined && E.isLeft(tooLarge) && tooLarge.left).toMatchObject({
      byteCount: expect.toSatisfy((count: number) => count > RECORD_BYTES_MAX),
    });
    expect((await rig.epochs())[0]?.kinds).toEqual(["open", "tap", "tap", "tap", "tap"]);
    expect(rig.writer.failure).toBeNull();
  });

  test("of nothing but a record too large opens no epoch", async () => {
    const rig = new WriterRig();
    expect(tagOf(await rig.writer.append(changeOfBytes(12_000)))).toBe("RecordTooLarge");
    expect(rig.store.commits).toEqual([]);
    expect(rig.writer.head).toBeNull();
    expect(tagOf(await rig.writer.append(tap()))).toBe("Right");
    expect(await rig.epochs()).toHaveLength(1);
  });

  test("is told to those who publish before those who wait for it", async () => {
    const rig = new WriterRig();
    const result = await rig.writer.append(tap()).then(() => rig.committed.length);
    expect(result).toBe(1);
    expect(rig.committed.map(({ from, records }) => [from, records.length])).toEqual([[0, 2]]);
  });

  test("finds the queue full, and says so, when the disk has stalled", async () => {
    const rig = new WriterRig();
    const gate = Promise.withResolvers<void>();
    rig.store.gate = gate.promise;
    const waiting = Array.from({ length: APPEND_QUEUE_MAX + 1 }, () => rig.writer.append(tap()));
    expect(tagOf(await rig.writer.append(tap()))).toBe("AppendQueueFull");
    gate.resolve();
    const results = await Promise.all(waiting);
    expect(results.every((result) => E.isRight(result))).toBe(true);
  });

  test("gets the known writes of each record, without those of its own epoch", async () => {
    const rig = new WriterRig();
    const query = { device: "cart-1", key: "location", type: TYPE.register };
    const asked: Array<ReadonlyArray<ReadonlyArray<WriteName>>> = [];
    const asking = (): ReturnType<typeof tap> => ({
      ...tap(),
      queries: [query, { ...query, device: "cart-2" }],
      body: (known) => {
        asked.push(known);
        return tapOf("cart-1", "lobby", known[0]);
      },
    });
    await rig.writer.append(asking());
    const written = await rig.writer.append(asking());
    rig.monoMs += EPOCH_AGE_MAX_MS + 1;
    await rig.writer.append(asking());
    expect(asked.slice(0, 2)).toEqual([
      [[], []],
      [[], []],
    ]);
    expect(asked[2]).toEqual([[E.isRight(written) ? written.right : undefined], []]);
  });
});

describe("the end", () => {
  test("writes what waits, then the close record; nothing comes after it", async () => {
    const rig = new WriterRig();
    const waiting = [tap(), tap(), tap()].map((record) => rig.writer.append(record));
    await rig.writer.close();
    expect((await Promise.all(waiting)).map(tagOf)).toEqual(["Right", "Right", "Right"]);
    expect(tagOf(await rig.writer.append(tap()))).toBe("LogClosed");
    await rig.writer.close();
    await rig.writer.ensureOpen();
    expect((await rig.epochs()).map(({ kinds }) => kinds)).toEqual([
      ["open", "tap", "tap", "tap", "close"],
    ]);
    const close = decodeBody(
      KIND.close,
      rig.store.commits.at(-1)?.records[0]?.body ?? new Uint8Array(0),
    );
    expect(close).toMatchObject({ right: { _tag: "Close", reason: CLOSE_REASON.stop } });
    expect(rig.writer.sign(new Uint8Array(1))).toBeUndefined();
  });

  test("of a writer that never wrote leaves no epoch", async () => {
    const rig = new WriterRig();
    await rig.writer.close();
    expect(rig.store.commits).toEqual([]);
  });

  test("waits for taps that came while the epoch was being opened for a statement", async () => {
    const rig = new WriterRig();
    const gate = Promise.withResolvers<void>();
    rig.store.gate = gate.promise;
    const opening = rig.writer.ensureOpen();
    await new Promise(setImmediate);
    const waiting = [rig.writer.append(tap()), rig.writer.append(tap())];
    const closing = rig.writer.close();
    gate.resolve();
    await Promise.all([opening, closing]);
    expect((await Promise.all(waiting)).map(tagOf)).toEqual(["Right", "Right"]);
    expect((await rig.epochs()).map(({ kinds }) => kinds)).toEqual([
      ["open", "tap", "tap", "close"],
    ]);
  });
});
