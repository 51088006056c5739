/** Sites with a real network between them, cut without a word: each side goes on, and they meet again. */
import { expect, test } from "vitest";
import { LINK_KEEPALIVE_S } from "#gateway/limits.ts";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { SiteNetwork } from "#test/gateway/site-network.ts";
import { TapWitness } from "#test/gateway/tap-witness.ts";
import { untilEqual } from "#test/gateway/taps.ts";
import { rounds } from "#test/long.ts";

const SITES = ["lobby", "dock", "yard"];
const BROKER_SITE = "centre";
const PORT = 1_883;
/** A dead connection is noticed within 1.5 keepalives, by either end. */
const NOTICED_MS = 1.5 * LINK_KEEPALIVE_S * 1_000;
/** Connecting again, asks given up after 3 s, and heads every 30 s. */
const EQUAL_MS = 90_000;
const ROUNDS = rounds(1, 8);

const isConnected = async (gateway: GatewayProcess): Promise<boolean> =>
  (await gateway.status()).brokers.every(({ connected }) => connected);

test.concurrent(
  "a site cut off and healed: noticed by both ends, taps go on at both, and all of them are everywhere",
  { timeout: rounds(150_000, 600_000) },
  async () => {
    using network = await SiteNetwork.between([...SITES, BROKER_SITE]);
    await using fleet = new TestFleet(SITES);
    const host = network.addressOf(BROKER_SITE);
    const broker = await fleet.broker({ host, port: PORT, within: network.within(BROKER_SITE) });
    const [lobby, dock, yard] = SITES.map((site) =>
      fleet.gateway(site, { brokers: [broker], within: network.within(site) }),
    );
    if (lobby === undefined || dock === undefined || yard === undefined) throw new Error("sites");
    const all = [lobby, dock, yard];
    const witness = new TapWitness(fleet, 50);
    await witness.startAll(all);
    const yardsConnections = (): number => network.connectionCount(BROKER_SITE, PORT, "yard");

    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(all.map((gateway) => gateway.untilConnected()));
      expect(yardsConnections()).toBe(1);
      for (const gateway of all) witness.begin(gateway);
      await witness.untilAnswered(20);
      network.cut("yard");
      await Promise.all([
        eventuallyTrue(
          "the gateway notices",
          async () => !(await isConnected(yard)),
          3 * NOTICED_MS,
        ),
        eventuallyTrue("the broker notices", () => yardsConnections() === 0, 3 * NOTICED_MS),
      ]);
      await witness.untilAnswered(20);
      await witness.stop();
      // Who is left hears of each other as before; who is cut off has its own taps.
      await untilEqual([lobby, dock], EQUAL_MS);
      const [there, here] = await Promise.all([yard.status(), lobby.status()]);
      expect(there.digest).not.toBe(here.digest);

      network.heal("yard");
      await untilEqual(all, EQUAL_MS);
    }
    expect(witness.refused).toBe(0);
    expect(await witness.contradictionsOf(all)).toEqual([]);
  },
);

test.concurrent(
  "the broker's own site cut off: every site goes on alone, and all meet again",
  { timeout: rounds(150_000, 600_000) },
  async () => {
    using network = await SiteNetwork.between([...SITES, BROKER_SITE]);
    await using fleet = new TestFleet(SITES);
    const host = network.addressOf(BROKER_SITE);
    const broker = await fleet.broker({ host, port: PORT, within: network.within(BROKER_SITE) });
    const all = SITES.map((site) =>
      fleet.gateway(site, { brokers: [broker], within: network.within(site) }),
    );
    const witness = new TapWitness(fleet, 50);
    await witness.startAll(all);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const gateway of all) witness.begin(gateway);
      network.cut(BROKER_SITE);
      for (const gateway of all) {
        const isAlone = async (): Promise<boolean> => !(await isConnected(gateway));
        await eventuallyTrue("the gateway notices", isAlone, 3 * NOTICED_MS);
      }
      await witness.untilAnswered(20);
      network.heal(BROKER_SITE);
      await witness.untilAnswered(20);
      await witness.stop();
      await untilEqual(all, EQUAL_MS);
    }
    expect(witness.refused).toBe(0);
    expect(await witness.contradictionsOf(all)).toEqual([]);
  },
);
