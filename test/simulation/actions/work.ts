/** What people do: hold cards to readers, enrol devices, change what is known of them. */
import { toHex, utf8 } from "#core/bytes.ts";
import type { Sighting } from "#core/card/sighting.ts";
import { decodeUid, type Uid } from "#core/card/uid.ts";
import { SAFETY, TYPE, type Operation } from "#core/log/operation.ts";
import { CARD_KEY, SAFETY_KEY } from "#core/verdict/card-index.ts";
import * as E from "fp-ts/lib/Either.js";
import type { ActionKind, Scene } from "#test/simulation/actions/kind.ts";
import { READERS } from "#test/simulation/config.ts";

const DEVICE_COUNT = 10;

const deviceName = (index: number): string => `cart-${index}`;

/** Card `index`; those beyond the devices are enrolled for none. */
const uidOf = (index: number): Uid => {
  const uid = decodeUid(Uint8Array.of(4, 0x10, 0x20, 0x30, 0x40, 0x50, index));
  if (E.isLeft(uid)) throw new Error("no UID");
  return uid.right;
};

/** A card stays so long, and is a new tap after so long. */
const STAY_MS = 200;
const REST_MS = 900;

/** Holds a card to a reader. `isTap`: whether a report must come of it. */
const hold = (
  { world, gateway }: Scene,
  card: { readonly reader: string; readonly uid: Uid; readonly isTap: boolean },
): void => {
  const { process, clock, disk } = gateway;
  if (process === null || process.isStopping) return;
  const ndef = utf8(`tap ${world.taps.size} ${world.scheduler.nowMs}`);
  if (card.isTap) {
    const failuresBefore = disk.failureCount;
    world.taps.set(toHex(world.cardHmac(ndef)), {
      gateway,
      process,
      atMs: world.scheduler.nowMs,
      isDiskSick: () => disk.failureCount !== failuresBefore,
      report: undefined,
    });
  }
  const sighting: Sighting = {
    reader: card.reader,
    technology: "type2",
    uid: card.uid,
    ndef,
    counter: null,
    signature: null,
    phone: null,
    atStart: false,
    simulated: true,
    wallMs: clock.wallMs(),
    monoMs: clock.monoMs(),
  };
  gateway.onReaderEvent({ _tag: "CardArrived", sighting });
};

const leave = ({ world, gateway }: Scene, reader: string, afterMs: number): void => {
  world.scheduler.after(afterMs, `${gateway.machine} card left`, () =>
    gateway.onReaderEvent({ _tag: "CardLeft", reader, monoMs: gateway.clock.monoMs() }),
  );
};

/** A reader that nothing was held to just now, and that is kept for so long. */
const freeReader = ({ world, gateway, random }: Scene, forMs: number): string | undefined => {
  const { nowMs } = world.scheduler;
  const reader = random.pick(READERS);
  if ((gateway.readersBusyUntilMs.get(reader) ?? 0) > nowMs) return undefined;
  gateway.readersBusyUntilMs.set(reader, nowMs + forMs + REST_MS);
  return reader;
};

const tap = (scene: Scene): void => {
  const reader = freeReader(scene, STAY_MS);
  if (reader === undefined) return;
  hold(scene, { reader, uid: uidOf(scene.random.between(0, DEVICE_COUNT + 2)), isTap: true });
  leave(scene, reader, STAY_MS);
};

/** The card flickers in the field: one tap. */
const flicker = (scene: Scene): void => {
  const reader = freeReader(scene, 3 * STAY_MS);
  if (reader === undefined) return;
  const uid = uidOf(scene.random.between(0, DEVICE_COUNT));
  const { process } = scene.gateway;
  hold(scene, { reader, uid, isTap: true });
  leave(scene, reader, STAY_MS);
  scene.world.scheduler.after(2 * STAY_MS, `${scene.gateway.machine} flickers`, () => {
    if (scene.gateway.process === process) hold(scene, { reader, uid, isTap: false });
  });
  leave(scene, reader, 3 * STAY_MS);
};

/** A box of devices swept past a reader: more cards than fit one commit. */
const burst = (scene: Scene): void => {
  const count = scene.random.between(5, 40);
  const periodMs = 4;
  const reader = freeReader(scene, count * periodMs);
  if (reader === undefined) return;
  const first = scene.random.between(0, DEVICE_COUNT);
  for (let i = 0; i < count; i += 1) {
    const uid = uidOf((first + i) % (DEVICE_COUNT + 3));
    scene.world.scheduler.after(i * periodMs, `${scene.gateway.machine} burst`, () =>
      hold(scene, { reader, uid, isTap: true }),
    );
    leave(scene, reader, i * periodMs + periodMs / 2);
  }
};

/** One card's double: at all gateways in the same millisecond, by clocks that agree. */
const everywhere = (scene: Scene): void => {
  const uid = uidOf(scene.random.between(0, DEVICE_COUNT - 1));
  for (const gateway of scene.world.gateways) {
    const there = { ...scene, gateway };
    const reader = freeReader(there, STAY_MS);
    if (reader === undefined) continue;
    hold(there, { reader, uid, isTap: true });
    leave(there, reader, STAY_MS);
  }
};

type Writes = ReadonlyArray<Omit<Operation, "replaces">>;

const change =
  (draw: (scene: Scene) => Writes) =>
  (scene: Scene): void => {
    const { world, gateway, random } = scene;
    const device = deviceName(random.between(0, DEVICE_COUNT - 1));
    world.watch(
      gateway.change("Change", { device, writes: draw(scene), isBlind: random.chance(0.3) }),
    );
  };

const enrol = (scene: Scene): void => {
  const { world, gateway, random } = scene;
  const index = random.between(0, DEVICE_COUNT - 1);
  // Now and then a card moves to another device.
  const uid = uidOf(random.chance(0.9) ? index : (index + 1) % DEVICE_COUNT);
  const value = world.cardHmac(Buffer.from(uid, "hex"));
  const writes = [{ key: CARD_KEY, type: TYPE.register, value }];
  world.watch(gateway.change("Enrol", { device: deviceName(index), writes, isBlind: false }));
};

const work = (name: string, weight: number, act: (scene: Scene) => void): ActionKind => ({
  name,
  group: "work",
  weight,
  act,
});

export const WORK: ReadonlyArray<ActionKind> = [
  work("tap", 40, tap),
  work("flicker", 4, flicker),
  work("burst", 10, burst),
  work("everywhere", 3, everywhere),
  work("enrol", 8, enrol),
  work(
    "safety",
    4,
    change(({ random }) => [
      {
        key: SAFETY_KEY,
        type: TYPE.safety,
        value: random.chance(0.1) ? SAFETY.revoked : random.between(SAFETY.active, SAFETY.lost),
      },
    ]),
  ),
  work(
    "register",
    5,
    change(({ random }) => [
      { key: "note", type: TYPE.register, value: `note ${random.between(0, 99)}` },
      { key: "location", type: TYPE.register, value: "cellar" },
    ]),
  ),
  work(
    "claim",
    4,
    change(({ random, gateway }) => [
      { key: "owner", type: TYPE.exclusive, value: random.chance(0.2) ? null : gateway.name },
    ]),
  ),
  work(
    "member",
    5,
    change(({ random }) => [
      { key: "tags", type: TYPE.set, value: random.chance(0.3) ? null : random.between(0, 5) },
    ]),
  ),
  work(
    "number",
    4,
    change(({ random }) => [
      { key: "stock", type: TYPE.counter, value: random.between(-5, 5) },
      { key: "coldest", type: TYPE.min, value: random.between(-40, 40) },
      { key: "hottest", type: TYPE.max, value: random.between(-40, 40) },
    ]),
  ),
];
