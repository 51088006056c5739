/** A Pi with an old card, two Pis with the same card, a Pi that lost its log: no epoch forks, and all become equal. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { copyCard } from "#test/gateway/sd-card.ts";
import { TapWitness } from "#test/gateway/tap-witness.ts";
import { untilEqual } from "#test/gateway/taps.ts";
import { rounds } from "#test/long.ts";

const NAMES = ["lobby", "dock", "yard"];
/** Connections that are taken over, asks given up after 3 s, and heads every 30 s. */
const EQUAL_MS = 90_000;
const TAPS = rounds(20, 300);
const TIMEOUT_MS = rounds(150_000, 300_000);

const epochOf = async (gateway: GatewayProcess): Promise<string> =>
  (await gateway.status()).epoch ?? "none";

const expectNoFork = async (gateways: ReadonlyArray<GatewayProcess>): Promise<void> => {
  for (const gateway of gateways) {
    const { counters } = await gateway.status();
    const codes = Object.keys(counters).filter((code) => /refused|fork/i.test(code));
    expect(codes).toEqual([]);
  }
};

test(
  "a card put back a day old: the tail comes back from the peers, and a new epoch goes on",
  { timeout: TIMEOUT_MS },
  async () => {
    await using fleet = new TestFleet(NAMES);
    const brokers = [await fleet.broker()];
    const all = NAMES.map((name) => fleet.gateway(name, { brokers }));
    const [lobby, , yard] = all;
    if (lobby === undefined || yard === undefined) throw new Error("names");
    const witness = new TapWitness(fleet);
    await witness.startAll(all);
    await witness.tap(all, TAPS);
    await yard.stop();
    const old = join(fleet.folder, "old-card");
    copyCard(yard.dataDir, old);

    await yard.start();
    await witness.tap([yard], TAPS);
    const lost = await epochOf(yard);
    await untilEqual(all, EQUAL_MS);
    await yard.kill();
    copyCard(old, yard.dataDir);
    await witness.tap([lobby], TAPS);
    await yard.start();
    await witness.tap([yard], TAPS);
    expect(await epochOf(yard)).not.toBe(lost);
    await untilEqual(all, EQUAL_MS);
    expect(await witness.missingAt(yard)).toEqual([]);
    await expectNoFork(all);
    expect(await witness.contradictionsOf(all)).toEqual([]);
  },
);

test(
  "the copy is of a moment at which the process ran, in the midst of an epoch",
  { timeout: TIMEOUT_MS },
  async () => {
    await using fleet = new TestFleet(NAMES);
    const brokers = [await fleet.broker()];
    const all = NAMES.map((name) => fleet.gateway(name, { brokers }));
    const [, , yard] = all;
    if (yard === undefined) throw new Error("names");
    const witness = new TapWitness(fleet);
    await witness.startAll(all);
    await witness.tap([yard], TAPS);
    const old = join(fleet.folder, "old-card");
    await untilEqual(all, EQUAL_MS);
    yard.child.process.kill("SIGSTOP");
    copyCard(yard.dataDir, old);
    yard.child.process.kill("SIGCONT");
    await witness.tap([yard], TAPS); // peers now have more of this epoch than the copy
    const lost = await epochOf(yard);
    await untilEqual(all, EQUAL_MS);
    await yard.kill();
    copyCard(old, yard.dataDir);
    await yard.start();
    await witness.tap(all, TAPS);
    expect(await epochOf(yard)).not.toBe(lost);
    await untilEqual(all, EQUAL_MS);
    expect(await witness.missingAt(yard)).toEqual([]);
    await expectNoFork(all);
    expect(await witness.contradictionsOf(all)).toEqual([]);
  },
);

test(
  "a tail that the Pi alone has reaches the peers when there is a broker again",
  { timeout: TIMEOUT_MS },
  async () => {
    await using fleet = new TestFleet(NAMES);
    const broker = await fleet.broker();
    const all = NAMES.map((name) => fleet.gateway(name, { brokers: [broker] }));
    const [lobby, , yard] = all;
    if (lobby === undefined || yard === undefined) throw new Error("names");
    const witness = new TapWitness(fleet);
    await witness.startAll(all);
    await broker.kill();
    await witness.tap([yard], TAPS);
    await yard.kill();
    await yard.start(); // a second epoch that nobody has heard of
    await witness.tap([yard, lobby], TAPS);
    await yard.kill();
    await broker.start();
    await yard.start();
    await untilEqual(all, EQUAL_MS);
    expect(await witness.missingAt(lobby)).toEqual([]);
    await expectNoFork(all);
    expect(await witness.contradictionsOf(all)).toEqual([]);
  },
);

test(
  "a cloned card in two Pis at once: the records of both stand, and all become equal",
  { timeout: TIMEOUT_MS },
  async () => {
    await using fleet = new TestFleet(NAMES);
    const brokers = [await fleet.broker()];
    const all = NAMES.map((name) => fleet.gateway(name, { brokers }));
    const [lobby, dock, yard] = all;
    if (lobby === undefined || dock === undefined || yard === undefined) throw new Error("names");
    const witness = new TapWitness(fleet);
    await witness.startAll(all);
    await witness.tap(all, TAPS);
    await untilEqual(all, EQUAL_MS);
    await yard.stop();
    const dataDir = join(fleet.folder, "yard-clone");
    copyCard(yard.dataDir, dataDir);
    const clone = fleet.gateway("yard", { brokers, dataDir });
    // The same name, the same key, the same client id: the broker lets them take turns.
    await Promise.all([yard.start(), clone.start()]);
    await witness.tap([lobby, yard, clone], TAPS);
    expect(await epochOf(yard)).not.toBe(await epochOf(clone));

    await clone.stop();
    await untilEqual(all, EQUAL_MS);
    await yard.stop();
    await clone.start();
    await untilEqual([lobby, dock, clone], EQUAL_MS);
    await clone.stop();
    await yard.start();
    await untilEqual(all, EQUAL_MS);
    await expectNoFork([lobby, dock]);
    expect(await witness.contradictionsOf(all)).toEqual([]);
  },
);

test(
  "log.db gone, state.db and keys there: the state is not believed beyond the logs, and the log comes back",
  { timeout: TIMEOUT_MS },
  async () => {
    await using fleet = new TestFleet(NAMES);
    const brokers = [await fleet.broker()];
    const all = NAMES.map((name) => fleet.gateway(name, { brokers }));
    const [lobby, dock, yard] = all;
    if (lobby === undefined || dock === undefined || yard === undefined) throw new Error("names");
    const witness = new TapWitness(fleet);
    await witness.startAll(all);
    await witness.tap(all, TAPS);
    await untilEqual(all, EQUAL_MS);
    const { digest } = await lobby.status();
    await yard.stop();
    for (const name of readdirSync(yard.dataDir)) {
      if (name.startsWith("log.db")) rmSync(join(yard.dataDir, name));
    }
    await Promise.all([lobby, dock].map((gateway) => gateway.stop()));
    await yard.start(); // alone: what only the state knows must not show
    expect((await yard.status()).digest).not.toBe(digest);
    await Promise.all([lobby, dock].map((gateway) => gateway.start()));
    await untilEqual(all, EQUAL_MS);
    expect(await witness.missingAt(yard)).toEqual([]);
    await expectNoFork(all);
    expect(await witness.contradictionsOf(all)).toEqual([]);
  },
);
