/** kill -9 at any moment: what was answered or published is in the log, once, and every epoch verifies. */
import { setTimeout as delay } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { ACTOR } from "#core/log/actor.ts";
import { VERDICT, type TapBody } from "#core/log/body.ts";
import { decodeRange } from "#core/log/range.ts";
import { BrokerListener, type HeardMessage } from "#test/gateway/broker-listener.ts";
import { runTapmesh } from "#test/gateway/child.ts";
import { commandLine } from "#test/gateway/command-line.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { slowDisk } from "#test/gateway/faulty-disk.ts";
import { right, TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { readLogCopy, type LogCopy, type LoggedRecord } from "#test/gateway/log-copy.ts";
import { rounds } from "#test/long.ts";

/** Fewer than in `peers-kill.test.ts`, where a round looks at less. */
const ROUNDS = rounds(10, 100);
/** Taps run for up to so long before the kill. */
const ALIVE_MS_MAX = 250;
/** As on a tired SD card; it also makes most kills hit in the midst of a commit. */
const WRITE_DELAY_MS = 2;
/** Two readers tap enrolled cards, two tap cards that nobody has seen before. */
const READERS = ["known-1", "known-2", "new-1", "new-2"];
const DEVICES = [1, 2, 3, 4].map((n) => ({ device: `cart-${n}`, uid: `0400000000AA0${n}` }));

/** What the world outside the process was told, by record: `<epoch>/<seq>` → card or header. */
class Witness {
  readonly answers = new Map<string, string>();
  readonly published = new Map<string, string>();
  readonly headers = new Map<string, string>();
  /** Cards held to a reader, answered or not. */
  readonly held = new Set<string>();
  answersTwice = 0;

  answered(name: string, uid: string): void {
    if (this.answers.has(name)) this.answersTwice += 1;
    this.answers.set(name, uid);
  }

  heard({ topic, payload }: HeardMessage): void {
    if (topic.endsWith("/tail")) {
      const range = right(decodeRange(payload));
      for (const [index, { header }] of range.items.entries()) {
        this.headers.set(`${toHex(range.epoch)}/${range.from + index}`, toHex(header));
      }
      return;
    }
    const tap: { card: string; record: { epoch: string; seq: number } } = JSON.parse(
      new TextDecoder().decode(payload),
    );
    this.published.set(`${tap.record.epoch}/${tap.record.seq}`, tap.card);
  }
}

/** Taps at one reader, one card after the other, until the process is gone. */
const tapUntilDead = async (
  gateway: GatewayProcess,
  witness: Witness,
  place: { readonly reader: string; readonly round: number },
): Promise<void> => {
  const { reader, round } = place;
  const own = DEVICES.filter((_, index) => index % 2 === READERS.indexOf(reader) % 2);
  for (let i = 0; ; i += 1) {
    const serial = (round * 4_096 + i) * 4 + READERS.indexOf(reader);
    const uid = reader.startsWith("new")
      ? `0411${serial.toString(16).padStart(10, "0")}`
      : (own[i % own.length]?.uid ?? "");
    witness.held.add(uid.toUpperCase());
    const answer = await gateway.tryAsk<"tap">({ verb: "tap", card: "ntag215", uid, reader });
    if (E.isLeft(answer) && answer.left._tag === "Refused") continue; // the last card leaves late
    if (E.isLeft(answer)) return;
    const { record } = answer.right;
    if (record === null) throw new Error("a tap was not recorded though the disk is in order");
    witness.answered(`${record.epoch}/${record.seq}`, uid.toUpperCase());
  }
};

const nameOf = ({ epoch, seq }: LoggedRecord): string => `${epoch}/${seq}`;

const tapsIn = (log: LogCopy): ReadonlyMap<string, TapBody> =>
  new Map(
    log.records.flatMap((record) =>
      record.body?._tag === "Tap" ? [[nameOf(record), record.body] as const] : [],
    ),
  );

/** Nothing that the world was told is missing or different, nothing is there that nobody held. */
const checkLog = (log: LogCopy, witness: Witness, cardOf: (uid: string) => string): void => {
  expect(log.reports.map(({ error }) => error)).toEqual(log.reports.map(() => null));
  const taps = tapsIn(log);
  for (const [name, uid] of witness.answers) {
    expect(toHex(taps.get(name)?.card ?? new Uint8Array(0)), `answered ${name}`).toBe(cardOf(uid));
  }
  for (const [name, card] of witness.published) {
    expect(toHex(taps.get(name)?.card ?? new Uint8Array(0)), `published ${name}`).toBe(card);
  }
  const headers = new Map(log.records.map((record) => [nameOf(record), record.header]));
  for (const [name, header] of witness.headers)
    expect(headers.get(name), `header ${name}`).toBe(header);
  const held = new Set([...witness.held].map(cardOf));
  const newCards = [...taps.values()].filter(({ actor }) => actor.name.startsWith("new"));
  expect(newCards.every(({ card }) => held.has(toHex(card)))).toBe(true);
  expect(new Set(newCards.map(({ card }) => toHex(card))).size).toBe(newCards.length);
  expect(witness.answersTwice).toBe(0);
};

/** Feedback that a person got in this run, by reader: under `audit: first` each follows its record. */
const checkFeedback = (gateway: GatewayProcess, taps: ReadonlyArray<TapBody>): void => {
  for (const reader of READERS) {
    const signal = reader.startsWith("new") ? "unknown" : "accepted";
    const shown = gateway.child
      .journal()
      .filter((line) => line["code"] === "reader.feedback" && line["reader"] === reader);
    expect(shown.every((line) => line["signal"] === signal)).toBe(true);
    const recorded = taps.filter(({ actor }) => actor.name === reader);
    expect(recorded.length, `feedback at ${reader}`).toBeGreaterThanOrEqual(shown.length);
  }
};

const visitsOf = async (gateway: GatewayProcess): Promise<number> => {
  let visits = 0;
  for (const { device } of DEVICES) {
    visits += Number((await gateway.value(device, "visits")) ?? 0);
  }
  return visits;
};

test(
  `${ROUNDS} times kill -9 while four readers are tapped: nothing lost, nothing twice, nothing invented`,
  { timeout: rounds(90_000, 600_000) },
  async () => {
    await using fleet = new TestFleet(["lobby"]);
    const broker = await fleet.broker();
    const gateway = fleet.gateway("lobby", {
      readers: READERS,
      audit: "first",
      brokers: [broker],
      env: slowDisk(WRITE_DELAY_MS),
    });
    const filters = [`tapmesh-sync/1/${fleet.name}/+/tail`, "tapmesh/+/+/reader/+/tap"];
    await using listener = await BrokerListener.connected(broker.port, filters);
    const cardOf = (uid: string): string => fleet.cardOf(uid);
    await gateway.start();
    for (const { device, uid } of DEVICES) await gateway.enrol(device, uid);
    await gateway.kill();

    const witness = new Witness();
    for (let round = 0; round < ROUNDS; round += 1) {
      await gateway.start();
      const before = readLogTaps(await gateway.records());
      const verified = await commandLine(["log", "verify", gateway.logFile]);
      expect(verified, `verify: ${verified.out}`).toMatchObject({ code: 0, err: "" });
      expect(await visitsOf(gateway), `visits in round ${round}`).toBe(before.accepted);
      const tapping = READERS.map((reader) => tapUntilDead(gateway, witness, { reader, round }));
      if (round % 2 === 0) await gateway.untilConnected();
      await delay(Math.random() * ALIVE_MS_MAX);
      await gateway.kill();
      await Promise.all(tapping);

      for (const message of listener.messages.splice(0)) witness.heard(message);
      const log = readLogCopy(gateway.logFile);
      checkLog(log, witness, cardOf);
      const newest = log.records.at(-1)?.epoch;
      const ofThisRun = log.records.filter(({ epoch }) => epoch === newest);
      checkFeedback(
        gateway,
        ofThisRun.flatMap(({ body }) => (body?._tag === "Tap" ? [body] : [])),
      );
    }

    await gateway.start();
    const log = readLogCopy(gateway.logFile);
    checkLog(log, witness, cardOf);
    const accepted = [...tapsIn(log).values()].filter(
      ({ verdict, actor }) => verdict === VERDICT.accepted && actor.kind === ACTOR.reader,
    );
    expect(await visitsOf(gateway)).toBe(accepted.length);
    expect(witness.answers.size).toBeGreaterThan(ROUNDS * 4);
    expect(witness.published.size).toBeGreaterThan(ROUNDS);
    expect(witness.headers.size).toBeGreaterThan(ROUNDS);
    await eventuallyTrue("the end", async () => (await gateway.stop()).code === 0);
    const verified = await runTapmesh(["log", "verify", gateway.logFile]);
    expect(verified, `verify: ${verified.stdout}`).toMatchObject({ code: 0 });
  },
);

const readLogTaps = (
  records: ReadonlyArray<{ readonly kind: string; readonly summary: string }>,
): { readonly accepted: number } => ({
  accepted: records.filter(({ kind, summary }) => kind === "tap" && summary.startsWith("accepted"))
    .length,
});
