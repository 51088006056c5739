/** What must hold, whatever happens. The first two are looked at all the time, the others when all is healed and quiet. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { SAFETY, TYPE } from "#core/log/operation.ts";
import { leafOf } from "#core/log/record.ts";
import { mirroredCount } from "#core/sync/held.ts";
import {
  ASKS_COUNT_MAX,
  EPOCHS_PER_AUTHOR_MAX,
  WANTS_COUNT_MAX,
  type SyncState,
} from "#core/sync/state.ts";
import { SAFETY_KEY } from "#core/verdict/card-index.ts";
import { leastCuts } from "#core/trust/cuts.ts";
import { APPEND_QUEUE_MAX, INBOX_COUNT_MAX } from "#gateway/limits.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { SimGateway } from "#test/simulation/gateway.ts";
import type { Process } from "#test/simulation/gateway-process.ts";
import type { World } from "#test/simulation/world.ts";

const HUNTS_MAX = 16;

/** Nothing that a peer sends makes a gateway remember without end. */
export const checkMemory = (world: World, gateway: SimGateway, { sync }: Process): void => {
  const { state } = sync;
  const members = state.roster.gateways.length;
  const caps: ReadonlyArray<readonly [string, number, number]> = [
    ["wants", state.wants.size, WANTS_COUNT_MAX],
    ["asks", state.asks.size, ASKS_COUNT_MAX],
    ["unverified", state.unverified.size, members],
    ["peers", state.peers.size, members],
    ["hunts", state.hunts.size, HUNTS_MAX],
    ["inbox", sync.waiting, 2 * INBOX_COUNT_MAX + APPEND_QUEUE_MAX],
    ["replica", state.replica.size, members * EPOCHS_PER_AUTHOR_MAX],
  ];
  for (const [what, size, max] of caps) {
    if (size > max) world.ledger.violated(`${gateway.machine} remembers ${size} ${what}`);
  }
};

/** The most records of an epoch that so many peers are said to hold. */
const acknowledgedSize = (state: SyncState, epoch: string, count: number): number => {
  let [low, high] = [0, state.replica.get(epoch)?.head.range.size ?? 0];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (mirroredCount(state, epoch, middle - 1) >= count) low = middle;
    else high = middle - 1;
  }
  return low;
};

/** What is said to be mirrored by so many peers is, or was, on the cards of so many. */
export const checkAcknowledged = (world: World, gateway: SimGateway, { sync }: Process): void => {
  const { state } = sync;
  if (state.ownEpoch === null || gateway.isOut) return;
  for (let count = 1; count <= state.peers.size; count += 1) {
    const size = acknowledgedSize(state, state.ownEpoch, count);
    if (size === 0) return;
    world.ledger.acknowledged(state.ownEpoch, count, size);
    const holders = new Set(
      world.ledger.everHolders(state.ownEpoch, size).map((machine) => machine.replaceAll("'", "")),
    );
    // A liar may say that it holds what it doesn't: it is one mirror too many, never more.
    if (world.liar !== null) holders.add(world.liar.name);
    if (holders.size < count) {
      world.ledger.violated(
        `${gateway.machine} counts ${count} mirrors of ${state.ownEpoch}:${size - 1}; it was on ${holders.size} cards`,
      );
    }
  }
};

/** Records of an epoch that count for a gateway, of those on its card. */
const countedSizes = ({ sizes, process }: SimGateway): ReadonlyMap<string, number> => {
  const cuts = process?.sync.state.cuts;
  return new Map([...sizes].map(([id, size]) => [id, Math.min(size, cuts?.get(id) ?? size)]));
};

/** The most that any honest machine has on its card of each epoch. */
export const largestSizes = (world: World): ReadonlyMap<string, number> => {
  const largest = new Map<string, number>();
  for (const gateway of world.honest) {
    for (const [id, size] of gateway.sizes) largest.set(id, Math.max(size, largest.get(id) ?? 0));
  }
  return largest;
};

const textOf = (sizes: ReadonlyMap<string, number>): string =>
  [...sizes]
    .filter(([, size]) => size > 0)
    .map(([id, size]) => `${id.slice(0, 8)}:${size}`)
    .toSorted()
    .join(" ");

/** Undefined once all honest machines hold the same; otherwise who differs, and how. */
export const differenceOf = (world: World): string | undefined => {
  const [first, ...others] = world.honest;
  if (first === undefined) return undefined;
  if (first.process === null) return `${first.machine} is off`;
  const text = textOf(countedSizes(first));
  for (const other of others) {
    if (other.process === null) return `${other.machine} is off`;
    const otherText = textOf(countedSizes(other));
    if (otherText !== text) {
      const here = new Set(text.split(" "));
      const there = new Set(otherText.split(" "));
      const only = [...here].filter((part) => !there.has(part));
      const onlyThere = [...there].filter((part) => !here.has(part));
      return `${first.machine} has ${only.join(" ")}, ${other.machine} has ${onlyThere.join(" ")}`;
    }
  }
  return undefined;
};

const checkConverged = (world: World, expected: ReadonlyMap<string, number>): void => {
  const difference = differenceOf(world);
  if (difference !== undefined) world.ledger.violated(`not converged: ${difference}`);
  // Who never had a record of a revoked epoch has no cut of it either.
  const cuts = leastCuts(
    ...world.honest.map(({ process }) => process?.sync.state.cuts ?? new Map()),
  );
  for (const gateway of world.honest) {
    for (const [id, size] of expected) {
      const counted = Math.min(size, cuts.get(id) ?? size);
      const held = gateway.sizes.get(id) ?? 0;
      if (held < counted) {
        world.ledger.violated(
          `${gateway.machine} holds ${held} of ${id}, of which there were ${counted}`,
        );
      }
    }
  }
};

const checkDigests = (world: World): void => {
  const digests = new Map<string, string>();
  for (const gateway of world.honest) {
    const { process, machine } = gateway;
    if (process === null) continue;
    const { state } = process.store;
    const heads = textOf(state.sizes);
    const known = digests.get(heads);
    if (known === undefined) digests.set(heads, state.digest);
    else if (known !== state.digest) {
      world.ledger.violated(`${machine} has another digest than others with the same heads`);
    }
  }
  if (digests.size > 1) world.ledger.violated("folded heads differ");
};

/** One leaf for each place: honest machines never hold two histories of one epoch. */
const checkLeaves = (world: World): void => {
  const leaves = new Map<string, string>();
  for (const { disk, machine, process } of world.honest) {
    for (const [id, { records }] of disk.image.epochs) {
      const counted = Math.min(records.length, process?.sync.state.cuts.get(id) ?? records.length);
      const last = records[counted - 1];
      if (last === undefined) continue;
      const place = `${id}:${counted - 1}`;
      const leaf = toHex(leafOf(sha256, last.header));
      if ((leaves.get(place) ?? leaf) !== leaf) {
        world.ledger.violated(`${machine} has another record at ${place} than others`);
      }
      leaves.set(place, leaf);
    }
  }
};

/** A body that damage has taken comes back from whoever has it. */
const checkBodies = (world: World): void => {
  const bodies = new Set<string>();
  for (const { disk } of world.honest) {
    for (const [id, { records }] of disk.image.epochs) {
      for (const [seq, { body }] of records.entries())
        if (body !== null) bodies.add(`${id}:${seq}`);
    }
  }
  for (const { machine, disk } of world.honest) {
    for (const { epoch, seq } of disk.holes()) {
      const place = `${toHex(epoch)}:${seq}`;
      if (bodies.has(place)) world.ledger.violated(`${machine} still lacks the body of ${place}`);
    }
  }
};

/** A process that ended so long after a tap should have answered it. */
const ANSWER_TIMEOUT_MS = 30_000;

const checkTaps = (world: World): void => {
  const recorded = world.recordedTaps();
  for (const [name, { gateway, process, atMs, report }] of world.taps) {
    const places = recorded.get(name)?.size ?? 0;
    if (places > 1)
      world.ledger.violated(`a tap at ${gateway.machine} was recorded ${places} times`);
    if (report === undefined) {
      const lived = (process.endedAtMs ?? world.scheduler.nowMs) - atMs;
      if (lived > ANSWER_TIMEOUT_MS) {
        world.ledger.violated(`a tap at ${gateway.machine} at ${atMs} ms was never answered`);
      }
    } else if (E.isRight(report.recorded) && places === 0 && !gateway.isOut) {
      const { epoch, seq } = report.recorded.right;
      if (world.ledger.lossCount(toHex(epoch), seq) === 0) {
        world.ledger.violated(`a tap of ${gateway.machine} is gone, and no card was lost`);
      }
    }
  }
};

/** What so many peers acknowledged is gone only if all of them and the author lost it with their cards. */
const checkMirrored = (world: World, largest: ReadonlyMap<string, number>): void => {
  for (const [epoch, sizes] of world.ledger.acknowledgements) {
    for (const [count, size] of sizes) {
      if ((largest.get(epoch) ?? 0) >= size) continue;
      const losses = world.ledger.lossCount(epoch, size - 1);
      if (losses < count - (world.liar === null ? 0 : 1)) {
        world.ledger.violated(
          `${epoch}:${size - 1} was mirrored(${count}) and is gone, though only ${losses} cards were lost`,
        );
      }
    }
  }
};

/** Revoked stays revoked. */
const checkRevoked = (world: World): void => {
  const revoked = new Set<string>();
  const entries = world.honest.flatMap(({ process }) => process?.store.state.sorted() ?? []);
  for (const { device, key, type, content } of entries) {
    if (key !== SAFETY_KEY || type !== TYPE.safety || content._tag !== "Survivors") continue;
    if (content.writes.some(({ value }) => value === SAFETY.revoked)) revoked.add(device);
  }
  for (const device of world.revokedDevices()) {
    if (!revoked.has(device)) world.ledger.violated(`${device} was revoked, and isn't any more`);
  }
};

/** All that is looked at when the fleet was given time to settle; `expected` is what there was when it was healed. */
export const checkAtEnd = (world: World, expected: ReadonlyMap<string, number>): void => {
  checkConverged(world, expected);
  checkLeaves(world);
  checkBodies(world);
  checkDigests(world);
  checkTaps(world);
  checkMirrored(world, largestSizes(world));
  checkRevoked(world);
};
