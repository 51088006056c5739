/** What others put on the broker: dropped, counted by a stable code, and nothing stored is lost. */
import { once } from "node:events";
import { createServer } from "node:net";
import { Aedes } from "aedes";
import { expect, test } from "vitest";
import { concatBytes, utf8 } from "#core/bytes.ts";
import { encodeAnswer } from "#core/message/exchange.ts";
import { BrokerListener } from "#test/gateway/broker-listener.ts";
import { commandLine } from "#test/gateway/command-line.ts";
import { eventually, eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import { uidOf } from "#test/gateway/taps.ts";

/** A broker without tapmesh's rules: whoever connects may publish whatever he likes. */
const lawlessBroker = async (): Promise<{ readonly port: number } & AsyncDisposable> => {
  const aedes = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, aedes.handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: async () => {
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      server.close();
    },
  };
};

/** What a gateway of that fleet publishes: its first tail (with its `open`), a later one, and its head. */
const messagesOf = async (
  fleet: TestFleet,
  name: string,
): Promise<{
  readonly first: Uint8Array;
  readonly later: Uint8Array;
  readonly head: Uint8Array;
}> => {
  const broker = await fleet.broker();
  const topics = `tapmesh-sync/1/${fleet.name}/${name}/+`;
  await using listener = await BrokerListener.connected(broker.port, [topics]);
  const gateway = await fleet.gateway(name, { brokers: [broker] }).start();
  await gateway.untilConnected();
  await gateway.tap(uidOf(1));
  await gateway.tap(uidOf(2));
  const heard = (channel: string): ReadonlyArray<Uint8Array> =>
    listener.messages
      .filter(({ topic }) => topic.endsWith(`/${channel}`))
      .map(({ payload }) => payload);
  await eventuallyTrue("two tails", () => heard("tail").length >= 2);
  const answer = await eventually("a head", () => heard("head").at(-1));
  await gateway.kill();
  const [first, later] = heard("tail");
  if (first === undefined || later === undefined) throw new Error("no tails");
  return { first, later, head: answer };
};

const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

test("every kind of bad message is counted, and the gateway goes on as before", async () => {
  await using fleet = new TestFleet(["lobby", "ghost"]);
  await using foreign = new TestFleet(["ghost"], "foreign");
  await using broker = await lawlessBroker();
  const brokers = [broker];
  const ours = await messagesOf(fleet, "ghost");
  const theirs = await messagesOf(foreign, "ghost");
  await using stranger = new TestFleet(["ghost"]); // same names, other keys
  const strange = await messagesOf(stranger, "ghost");

  const lobby = await fleet.gateway("lobby", { brokers }).start();
  await lobby.untilConnected();
  await lobby.enrol("cart-1", uidOf(1));
  const before = await lobby.status();
  await using attacker = await BrokerListener.connected(broker.port, [], "attacker");
  const base = `tapmesh-sync/1/${fleet.name}`;
  const big = new Uint8Array(200_000);

  const attacks: ReadonlyArray<readonly [counter: string, topic: string, payload: Uint8Array]> = [
    ["sync.refused.sender-not-in-roster", `${base}/nobody/tail`, ours.first],
    ["sync.refused.RangeMalformed", `${base}/ghost/tail`, utf8("not ours at all")],
    ["sync.refused.RangeMalformed", `${base}/ghost/tail`, new Uint8Array(0)],
    [
      "sync.refused.RangeMalformed",
      `${base}/ghost/tail`,
      concatBytes(ours.first, Uint8Array.of(0)),
    ],
    ["sync.refused.RangeTooLarge", `${base}/ghost/tail`, big],
    ["link.dropped.payload-too-large", `${base}/ghost/tail`, new Uint8Array(300_000)],
    ["sync.refused.fleet-foreign", `${base}/ghost/tail`, theirs.first],
    ["sync.refused.author-not-in-roster", `${base}/ghost/tail`, strange.first],
    ["sync.refused.EnvelopeMalformed", `${base}/ghost/head`, utf8("{}")],
    ["sync.refused.EnvelopeTooLarge", `${base}/ghost/head`, big],
    ["sync.refused.EnvelopeMalformed", `${base}/ghost/ask/lobby`, Uint8Array.of(0x1b, 0, 0, 0)],
    ["sync.refused.EnvelopeMalformed", `${base}/ghost/answer/lobby`, flipped(ours.head, 0)],
    [
      "sync.refused.fleet-foreign",
      `${base}/ghost/answer/lobby`,
      encodeAnswer({ _tag: "AnswerRange", range: theirs.first }),
    ],
  ];
  for (const [counter, topic, payload] of attacks) {
    const counted = (await lobby.status()).counters[counter] ?? 0;
    await attacker.publish(topic, payload);
    await eventuallyTrue(`${counter} for ${topic}`, async () => {
      const { counters } = await lobby.status();
      return (counters[counter] ?? 0) === counted + 1;
    });
  }
  const after = await lobby.status();
  expect(after).toMatchObject({ digest: before.digest, authors: before.authors });

  // Records that were altered on the way are refused whole; as they were written, they are taken.
  const tail = `${base}/ghost/tail`;
  for (const at of [30, 200, ours.first.length - 20]) {
    await attacker.publish(tail, flipped(ours.first, at));
  }
  await attacker.publish(tail, ours.later); // its epoch's beginning is not known yet
  await attacker.publish(tail, ours.first);
  await eventuallyTrue("the genuine records", async () => {
    const { authors } = await lobby.status();
    return authors.some(({ gateway, records }) => gateway === "ghost" && records >= 1);
  });
  await attacker.publish(`${base}/ghost/head`, flipped(ours.head, ours.head.length - 5));
  await eventuallyTrue("a refused head", async () => {
    const { counters } = await lobby.status();
    return (counters["sync.refused.head-forged"] ?? 0) === 1;
  });

  expect(await lobby.tap(uidOf(1))).toMatchObject({ verdict: "accepted", notRecorded: null });
  expect(await lobby.value("cart-1", "visits")).toBe(1);
  await lobby.stop();
  for (const file of ["log.db", "mirror.db"]) {
    const verified = await commandLine(["log", "verify", `${lobby.dataDir}/${file}`]);
    expect(verified).toMatchObject({ code: 0 });
  }
});

test("a flood of messages from a listed name costs messages, not taps", async () => {
  await using fleet = new TestFleet(["lobby", "ghost"]);
  await using broker = await lawlessBroker();
  const lobby = await fleet.gateway("lobby", { brokers: [broker] }).start();
  await lobby.untilConnected();
  await using attacker = await BrokerListener.connected(broker.port, [], "attacker");
  const junk = new Uint8Array(60_000).fill(7);
  const flood = Array.from({ length: 600 }, () =>
    attacker.publish(`tapmesh-sync/1/${fleet.name}/ghost/tail`, junk),
  );
  for (let card = 0; card < 10; card += 1) {
    expect(await lobby.tap(uidOf(card))).toMatchObject({ notRecorded: null });
  }
  await Promise.all(flood);
  await eventuallyTrue("all of it looked at or dropped", async () => {
    const { counters } = await lobby.status();
    const seen =
      (counters["sync.refused.RangeMalformed"] ?? 0) + (counters["sync.inbox-full"] ?? 0);
    return seen === 600;
  });
});
