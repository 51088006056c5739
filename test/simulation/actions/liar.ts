/** A member whose Pi somebody has taken over, key and all, and an outsider at the broker without any key. */
import { utf8 } from "#core/bytes.ts";
import { encodeCbor } from "#core/log/cbor.ts";
import { TYPE } from "#core/log/operation.ts";
import {
  contentHash,
  encodeHeldPayload,
  encodeSigned,
  endedHash,
  heldText,
} from "#core/message/envelopes.ts";
import { headTopic, heldTopic, tailTopic } from "#core/message/topics.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { ActionKind, Scene } from "#test/simulation/actions/kind.ts";
import { changeBy, ScriptedEpoch, type ScriptedRecord } from "#test/simulation/scripted-epoch.ts";
import type { ScriptedPeer } from "#test/simulation/scripted-peer.ts";

const FLOOD_COUNT = 200;
const TOO_LARGE_BYTES = 80 * 1024;

const someChange = ({ random }: Scene): ScriptedRecord =>
  changeBy(`cart-${random.between(0, 9)}`, ["stock", TYPE.counter, random.between(-100, 100), []]);

const someChanges = (scene: Scene): ReadonlyArray<ScriptedRecord> =>
  Array.from({ length: scene.random.between(1, 6) }, () => someChange(scene));

/** Two branches under one key, each told to some. */
const fork = (scene: Scene, liar: ScriptedPeer): void => {
  const { world, random } = scene;
  const epoch = liar.newEpoch();
  liar.made(epoch.add(...someChanges(scene)));
  const other = epoch.branch();
  liar.made(epoch.add(...someChanges(scene)));
  liar.made(other.add(...someChanges(scene)));
  if (random.chance(0.5)) liar.publishTail(epoch.range(0));
  for (const { name } of world.gateways) {
    liar.answer(name, (random.chance(0.5) ? epoch : other).range(0));
  }
  liar.publishHead();
};

/** An honest change, so that there is something of its to hold. */
const write = (scene: Scene, liar: ScriptedPeer): void => {
  const epoch = [...liar.epochs.values()].at(-1) ?? liar.newEpoch();
  const from = epoch.records.length;
  liar.made(epoch.add(...someChanges(scene)));
  liar.publishTail(epoch.range(scene.random.chance(0.2) ? 0 : from));
};

/** Records that its key never signed, in an epoch of its own and in somebody else's name. */
const forge = ({ world, gateway, random }: Scene, liar: ScriptedPeer): void => {
  const stranger = world.keys.keyOf(random.bytes(32));
  const names = { fleet: world.fleet, gateway: gateway.name, gatewayKey: stranger };
  const epoch = new ScriptedEpoch(random, world.keys.keyOf(random.bytes(32)), names);
  epoch.open();
  epoch.add(changeBy("cart-0", ["stock", TYPE.counter, 1_000, []]));
  liar.publishTail(epoch.range(0));
  const unsigned = epoch.branch();
  unsigned.add(changeBy("cart-1", ["stock", TYPE.counter, 1_000, []]));
  unsigned.checkpoint = epoch.checkpoint;
  liar.answer(gateway.name, unsigned.range(0));
};

const foreignFleet = ({ world, random }: Scene, liar: ScriptedPeer): void => {
  const names = { fleet: "other", gateway: liar.name, gatewayKey: liar.gatewayKey };
  const epoch = new ScriptedEpoch(random, world.keys.keyOf(random.bytes(32)), names);
  epoch.open();
  liar.publishTail(epoch.range(0));
};

/** Messages of others, as they were, broken off, or with a byte changed, under its own name. */
const replay = ({ world, random }: Scene, liar: ScriptedPeer): void => {
  for (const { topic, payload } of world.network.recent) {
    if (random.chance(0.7)) continue;
    const changed = new Uint8Array(payload);
    const at = random.between(0, changed.length - 1);
    changed[at] = (changed[at] ?? 0) ^ (1 << random.between(0, 7));
    const bytes = random.pick([payload, changed, payload.slice(0, at)]);
    const [, , , , channel = "tail", to] = topic.split("/");
    const parts = [
      "tapmesh-sync",
      "1",
      world.fleet,
      liar.name,
      channel,
      ...(to === undefined ? [] : [to]),
    ];
    liar.client.publish(parts.join("/"), bytes);
  }
};

const tooLarge = ({ world, random }: Scene, liar: ScriptedPeer): void => {
  liar.publishTail(random.bytes(TOO_LARGE_BYTES));
  liar.client.publish(headTopic(world.fleet, liar.name), random.bytes(TOO_LARGE_BYTES), true);
};

/** A head that claims what nobody has, of others and of epochs that never were. */
const boast = ({ world, random }: Scene, liar: ScriptedPeer): void => {
  if (liar.epochs.size === 0) liar.newEpoch();
  const claims = world.gateways.map(({ name, sizes }) => [
    name,
    [
      ...[...sizes.keys()].slice(0, 8).map((id) => [Buffer.from(id, "hex"), 50_000]),
      ...Array.from({ length: 8 }, () => [random.bytes(16), random.between(1, 60_000)]),
    ],
    random.bytes(32),
    random.bytes(32),
  ]);
  liar.publishHead(claims.map(([name = "", ...rest]) => [name, ...rest]));
};

const flood = ({ random }: Scene, liar: ScriptedPeer): void => {
  for (let i = 0; i < FLOOD_COUNT; i += 1) {
    const fields = [1, random.bytes(16), random.between(0, 9), "no checkpoint", [], []];
    liar.publishTail(random.chance(0.5) ? encodeCbor(fields) : random.bytes(300));
  }
};

const manyEpochs = (_scene: Scene, liar: ScriptedPeer): void => {
  for (let i = 0; i < 20; i += 1) liar.publishTail(liar.newEpoch().range(0));
};

/** Says to hold all of everybody's, and holds nothing. */
const falseHeld = ({ world }: Scene, liar: ScriptedPeer): void => {
  const signer = [...liar.epochs.values()].at(-1) ?? liar.newEpoch();
  for (const { name, process } of world.gateways) {
    const head = process?.writer.head;
    if (head === null || head === undefined) continue;
    const live = [{ epoch: head.epoch, size: 60_000 }];
    const statement = {
      author: name,
      live,
      ended: endedHash(sha256, []),
      content: contentHash(sha256, []),
    };
    const payload = encodeHeldPayload({ gateway: liar.name, epoch: signer.head.epoch, statement });
    const signed = encodeSigned(payload, signer.key.sign(heldText(payload)));
    liar.client.publish(heldTopic(world.fleet, liar.name, name), signed);
  }
};

/** Under any topic, without a key: what was heard before, and noise. */
const outsider = ({ world, gateway, random }: Scene): void => {
  const { network } = world;
  for (const { topic, payload } of network.recent) {
    if (random.chance(0.5)) network.inject(topic, payload);
    if (random.chance(0.1)) network.inject(tailTopic(world.fleet, gateway.name), payload);
  }
  network.inject(tailTopic(world.fleet, gateway.name), random.bytes(100));
  network.inject(`tapmesh-sync/1/${world.fleet}/${gateway.name}/nonsense`, utf8("x"));
};

const lie = (
  name: string,
  weight: number,
  act: (scene: Scene, liar: ScriptedPeer) => void,
): ActionKind => ({
  name,
  group: "liar",
  weight,
  act: (scene) => {
    const { liar } = scene.world;
    if (liar !== null) act(scene, liar);
  },
});

export const LIES: ReadonlyArray<ActionKind> = [
  lie("lie-fork", 4, fork),
  lie("lie-write", 3, write),
  lie("lie-forge", 2, forge),
  lie("lie-foreign", 1, foreignFleet),
  lie("lie-replay", 3, replay),
  lie("lie-too-large", 1, tooLarge),
  lie("lie-boast", 2, boast),
  lie("lie-flood", 1, flood),
  lie("lie-epochs", 1, manyEpochs),
  lie("lie-held", 2, falseHeld),
  { name: "outsider", group: "liar", weight: 3, act: outsider },
];
