/** The loop that carries out what core/sync decides: order, failures, and what is left behind. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { ACTOR } from "#core/log/actor.ts";
import { encodeEvidence } from "#core/log/fork.ts";
import { encodeRange } from "#core/log/range.ts";
import { encodeAnswer, encodeAsk } from "#core/message/exchange.ts";
import { answerTopic, askTopic, headTopic } from "#core/message/topics.ts";
import { ASK_TIMEOUT_MS, HEADS_WAIT_MS } from "#core/sync/state.ts";
import type { Roster } from "#core/trust/roster.ts";
import { ANSWERS_COUNT_MAX, INBOX_COUNT_MAX } from "#gateway/limits.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { Store } from "#gateway/ports.ts";
import { openStore } from "#gateway/store/client.ts";
import { MemoryStore } from "#test/contract/memory-store.ts";
import { at } from "#test/unit/core/log/either.ts";
import { forkedEpoch } from "#test/unit/core/log/forked-epoch.ts";
import { append, openDraft, tap, type SampleEpoch } from "#test/unit/core/log/sample-epoch.ts";
import { FLEET, gatewayKeyOf, rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";
import { epochBy, signedHead } from "#test/unit/core/sync/one-gateway.ts";
import { LoopRig } from "#test/unit/sync-loop/loop-rig.ts";
import { IO_FAILED } from "#test/unit/writer/writer-rig.ts";

const ROSTER = rosterOf(["lobby", "dock", "yard"]);
const DOCK = epochBy("dock", 1, 500);
const YARD = epochBy("yard", 2, 501);

const rigOver = (store: Store, roster: Roster = ROSTER): LoopRig =>
  new LoopRig(store, { self: "lobby", roster, key: gatewayKeyOf(0) });

const range = (epoch: SampleEpoch, from: number, to: number): Uint8Array =>
  encodeRange(epoch.range(from, to, to));

const answer = (epoch: SampleEpoch, from: number, to: number): Uint8Array =>
  encodeAnswer({ _tag: "AnswerRange", range: range(epoch, from, to) });

const heldSize = (rig: LoopRig, epoch: SampleEpoch): number =>
  rig.loop.state.replica.get(toHex(epoch.empty.epoch))?.head.range.size ?? 0;

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeEach(() => void process.on("unhandledRejection", note));
afterEach(() => {
  process.off("unhandledRejection", note);
  const [first] = unhandled.splice(0);
  if (first !== undefined) throw new Error("a promise was left to itself", { cause: first });
});

describe("messages", () => {
  test("are taken one a turn, live ones before answers", async () => {
    const rig = rigOver(new MemoryStore());
    await rig.tap();
    rig.take();
    const order: string[] = [];
    const onRange = (from: string): void => void order.push(from);
    rig.loop.onMessage(answerTopic(FLEET, "yard", "lobby"), answer(YARD, 0, 12));
    // The first is under way by now; of those that wait the tail comes first.
    rig.loop.onMessage(answerTopic(FLEET, "yard", "lobby"), answer(epochBy("yard", 2, 502), 0, 12));
    rig.tail("dock", range(DOCK, 0, 12));
    const seen = new Set<string>();
    while (seen.size < 3) {
      for (const { author, head } of rig.loop.state.replica.values()) {
        const id = toHex(head.epoch);
        if (author !== "lobby" && !seen.has(id)) onRange(author);
        if (author !== "lobby") seen.add(id);
      }
      await new Promise(setImmediate);
    }
    expect(order).toEqual(["yard", "dock", "yard"]);
    expect(rig.turns).toBeGreaterThanOrEqual(2);
  });

  test("beyond the room are dropped and counted, and those within it are all taken", async () => {
    const rig = rigOver(new MemoryStore());
    const ask = encodeAsk({ _tag: "AskRange", epoch: new Uint8Array(16), from: 0 });
    for (let i = 0; i < INBOX_COUNT_MAX + 50; i += 1) {
      rig.loop.onMessage(askTopic(FLEET, "dock", "lobby"), ask);
    }
    expect(rig.counters.all()["sync.inbox-full"]).toBeGreaterThanOrEqual(40);
    expect(rig.loop.waiting).toBe(INBOX_COUNT_MAX);
    await rig.rest();
    expect(rig.loop.waiting).toBe(0);
  });

  test("of other topics are counted, and nonsense writes a line a second", async () => {
    const rig = rigOver(new MemoryStore());
    rig.loop.onMessage("tapmesh-sync/1/other/dock/head", new Uint8Array(1));
    for (let i = 0; i < 20; i += 1) rig.loop.onMessage(headTopic(FLEET, "dock"), new Uint8Array(1));
    await rig.rest();
    expect(rig.counters.all()).toMatchObject({
      "sync.topic-unknown": 1,
      "sync.refused.EnvelopeMalformed": 20,
    });
    expect(rig.lines.filter((line) => line === "sync.refused")).toHaveLength(1);
  });

  test("that wait when it is stopped are not looked at", async () => {
    const rig = rigOver(new MemoryStore());
    rig.tail("dock", range(DOCK, 0, 12));
    rig.tail("yard", range(YARD, 0, 12));
    rig.loop.stop();
    await rig.rest();
    expect([heldSize(rig, DOCK), heldSize(rig, YARD)]).toEqual([12, 0]);
  });
});

describe("a disk that refuses", () => {
  test("a peer's records: nothing is said to be held, and they are asked for again", async () => {
    const store = new MemoryStore();
    let isBroken = true;
    const broken: Store = Object.assign(Object.create(store), {
      mirror: (...args: Parameters<Store["mirror"]>) =>
        isBroken ? Promise.resolve(E.left(IO_FAILED)) : store.mirror(...args),
    });
    const rig = rigOver(broken);
    await rig.tap();
    rig.take();
    rig.tail("dock", range(DOCK, 0, 12));
    await rig.tick(500);
    expect([heldSize(rig, DOCK), rig.accepted]).toEqual([0, 0]);
    expect(rig.counters.all()["sync.store-failed.IoFailed"]).toBe(1);
    expect(rig.take()).not.toContain("held/dock");
    isBroken = false;
    rig.loop.onMessage(headTopic(FLEET, "dock"), signedHead(DOCK));
    await rig.rest();
    expect(rig.take()).toContain("ask/dock");
    rig.loop.onMessage(answerTopic(FLEET, "dock", "lobby"), answer(DOCK, 0, 12));
    await rig.tick(300);
    expect([heldSize(rig, DOCK), rig.accepted]).toEqual([12, 1]);
    expect(rig.take()).toContain("held/dock");
  });

  test("own records that stand all the same: heads and acknowledgements go on, without another tap", async () => {
    const store = new MemoryStore();
    const rig = rigOver(store);
    await rig.tap();
    store.failCommits({ error: IO_FAILED, stands: true });
    await rig.tap();
    expect(rig.writer.head).toBeNull();
    rig.take();
    rig.tail("dock", range(DOCK, 0, 12));
    await rig.tick(40_000);
    expect(rig.take()).toEqual(expect.arrayContaining(["head", "held/dock"]));
  });

  test("to open an epoch: it is tried again", async () => {
    const store = new MemoryStore();
    const rig = rigOver(store);
    store.failCommits({ error: IO_FAILED, stands: false }, { error: IO_FAILED, stands: false });
    rig.loop.onConnect();
    await rig.tick(2 * HEADS_WAIT_MS + 60_000);
    expect(rig.take()).toContain("head");
  });
});

test("own records go to peers before whatever waits", async () => {
  const rig = rigOver(new MemoryStore());
  await rig.tap();
  rig.take();
  const ask = encodeAsk({
    _tag: "AskRange",
    epoch: rig.writer.head?.epoch ?? DOCK.empty.epoch,
    from: 0,
  });
  for (let i = 0; i < 100; i += 1) rig.loop.onMessage(askTopic(FLEET, "dock", "lobby"), ask);
  await rig.tap();
  const topics = rig.take();
  expect(topics.slice(0, 10)).toContain("tail");
  expect(topics.filter((topic) => topic === "answer/dock").length).toBeGreaterThan(
    ANSWERS_COUNT_MAX,
  );
});

test("an ask that nobody answers goes to the next who has it", async () => {
  const rig = rigOver(new MemoryStore());
  await rig.tap();
  for (const epoch of [DOCK, YARD]) rig.tail(epoch.names.gateway, range(epoch, 0, 1));
  await rig.rest();
  rig.take();
  rig.loop.onMessage(headTopic(FLEET, "dock"), signedHead(DOCK));
  rig.loop.onMessage(headTopic(FLEET, "yard"), signedHead(YARD));
  // First for a snapshot, of which nothing comes either.
  await rig.tick(10_200);
  expect(rig.take()).toContain("ask/dock");
  await rig.tick(ASK_TIMEOUT_MS + 200);
  expect(rig.take()).toContain("ask/yard");
});

interface PassedBy {
  readonly rig: LoopRig;
  readonly store: Store;
  readonly epochs: ReadonlyArray<SampleEpoch>;
}

/** The first author goes on. What lies before has to come from somewhere: from the author itself. */
const goesOn = async ({ rig, store, epochs }: PassedBy): Promise<number | undefined> => {
  const epoch = at(epochs, 0);
  const { gateway } = epoch.names;
  rig.take();
  rig.tail(gateway, range(epoch, 8, 12));
  await rig.rest();
  if (rig.take().includes(`ask/${gateway}`)) {
    rig.loop.onMessage(answerTopic(FLEET, gateway, "lobby"), answer(epoch, 0, 12));
  }
  await rig.rest();
  return (await store.digest()).heads.get(toHex(epoch.empty.epoch));
};

describe("over a store on disk, in a fleet of 20", () => {
  let directory = "";
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "tapmesh-loop-"))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const names = ["lobby", "dock", "yard", ...Array.from({ length: 17 }, (_, i) => `gw-${i}`)];
  const large = rosterOf(names);

  /** A gateway by which two others' records pass: 8 of each have been folded. */
  const passedBy = async (): Promise<PassedBy> => {
    const opened = await openStore({
      directory,
      wallMs: 0,
      onFolded: ({ facts }) => {
        for (const fact of facts) {
          if (fact._tag === "Forked") rig.loop.onFork(fact.epoch, fact.size);
        }
      },
      onStaged: () => undefined,
      onDeath: note,
    });
    if (E.isLeft(opened)) throw new Error(opened.left._tag);
    const { store } = opened.right;
    const rig = rigOver(store, large);
    const passing = names.slice(1).filter((name) => !rig.loop.state.stores.has(name));
    const epochs = passing
      .slice(0, 3)
      .map((name, i) => epochBy(name, names.indexOf(name), 510 + i));
    await rig.tap();
    for (const epoch of epochs.slice(0, 2)) rig.tail(epoch.names.gateway, range(epoch, 0, 8));
    await expect.poll(() => epochs.map((epoch) => heldSize(rig, epoch))).toEqual([8, 8, 0]);
    return { rig, store, epochs };
  };

  const seconds = { timeout: 5_000, interval: 100 };

  test("a cut throws the state away: what passed is asked for again, and goes on being folded", async () => {
    const passed = await passedBy();
    const { rig, store, epochs } = passed;
    const cuts = new Map([[toHex(at(epochs, 1).empty.epoch), 3]]);
    rig.loop.onRoster({ ...large, version: 2, cuts });
    await expect.poll(() => rig.refolded).toBe(1);
    await expect.poll(() => goesOn(passed), seconds).toBe(12);
    await store.close();
  });

  test("so does a fork that a record proves", async () => {
    const passed = await passedBy();
    const { rig, store, epochs } = passed;
    const [, forked, witness] = epochs;
    if (forked === undefined || witness === undefined) throw new Error("nobody passes");
    const { evidenceAt } = forkedEpoch(3, [5, 5], forked.names);
    const evidence = encodeEvidence(sha256, evidenceAt(3));
    if (E.isLeft(evidence)) throw new Error(evidence.left._tag);
    const actor = { kind: ACTOR.gateway, name: witness.names.gateway };
    const { records, checkpoint, head } = append(witness.names, witness.empty, [
      openDraft(witness.names),
      { ...tap(1), body: { _tag: "Fork", actor, evidence: evidence.right } },
    ]);
    const message = { epoch: head.epoch, from: 0, checkpoint, proof: [], items: records };
    rig.tail(witness.names.gateway, encodeRange(message));
    await expect.poll(() => [...rig.loop.state.cuts.values()]).toEqual([3]);
    await expect.poll(() => goesOn(passed), seconds).toBe(12);
    await store.close();
  });
});
