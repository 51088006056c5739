/** Several brokers at once, of several kinds, that die, forget and come back: peers hear of each tap all the same. */
import mqtt from "mqtt";
import { describe, expect, test } from "vitest";
import { headTopic } from "#core/message/topics.ts";
import type { WatchEvent } from "#gateway/control/protocol.ts";
import { BrokerListener } from "#test/gateway/broker-listener.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import { TapWitness } from "#test/gateway/tap-witness.ts";
import { untilEqual } from "#test/gateway/taps.ts";
import { rounds } from "#test/long.ts";

const NAMES = ["lobby", "dock", "yard"];
/** Asks are given up after 3 s, and heads come every 30 s. */
const EQUAL_MS = 90_000;
const TAPS = rounds(20, 200);
const ROUNDS = rounds(1, 3);

type PeerEvent = Extract<WatchEvent, { readonly event: "peer" }>;
type HeardRecord = PeerEvent["records"][number] & Pick<PeerEvent, "replay">;

const tapsOf = (events: ReadonlyArray<WatchEvent>, author: string): ReadonlyArray<HeardRecord> =>
  events
    .flatMap((event) =>
      event.event === "peer"
        ? event.records.map((record) => ({ ...record, replay: event.replay }))
        : [],
    )
    .filter(({ gateway, kind }) => gateway === author && kind === "tap");

describe.each([
  ["two of our own", async (fleet: TestFleet) => [await fleet.broker(), await fleet.broker()]],
  [
    "ours and Mosquitto",
    async (fleet: TestFleet) => [await fleet.broker(), await fleet.mosquitto()],
  ],
])("two brokers at once (%s)", (_kind, start) => {
  test("one dies under taps, comes back, the other dies: the peer sees every tap once, as it is made", async () => {
    await using fleet = new TestFleet(["lobby", "dock"]);
    const brokers = await start(fleet);
    const lobby = fleet.gateway("lobby", { brokers });
    const dock = fleet.gateway("dock", { brokers });
    const witness = new TapWitness(fleet, 20);
    await witness.startAll([lobby, dock]);
    await Promise.all([lobby.untilConnected(), dock.untilConnected()]);
    const events = await dock.watch();
    witness.begin(lobby);
    for (const broker of brokers) {
      await witness.untilAnswered(TAPS);
      await broker.kill();
      await witness.untilAnswered(TAPS);
      await broker.start();
      await Promise.all([lobby.untilConnected(), dock.untilConnected()]);
      await witness.untilAnswered(TAPS);
    }
    await witness.stop();
    const seen = (): ReadonlyArray<HeardRecord> => tapsOf(events, "lobby");
    await eventuallyTrue("all taps at the peer", () => seen().length >= witness.answers.size);
    expect(seen().map(({ epoch, seq }) => `${epoch}/${seq}`)).toEqual([...witness.answers.keys()]);
    expect(seen().filter(({ replay }) => replay)).toEqual([]);
    await untilEqual([lobby, dock], EQUAL_MS);
    expect(await witness.contradictionsOf([lobby, dock])).toEqual([]);
  }, 120_000);
});

test("a gateway on both carries records between a site's broker and a central one", async () => {
  await using fleet = new TestFleet(["shop", "relay", "office"]);
  const [site, centre] = [await fleet.broker(), await fleet.broker()];
  const shop = fleet.gateway("shop", { brokers: [site] });
  const relay = fleet.gateway("relay", { brokers: [site, centre] });
  const office = fleet.gateway("office", { brokers: [centre] });
  const all = [shop, relay, office];
  const witness = new TapWitness(fleet);
  await witness.startAll([shop]);
  await office.start();
  for (let round = 0; round < ROUNDS; round += 1) {
    // While nobody carries, each side goes on by itself.
    await witness.tap([shop, office], TAPS);
    const [there, here] = await Promise.all([shop.status(), office.status()]);
    expect(there.digest).not.toBe(here.digest);
    await relay.start();
    await untilEqual(all, EQUAL_MS);
    await witness.tap([shop, office], TAPS);
    await untilEqual(all, EQUAL_MS);
    await relay.kill();
  }
  await relay.start();
  await untilEqual(all, EQUAL_MS);
  expect(await witness.contradictionsOf(all)).toEqual([]);
}, 300_000);

/** Whoever comes now finds no word from anybody there. */
const clearHeads = async (port: number): Promise<void> => {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4 });
  for (const name of NAMES) {
    await client.publishAsync(headTopic("acme", name), "", { qos: 1, retain: true });
  }
  await client.endAsync();
};

const retainedHeads = async (port: number): Promise<number> => {
  await using listener = await BrokerListener.connected(port, [headTopic("acme", "+"), "probe"]);
  await listener.publish("probe", "what was retained has come before it");
  await eventuallyTrue("the probe", () => listener.messages.some(({ topic }) => topic === "probe"));
  return listener.messages.length - 1;
};

const untilHeads = (port: number, count: number): Promise<void> =>
  eventuallyTrue(`${count} heads`, async () => (await retainedHeads(port)) === count);

describe("a broker that forgets", () => {
  test("its retained heads while it runs: a newcomer still gets everything", async () => {
    await using fleet = new TestFleet(NAMES);
    const broker = await fleet.mosquitto();
    const [lobby, dock, yard] = NAMES.map((name) => fleet.gateway(name, { brokers: [broker] }));
    if (lobby === undefined || dock === undefined || yard === undefined) throw new Error("names");
    const witness = new TapWitness(fleet);
    await witness.startAll([lobby, dock]);
    await witness.tap([lobby, dock], TAPS);
    await untilEqual([lobby, dock], EQUAL_MS);
    await untilHeads(broker.port, 2);
    await clearHeads(broker.port);
    expect(await retainedHeads(broker.port)).toBeLessThan(2);
    await yard.start();
    await untilEqual([lobby, dock, yard], EQUAL_MS);
    expect(await witness.contradictionsOf([lobby, dock, yard])).toEqual([]);
  }, 120_000);

  test.each(["stop", "kill"] as const)(
    "Mosquitto after a %s: with old heads or none, those who were away and those who were not become equal",
    async (how) => {
      await using fleet = new TestFleet(NAMES);
      const broker = await fleet.mosquitto();
      const all = NAMES.map((name) => fleet.gateway(name, { brokers: [broker] }));
      const [lobby, , yard] = all;
      if (lobby === undefined || yard === undefined) throw new Error("names");
      const witness = new TapWitness(fleet);
      await witness.startAll(all);
      await untilHeads(broker.port, 3);
      await yard.kill();
      await broker[how]();
      await witness.tap(
        all.filter((gateway) => gateway !== yard),
        TAPS,
      );
      await lobby.kill(); // its taps are on its own disk alone
      await broker.start();
      // Who was there all the time may have connected again and said its own.
      const counts = how === "stop" ? [3] : [0, 1];
      expect(counts).toContain(await retainedHeads(broker.port));
      await Promise.all([lobby.start(), yard.start()]);
      await untilEqual(all, EQUAL_MS);
      expect(await witness.contradictionsOf(all)).toEqual([]);
    },
    120_000,
  );
});
