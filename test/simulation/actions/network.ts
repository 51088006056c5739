/** What goes wrong between gateways: messages, links, brokers. */
import { later, type ActionKind, type Scene } from "#test/simulation/actions/kind.ts";
import type { Connection } from "#test/simulation/client.ts";
import { FAIR_WEATHER } from "#test/simulation/network.ts";

const WHILE_MS = [1_000, 120_000] as const;

const storm = (scene: Scene): void => {
  const { world, random } = scene;
  const { weather } = world.network;
  weather.lossRate = random.pick([0, 0.05, 0.3, 0.9]);
  weather.doubleRate = random.pick([0, 0.05, 0.5]);
  weather.delayMaxMs = random.pick([5, 200, 4_000]);
  later(scene, WHILE_MS, () => Object.assign(weather, FAIR_WEATHER));
};

const someConnection = ({ gateway, random }: Scene): Connection =>
  random.pick(gateway.client.connections);

/** In one direction or both; the far end seems to live until the keepalive ends it. */
const cutLink = (scene: Scene): void => {
  const connection = someConnection(scene);
  scene.world.network.cut(
    scene.gateway.client,
    connection,
    scene.random.pick(["up", "down", "both"]),
  );
  later(scene, WHILE_MS, () => {
    connection.isUpCut = false;
    connection.isDownCut = false;
  });
};

const cutOff = (scene: Scene): void => {
  const { connections } = scene.gateway.client;
  for (const connection of connections)
    scene.world.network.cut(scene.gateway.client, connection, "both");
  later(scene, WHILE_MS, () => {
    for (const connection of connections) {
      connection.isUpCut = false;
      connection.isDownCut = false;
    }
  });
};

/** Two groups that don't hear each other, or of which one hears the other. */
const part = (scene: Scene): void => {
  const { world, random } = scene;
  const { parted, clients } = world.network;
  const side = new Set(clients.filter(() => random.chance(0.5)).map(({ name }) => name));
  const isOneWay = random.chance(0.3);
  for (const a of clients) {
    for (const b of clients) {
      if (side.has(a.name) && !side.has(b.name)) parted.add(`${a.name} ${b.name}`);
      if (!isOneWay && !side.has(a.name) && side.has(b.name)) parted.add(`${a.name} ${b.name}`);
    }
  }
  later(scene, WHILE_MS, () => parted.clear());
};

const stopBroker = (scene: Scene): void => {
  const { network } = scene.world;
  const index = scene.random.between(0, network.brokers.length - 1);
  network.stopBroker(index);
  const forgets = scene.random.chance(0.5);
  later(scene, WHILE_MS, () => {
    const broker = network.brokers[index];
    if (broker === undefined) return;
    broker.isUp = true;
    if (forgets) broker.retained.clear();
  });
};

/** A broker that hands out heads of before: put back from a backup, or a cluster's lagging node. */
const staleHeads = (scene: Scene): void => {
  const broker = scene.random.pick(scene.world.network.brokers);
  broker.isStale = true;
  later(scene, WHILE_MS, () => (broker.isStale = false));
};

const slowLink = (scene: Scene): void => {
  const connection = someConnection(scene);
  connection.slownessMs = scene.random.pick([50, 500, 2_500]);
  later(scene, WHILE_MS, () => (connection.slownessMs = 0));
};

const reconnect = (scene: Scene): void =>
  scene.world.network.drop(scene.gateway.client, someConnection(scene));

const network = (name: string, weight: number, act: (scene: Scene) => void): ActionKind => ({
  name,
  group: "network",
  weight,
  act,
});

export const NETWORK_FAULTS: ReadonlyArray<ActionKind> = [
  network("storm", 4, storm),
  network("cut-link", 3, cutLink),
  network("cut-off", 3, cutOff),
  network("part", 3, part),
  network("stop-broker", 2, stopBroker),
  network("stale-heads", 1, staleHeads),
  network("slow-link", 2, slowLink),
  network("reconnect", 3, reconnect),
];
