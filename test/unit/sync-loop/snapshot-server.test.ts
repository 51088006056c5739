/** When a snapshot is made for newcomers, when the last one serves again, and when there is none worth it. */
import { expect, test } from "vitest";
import type { Answer } from "#core/message/exchange.ts";
import { SNAPSHOT_RECORDS_MIN } from "#gateway/limits.ts";
import { nodeCrypto } from "#gateway/node-crypto.ts";
import { SnapshotServer } from "#gateway/sync/snapshot-server.ts";
import { epochBy } from "#test/unit/core/sync/one-gateway.ts";
import { rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";

const ROSTER = rosterOf(["lobby", "dock"]);
const HEAD = epochBy("lobby", 0, 500).empty;

class Rig {
  records = 0;
  nowMs = 0;
  made = 0;
  readonly server = new SnapshotServer({
    crypto: nodeCrypto,
    clock: { wallMs: () => 0, monoMs: () => this.nowMs, preciseMs: () => this.nowMs },
    store: {
      digest: () => Promise.resolve({ digest: "", heads: new Map([["00", this.records]]) }),
      snapshot: () => {
        this.made += 1;
        return Promise.resolve({ manifest: Uint8Array.of(this.made) });
      },
      snapshotChunk: () => Promise.resolve(null),
    },
    writer: { head: HEAD, sign: () => new Uint8Array(64) },
  });

  async manifest(): Promise<ReadonlyArray<number> | undefined> {
    const answer: Answer | null = await this.server.answer(ROSTER);
    return answer?._tag === "AnswerSnapshot" ? [...answer.manifest] : undefined;
  }
}

test("there is none while the logs are as fast, and one as soon as they aren't", async () => {
  const rig = new Rig();
  rig.records = SNAPSHOT_RECORDS_MIN - 1;
  expect(await rig.manifest()).toEqual([]);
  rig.records = SNAPSHOT_RECORDS_MIN;
  expect(await rig.manifest()).toEqual([1]);
});

test("newcomers within a minute get the same, later ones another", async () => {
  const rig = new Rig();
  rig.records = SNAPSHOT_RECORDS_MIN;
  await rig.manifest();
  rig.nowMs = 60_000;
  expect(await Promise.all([rig.manifest(), rig.manifest()])).toEqual([[1], [1]]);
  rig.nowMs = 60_001;
  expect(await rig.manifest()).toEqual([2]);
});
