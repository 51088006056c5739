/** What peers say of a gateway whose card was put back, or runs twice; and that they stop once it is over. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { copyCard } from "#test/gateway/sd-card.ts";
import { TapWitness } from "#test/gateway/tap-witness.ts";
import { untilEqual } from "#test/gateway/taps.ts";

/** Connections that are taken over, asks given up after 3 s, and heads every 30 s. */
const ALARM_MS = 90_000;
const TIMEOUT_MS = 240_000;
const TAPS = 5;

const untilAlarms = async (
  gateways: ReadonlyArray<GatewayProcess>,
  codes: ReadonlyArray<string>,
): Promise<void> => {
  for (const gateway of gateways) {
    const isAsTold = async (): Promise<boolean> => {
      const { alarms } = await gateway.status();
      const ofYard = alarms.filter((alarm) => alarm.gateway === "yard").map(({ code }) => code);
      return JSON.stringify(ofYard) === JSON.stringify(codes);
    };
    await eventuallyTrue(`alarms ${codes.join(", ")} about yard`, isAsTold, ALARM_MS);
  }
};

test(
  "a card put back, and taps before a peer is heard: restored or cloned, until it restarts",
  { timeout: TIMEOUT_MS },
  async () => {
    await using fleet = new TestFleet(["lobby", "dock", "yard"]);
    const broker = await fleet.broker();
    const [lobby, dock, yard] = ["lobby", "dock", "yard"].map((name) =>
      fleet.gateway(name, { brokers: [broker] }),
    );
    if (lobby === undefined || dock === undefined || yard === undefined) throw new Error("names");
    const witness = new TapWitness(fleet);
    await witness.startAll([lobby, dock, yard]);
    await yard.stop();
    const old = join(fleet.folder, "old-card");
    copyCard(yard.dataDir, old);
    await yard.start();
    await witness.tap([yard], TAPS);
    await untilEqual([lobby, dock, yard], ALARM_MS);
    await yard.kill();
    await untilAlarms([lobby, dock], []);

    copyCard(old, yard.dataDir);
    await broker.kill();
    await yard.start();
    await witness.tap([yard], TAPS);
    await broker.start();
    await untilAlarms([lobby, dock], ["restored-or-cloned"]);
    await untilEqual([lobby, dock, yard], ALARM_MS);
    await yard.stop();
    await yard.start();
    await witness.tap([yard], 1);
    await untilAlarms([lobby, dock], []);
    expect(await witness.contradictionsOf([lobby, dock, yard])).toEqual([]);
  },
);

test(
  "a card that runs twice: cloned, until one of the two has stopped and the other has restarted",
  { timeout: TIMEOUT_MS },
  async () => {
    await using fleet = new TestFleet(["lobby", "dock", "yard"]);
    const brokers = [await fleet.broker()];
    const [lobby, dock, yard] = ["lobby", "dock", "yard"].map((name) =>
      fleet.gateway(name, { brokers }),
    );
    if (lobby === undefined || dock === undefined || yard === undefined) throw new Error("names");
    const witness = new TapWitness(fleet);
    await witness.startAll([lobby, dock, yard]);
    await yard.stop();
    const dataDir = join(fleet.folder, "yard-clone");
    copyCard(yard.dataDir, dataDir);
    const clone = fleet.gateway("yard", { brokers, dataDir });
    await Promise.all([yard.start(), clone.start()]);
    witness.begin(yard);
    witness.begin(clone);
    await untilAlarms([lobby, dock], ["cloned"]);
    await witness.stop();

    await clone.stop();
    await untilEqual([lobby, dock, yard], ALARM_MS);
    await yard.stop();
    await yard.start();
    await witness.tap([yard], 1);
    await untilAlarms([lobby, dock], []);
    expect(witness.refused).toBe(0);
  },
);
