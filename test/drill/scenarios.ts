/** What can fail, played for real: each says what was lost and how long it took until all was well again. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type DrilledFleet, seconds } from "#test/drill/drilled-fleet.ts";

export interface Played {
  /** Taps that were acknowledged and are nowhere any more. */
  readonly tapsLost: number;
  /** Until all was as before, s. */
  readonly recoveredS: number;
}

export interface Scenario {
  readonly failure: string;
  /** What the operator does; empty where nobody has to do anything. */
  readonly command: string;
  readonly play: (drilled: DrilledFleet) => Promise<Played>;
}

const brokerDies: Scenario = {
  failure: "network or broker gone",
  command: "none: taps go on, peers catch up",
  play: async (drilled) => {
    await drilled.broker.kill();
    for (const gateway of drilled.gateways) await drilled.tap(gateway, 5);
    await drilled.broker.start();
    let tapsLost = 0;
    const recoveredS = await seconds(async () => {
      tapsLost = await drilled.settle();
    });
    return { tapsLost, recoveredS };
  },
};

const readerDies: Scenario = {
  failure: "process killed, power cut",
  command: "none: systemd starts it again",
  play: async (drilled) => {
    const lobby = drilled.gateway(0);
    await drilled.tap(lobby, 5);
    await lobby.kill();
    let tapsLost = 0;
    const recoveredS = await seconds(async () => {
      await lobby.start();
      await drilled.tap(lobby);
      tapsLost = await drilled.settle();
    });
    return { tapsLost, recoveredS };
  },
};

const cardPutBack: Scenario = {
  failure: "SD card put back a day old",
  command: "tapmesh run",
  play: async (drilled) => {
    const lobby = drilled.gateway(0);
    await lobby.stop();
    const putBack = drilled.imageOf(lobby);
    await lobby.start();
    await drilled.tap(lobby, 5);
    await drilled.settle();
    await drilled.untilMirrored(lobby);
    await lobby.kill();
    putBack();
    let tapsLost = 0;
    const recoveredS = await seconds(async () => {
      await lobby.start();
      await drilled.tap(lobby);
      tapsLost = await drilled.settle();
    });
    return { tapsLost, recoveredS };
  },
};

const logFileGone: Scenario = {
  failure: "log file gone or broken",
  command: "none: peers give it back",
  play: async (drilled) => {
    const lobby = drilled.gateway(0);
    await drilled.tap(lobby, 5);
    await drilled.untilMirrored(lobby);
    await lobby.kill();
    for (const suffix of ["", "-wal", "-shm"]) {
      rmSync(join(lobby.dataDir, `log.db${suffix}`), { force: true });
    }
    let tapsLost = 0;
    const recoveredS = await seconds(async () => {
      await lobby.start();
      tapsLost = await drilled.settle();
      await drilled.tap(lobby);
    });
    return { tapsLost, recoveredS };
  },
};

const piDies: Scenario = {
  failure: "Pi or SD card dead",
  command: "tapmesh restore, roster sign join-request.txt",
  play: async (drilled) => {
    const lobby = drilled.gateway(0);
    await drilled.tap(lobby, 5);
    await drilled.untilMirrored(lobby);
    await lobby.kill();
    drilled.loseDisk(lobby);
    let tapsLost = 0;
    const recoveredS = await seconds(async () => {
      await drilled.restore(lobby);
      await drilled.sign(lobby, "dock");
      await drilled.untilRoster(3);
      tapsLost = await drilled.settle();
      await drilled.tap(lobby);
      await drilled.untilMirrored(lobby);
    });
    return { tapsLost, recoveredS };
  },
};

const siteDies: Scenario = {
  failure: "a whole site gone (two of three Pis)",
  command: "tapmesh restore on each, roster sign",
  play: async (drilled) => {
    const [lobby, dock] = [drilled.gateway(0), drilled.gateway(1)];
    for (const gateway of [lobby, dock]) {
      await drilled.tap(gateway, 5);
      await drilled.untilMirrored(gateway);
    }
    await drilled.settle();
    await Promise.all([lobby.kill(), dock.kill()]);
    for (const gateway of [lobby, dock]) drilled.loseDisk(gateway);
    let tapsLost = 0;
    const recoveredS = await seconds(async () => {
      for (const gateway of [lobby, dock]) {
        await drilled.restore(gateway);
        await drilled.sign(gateway, "yard");
      }
      await drilled.untilRoster(4);
      tapsLost = await drilled.settle();
      await drilled.tap(lobby);
      await drilled.settle();
    });
    return { tapsLost, recoveredS };
  },
};

const everythingDies: Scenario = {
  failure: "every Pi gone, a backup left",
  command: "tapmesh restore --from FILE",
  play: async (drilled) => {
    const lobby = drilled.gateway(0);
    const file = join(drilled.fleet.folder, "backup.db");
    await drilled.settle();
    await drilled.command("backup", file, "--config", lobby.config);
    await Promise.all(drilled.gateways.map((gateway) => gateway.kill()));
    for (const gateway of drilled.gateways) drilled.loseDisk(gateway);
    let tapsLost = 0;
    const recoveredS = await seconds(async () => {
      await drilled.restore(lobby, "--from", file);
      tapsLost = await drilled.settle([lobby]);
      await drilled.tap(lobby);
    });
    return { tapsLost, recoveredS };
  },
};

const stolenPi: Scenario = {
  failure: "a Pi stolen",
  command: "tapmesh roster revoke yard",
  play: async (drilled) => {
    const [lobby, dock, yard] = [drilled.gateway(0), drilled.gateway(1), drilled.gateway(2)];
    await drilled.tap(yard, 2);
    await drilled.settle();
    let tapsLost = 0;
    const recoveredS = await seconds(async () => {
      const { fleetDir } = drilled.fleet;
      await drilled.command(
        "roster",
        "revoke",
        "yard",
        "--dir",
        fleetDir,
        "--config",
        lobby.config,
      );
      drilled.handOverRoster("dock");
      await drilled.untilRoster(3, [lobby, dock]);
      tapsLost = await drilled.settle([lobby, dock]);
    });
    return { tapsLost, recoveredS };
  },
};

const fleetKeyLost: Scenario = {
  failure: "operator's laptop or fleet key lost",
  command: "tapmesh roster rotate-key, with the successor key",
  play: async (drilled) => {
    const { fleetDir } = drilled.fleet;
    rmSync(join(fleetDir, "fleet.key"));
    let tapsLost = 0;
    const recoveredS = await seconds(async () => {
      await drilled.command("roster", "rotate-key", "--dir", fleetDir);
      drilled.handOverRoster("dock");
      await drilled.untilRoster(3);
      await drilled.tap(drilled.gateway(0));
      tapsLost = await drilled.settle();
    });
    return { tapsLost, recoveredS };
  },
};

export const SCENARIOS: ReadonlyArray<Scenario> = [
  brokerDies,
  readerDies,
  cardPutBack,
  logFileGone,
  piDies,
  siteDies,
  everythingDies,
  stolenPi,
  fleetKeyLost,
];
