/** What the operator does to the fleet: gateways come, go, and are thrown out. */
import type { ActionKind, Scene } from "#test/simulation/actions/kind.ts";
import { lineOf } from "#test/simulation/members.ts";

const GATEWAYS_MAX = 7;
const HONEST_MIN = 3;

const add = ({ world, random }: Scene): void => {
  const name = `new-${world.gateways.length}`;
  if (world.gateways.length >= GATEWAYS_MAX) return;
  const gatewayKey = world.keys.keyOf(random.bytes(32));
  const { note } = world.signRoster(({ gateways }) => ({
    gateways: [...gateways, lineOf(name, gatewayKey)],
  }));
  const gateway = world.add(name, gatewayKey);
  gateway.offerRoster(note);
  gateway.start({ startsIn1970: false });
};

/** Signed again, for no reason that concerns anybody: versions move. */
const renew = ({ world, gateway }: Scene): void => {
  gateway.offerRoster(world.signRoster(() => ({})).note);
};

/**
 * A Pi was stolen: its key is revoked, and its epochs count as far as others hold them. It goes on writing, with nobody
 * to believe it.
 */
const revoke = ({ world, gateway, random }: Scene): void => {
  const others = world.honest.filter(({ name }) => name !== gateway.name);
  if (world.gateways.some(({ isOldVersion }) => isOldVersion)) return;
  if (gateway.isOut || new Set(others.map(({ name }) => name)).size < HONEST_MIN) return;
  // Somebody must be left at all brokers, or the others can't hear each other.
  const brokerCount = world.network.brokers.length;
  if (!others.some(({ client }) => client.connections.length === brokerCount)) return;
  const cuts = new Map(world.roster.roster.cuts);
  for (const { disk } of others) {
    for (const [id, { gateway: author, records }] of disk.image.epochs) {
      if (author === gateway.name) cuts.set(id, Math.max(records.length, cuts.get(id) ?? 0));
    }
  }
  for (const machine of world.gateways) if (machine.name === gateway.name) machine.isOut = true;
  const { note } = world.signRoster(({ gateways }) => ({
    cuts,
    gateways: gateways.map((line) =>
      line.name === gateway.name ? { ...line, status: "revoked" as const } : line,
    ),
  }));
  random.pick(others).offerRoster(note);
};

const roster = (name: string, weight: number, act: (scene: Scene) => void): ActionKind => ({
  name,
  group: "roster",
  weight,
  act,
});

export const ROSTER_CHANGES: ReadonlyArray<ActionKind> = [
  roster("add-gateway", 2, add),
  roster("renew-roster", 2, renew),
  roster("revoke", 1, revoke),
];
