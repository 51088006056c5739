/** Members of another version: one that doesn't know what is new, and one that knows more than this version. */
import { KIND } from "#core/log/record.ts";
import { TYPE } from "#core/log/operation.ts";
import { encodeCbor } from "#core/log/cbor.ts";
import { headTopic } from "#core/message/topics.ts";
import type { ActionKind, Scene } from "#test/simulation/actions/kind.ts";
import { changeBy, type ScriptedRecord } from "#test/simulation/scripted-epoch.ts";

const UNKNOWN_KIND = 42;
const UNKNOWN_TYPE = 17;

/** What a later version may write: kinds, operations and fields that this one passes over. */
const laterRecords = ({ random, gateway }: Scene): ReadonlyArray<ScriptedRecord> => {
  const device = `cart-${random.between(0, 9)}`;
  return [
    { kind: UNKNOWN_KIND, fields: ["something new", [1, [2, null]], random.bytes(8)] },
    changeBy(device, ["aura", UNKNOWN_TYPE, "violet", []]),
    changeBy(device, ["stock", TYPE.counter, 1, [], "a later field"]),
    { ...changeBy(device, ["note", TYPE.register, gateway.name, []]), kind: KIND.enrol },
    { kind: KIND.change, fields: [device, [["stock", TYPE.counter, 2, []]], "grown", [true]] },
  ];
};

const laterWrites = (scene: Scene): void => {
  const { later } = scene.world;
  if (later === null) return;
  const isNew = later.epochs.size === 0 || scene.random.chance(0.2);
  const epoch = isNew ? later.newEpoch(["grown", 7]) : [...later.epochs.values()].at(-1);
  if (epoch === undefined) return;
  const from = isNew ? 0 : epoch.records.length;
  later.made(epoch.add(...laterRecords(scene)));
  later.publishTail(epoch.range(from));
  later.publishHead([], ["a later field"]);
};

/** Envelopes of a version that nobody here speaks. */
const laterSpeaks = ({ world, random }: Scene): void => {
  const { later } = world;
  const payload = encodeCbor([2, "new", random.bytes(16)]);
  later?.publishTail(payload);
  later?.client.publish(
    headTopic(world.fleet, later.name),
    encodeCbor([payload, random.bytes(64)]),
    true,
  );
};

/**
 * A gateway that goes back to the first version: no acknowledgements, no rosters from peers. Never beside a roster with
 * cuts, which that version refuses, and but one of them: each offers rosters that it can't deliver.
 */
const downgrade = ({ world, gateway }: Scene): void => {
  const isAlone = !world.gateways.some(({ isOldVersion }) => isOldVersion);
  if (isAlone && world.roster.roster.cuts.size === 0) gateway.isOldVersion = true;
};

const version = (name: string, weight: number, act: (scene: Scene) => void): ActionKind => ({
  name,
  group: "versions",
  weight,
  act,
});

export const VERSIONS: ReadonlyArray<ActionKind> = [
  version("later-writes", 4, laterWrites),
  version("later-speaks", 1, laterSpeaks),
  version("downgrade", 1, downgrade),
];
