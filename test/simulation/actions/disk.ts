/** What goes wrong with SD cards. */
import { equalBytes } from "#core/bytes.ts";
import { later, type ActionKind, type Scene } from "#test/simulation/actions/kind.ts";
import { lineOf } from "#test/simulation/members.ts";

const WHILE_MS = [500, 60_000] as const;
const REPAIR_MS = [1_000, 120_000] as const;

const failingWrites = (scene: Scene): void => {
  const { disk } = scene.gateway;
  disk.failureRate = scene.random.pick([0.05, 0.3, 1]);
  later(scene, WHILE_MS, () => (disk.failureRate = 0));
};

const full = (scene: Scene): void => {
  const { disk } = scene.gateway;
  disk.isFull = true;
  later(scene, WHILE_MS, () => (disk.isFull = false));
};

const slow = (scene: Scene): void => {
  const { disk } = scene.gateway;
  disk.slownessMs = scene.random.pick([40, 500]);
  later(scene, WHILE_MS, () => (disk.slownessMs = 0));
};

/** Nothing works for a while, not even reopening. */
const dead = (scene: Scene): void => {
  const { disk } = scene.gateway;
  disk.isDead = true;
  later(scene, WHILE_MS, () => (disk.isDead = false));
};

/** Somebody makes an image of the card, to be put back some day. */
const image = ({ gateway }: Scene): void => {
  gateway.images.push(gateway.image);
};

const rollBack = (scene: Scene): void => {
  const { gateway, random } = scene;
  const older = gateway.images.length === 0 ? gateway.image : random.pick(gateway.images);
  gateway.kill();
  gateway.putCard(older);
  later(scene, REPAIR_MS, () => gateway.start({ startsIn1970: false }));
};

/** The card is copied into a second Pi, and both run. */
const clone = ({ gateway, world, random }: Scene): void => {
  if (gateway.isOut || gateway.machine !== gateway.name) return;
  if (world.gateways.some(({ name, machine }) => name === gateway.name && machine !== name)) return;
  const second = world.add(gateway.name, gateway.gatewayKey);
  second.putCard(gateway.images.length > 0 ? random.pick(gateway.images) : gateway.image);
  second.start({ startsIn1970: false });
};

/** The Pi is gone with its card. A new one gets its name, with a key of its own that the roster lists. */
const lost = (scene: Scene): void => {
  const { gateway, world, random } = scene;
  if (gateway.isOut || world.gateways.some((g) => g !== gateway && g.name === gateway.name)) return;
  gateway.kill();
  gateway.putCard({ disk: { epochs: new Map(), state: null }, believed: world.roster });
  gateway.images.length = 0;
  const gatewayKey = world.keys.keyOf(random.bytes(32));
  later(scene, REPAIR_MS, () => {
    if (gateway.isOn) return;
    const { note } = world.signRoster(({ gateways }) => ({
      gateways: [
        ...gateways.map((line) =>
          line.name === gateway.name ? { ...line, status: "retired" as const } : line,
        ),
        lineOf(gateway.name, gatewayKey),
      ],
    }));
    gateway.gatewayKey = gatewayKey;
    gateway.offerRoster(note);
    gateway.start({ startsIn1970: false });
  });
};

/** log.db is gone, while keys, mirror and state remain. */
const logGone = (scene: Scene): void => {
  const { gateway } = scene;
  gateway.kill();
  const { epochs, state } = gateway.disk.image;
  const mirrored = new Map([...epochs].filter(([, { isOwn }]) => !isOwn));
  gateway.putCard({ ...gateway.image, disk: { epochs: mirrored, state } });
  later(scene, REPAIR_MS, () => gateway.start());
};

const stateGone = (scene: Scene): void => {
  const { gateway } = scene;
  gateway.kill();
  gateway.putCard({ ...gateway.image, disk: { ...gateway.disk.image, state: null } });
  later(scene, REPAIR_MS, () => gateway.start());
};

/** Other cards that must hold a record, for a flipped bit not to be the end of its epoch for everybody. */
const OTHER_HOLDERS_MIN = 2;

/** A bit flips: it is noticed at the next start, or when somebody is sent the record. */
const flip =
  (part: "header" | "body") =>
  (scene: Scene): void => {
    const { world, gateway, random } = scene;
    const live = gateway.process?.writer.head?.epoch;
    // Behind a damaged header of its own live epoch a gateway can prove nothing to anybody: what it writes there is at
    // risk until it is mirrored, and no promise says otherwise.
    const epochs = [...gateway.disk.image.epochs].filter(
      ([, { head }]) => part === "body" || live === undefined || !equalBytes(head.epoch, live),
    );
    if (epochs.length === 0) return;
    const [epoch, { records }] = random.pick(epochs);
    const seq = random.between(0, records.length - 1);
    const holders = world.honest.filter((other) => (other.sizes.get(epoch) ?? 0) > seq);
    if (holders.length <= OTHER_HOLDERS_MIN) return;
    gateway.disk.damageRecord({ epoch, seq, part });
  };

const disk = (name: string, weight: number, act: (scene: Scene) => void): ActionKind => ({
  name,
  group: "disk",
  weight,
  act,
});

export const DISK_FAULTS: ReadonlyArray<ActionKind> = [
  disk("failing-writes", 4, failingWrites),
  disk("disk-full", 3, full),
  disk("disk-slow", 2, slow),
  disk("disk-dead", 1, dead),
  disk("image", 4, image),
  disk("roll-back", 3, rollBack),
  disk("clone", 1, clone),
  disk("lost", 2, lost),
  disk("log-gone", 1, logGone),
  disk("state-gone", 1, stateGone),
  disk("flip-header", 1, flip("header")),
  disk("flip-body", 1, flip("body")),
];
