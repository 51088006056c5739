/** Everything that goes wrong, by chance and from one seed. */
import { at } from "#test/unit/core/log/either.ts";
import { tap } from "#test/unit/core/log/sample-epoch.ts";
import type { Fleet } from "#test/unit/core/sync/fleet-in-memory.ts";

/** Mulberry32: the same numbers for the same seed. */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** A while in which everything goes wrong that may. */
export const storm = (fleet: Fleet, actions: number): void => {
  const { world, gateways } = fleet;
  const { random } = world;
  world.diskFailureRate = 0.1;
  const backups = gateways.map(({ disk }) => disk);
  for (let i = 0; i < actions; i += 1) {
    const index = Math.floor(random() * gateways.length);
    const gateway = at(gateways, index);
    const dice = random();
    if (dice < 0.25)
      gateway.write(Array.from({ length: 1 + Math.floor(random() * 3) }, () => tap(i)));
    else if (dice < 0.32) fleet.tick(Math.floor(random() * 20_000));
    else if (dice < 0.35) gateway.start();
    else if (dice < 0.37) gateway.start(at(backups, index));
    else if (dice < 0.42) backups[index] = gateway.disk;
    else if (dice < 0.65) fleet.deliver("lost");
    else if (dice < 0.75) fleet.deliver("doubled");
    else fleet.deliver();
  }
  world.diskFailureRate = 0;
};
