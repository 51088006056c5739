/** One of three gateways runs out of disk: the others don't notice, and it catches up when there is room again. */
import { expect, test } from "vitest";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import { SmallDisk } from "#test/gateway/small-disk.ts";
import { TapWitness } from "#test/gateway/tap-witness.ts";
import { untilEqual } from "#test/gateway/taps.ts";
import { rounds } from "#test/long.ts";

const DISK_MB = 8;
/** Asks are given up after 3 s, and heads come every 30 s. */
const EQUAL_MS = 90_000;
const ROUNDS = rounds(2, 10);

test(
  "a full disk under taps of its own and of peers, again and again",
  { timeout: rounds(150_000, 600_000) },
  async () => {
    await using fleet = new TestFleet([]);
    using disk = new SmallDisk(`${fleet.folder}/disk`, DISK_MB);
    const dataDir = `${disk.path}/yard`;
    fleet.list("lobby");
    fleet.list("dock");
    fleet.list("yard", dataDir);
    fleet.sign();
    const brokers = [await fleet.broker()];
    const lobby = fleet.gateway("lobby", { brokers });
    const dock = fleet.gateway("dock", { brokers });
    const yard = fleet.gateway("yard", { brokers, dataDir });
    const all = [lobby, dock, yard];
    const witness = new TapWitness(fleet);
    await witness.startAll(all);
    const storeFailures = async (): Promise<number> => {
      const { counters } = await yard.status();
      return Object.entries(counters)
        .filter(([code]) => code.startsWith("sync.store-failed"))
        .reduce((sum, [, count]) => sum + count, 0);
    };

    for (let round = 0; round < ROUNDS; round += 1) {
      const [failed, refused] = [await storeFailures(), witness.refused];
      for (const gateway of all) witness.begin(gateway);
      await witness.untilAnswered(10);
      disk.fill();
      await eventuallyTrue(
        "peers' records don't fit",
        async () => (await storeFailures()) > failed,
      );
      await eventuallyTrue("own taps don't fit", () => witness.refused > refused);
      const atDock = (): number => dock.child.stdout.length;
      const before = atDock();
      await eventuallyTrue("the others go on", () => atDock() > before);
      if (round % 2 === 1) await yard.kill(); // power fails too
      disk.makeRoom();
      if (round % 2 === 1) await yard.start();
      await eventuallyTrue("room", async () => (await yard.status()).hasRoom);
      await witness.stop();
      await witness.tap([yard], 2);
      await untilEqual(all, EQUAL_MS);
    }
    expect(yard.child.hasEnded).toBe(false);
    expect(await witness.contradictionsOf(all)).toEqual([]);
  },
);
