/** What the log says at the start: the epochs held, which of one's own are not named yet, and this boot's last taps. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toHex } from "#core/bytes.ts";
import { decodeBody, type EarlierEpoch, type OpenBody, type TapBody } from "#core/log/body.ts";
import { decodeHeader, KIND, type RecordBytes } from "#core/log/record.ts";
import { leastCuts, type Cuts } from "#core/trust/cuts.ts";
import type { Fact } from "#core/state/facts.ts";
import { rootOf } from "#core/log/tree.ts";
import { replicaEpochOf, type ReplicaEpoch } from "#core/sync/replica.ts";
import { keysReplacedBy } from "#core/verdict/on-tap.ts";
import { holderKey } from "#gateway/check-outs.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { HeldEpoch, Hole, Store } from "#gateway/ports.ts";
import { StateMemory } from "#gateway/state-memory.ts";

/** Own records looked through for each reader's last card: taps of the last minutes, which is what a restart is about. */
const LAST_TAP_RECORDS = 512;

export interface StartState {
  readonly replica: ReadonlyMap<string, ReplicaEpoch>;
  /** Where verified forks cut epochs. */
  readonly forks: Cuts;
  /** Epoch (hex) → records whose bodies damage has taken. */
  readonly holes: ReadonlyMap<string, ReadonlySet<number>>;
  /** Own epochs that no own `open` names. */
  readonly unnamed: ReadonlyArray<EarlierEpoch>;
  /** Reader → card (hex) of its last tap in this boot. */
  readonly lastCards: ReadonlyMap<string, string>;
  readonly memory: StateMemory;
  /** What all records say about epochs and clocks. */
  readonly facts: ReadonlyArray<Fact>;
}

interface Opened {
  readonly stored: HeldEpoch;
  readonly open: OpenBody;
}

const openOf = async (store: Store, stored: HeldEpoch): Promise<Opened | undefined> => {
  const [first] = await store.records(stored.head.epoch, 0, 1);
  if (first === undefined || first.body === null) return undefined;
  const body = decodeBody(KIND.open, first.body);
  return E.isRight(body) && body.right._tag === "Open" ? { stored, open: body.right } : undefined;
};

const unnamedOf = (own: ReadonlyArray<Opened>): ReadonlyArray<EarlierEpoch> => {
  const named = new Set(own.flatMap(({ open }) => open.earlier.map(({ epoch }) => toHex(epoch))));
  return own
    .filter(({ stored }) => !named.has(toHex(stored.head.epoch)))
    .map(({ stored: { head } }) => ({
      epoch: head.epoch,
      size: head.range.size,
      root: rootOf(sha256, head.range),
    }));
};

/** The tap in a record, or undefined for another kind. */
export const tapOf = (record: RecordBytes): TapBody | undefined => {
  const header = decodeHeader(record.header);
  if (E.isLeft(header) || record.body === null || header.right.kind !== KIND.tap) return undefined;
  const body = decodeBody(KIND.tap, record.body);
  return E.isRight(body) && body.right._tag === "Tap" ? body.right : undefined;
};

const lastCardsOf = async (
  store: Store,
  own: ReadonlyArray<Opened>,
  bootId: Uint8Array,
): Promise<ReadonlyMap<string, string>> => {
  const lastCards = new Map<string, string>();
  let left = LAST_TAP_RECORDS;
  for (const { stored, open } of own.toReversed()) {
    if (left <= 0 || !equalBytes(open.bootId, bootId)) break;
    const { size } = stored.head.range;
    const records = await store.records(stored.head.epoch, Math.max(0, size - left), size);
    left -= records.length;
    for (const record of records.toReversed()) {
      const tap = tapOf(record);
      if (tap !== undefined && !lastCards.has(tap.actor.name)) {
        lastCards.set(tap.actor.name, toHex(tap.card));
      }
    }
  }
  return lastCards;
};

const holesIn = (holes: ReadonlyArray<Hole>): ReadonlyMap<string, ReadonlySet<number>> =>
  new Map(
    [...Map.groupBy(holes, ({ epoch }) => toHex(epoch))].map(
      ([epoch, ofEpoch]) => [epoch, new Set(ofEpoch.map(({ seq }) => seq))] as const,
    ),
  );

/** The least size that a verified fork leaves of an epoch. */
const forksIn = (facts: ReadonlyArray<Fact>): Cuts =>
  leastCuts(
    ...facts.map((fact) =>
      fact._tag === "Forked" ? new Map([[fact.epoch, fact.size]]) : new Map<string, number>(),
    ),
  );

export const loadStartState = async (
  store: Store,
  config: GatewayConfig,
  bootId: Uint8Array,
): Promise<StartState> => {
  const memory = new StateMemory(
    store,
    config.readers.flatMap(({ onTap, checkOut }) => [
      ...keysReplacedBy(onTap),
      ...(checkOut === null ? [] : [holderKey(checkOut)]),
    ]),
    config.readers.flatMap(({ policy, checkOut }) => [
      ...policy.allow,
      ...policy.deny,
      ...(checkOut?.people ?? []),
    ]),
  );
  await memory.reload();
  const opened: Opened[] = [];
  for (const stored of await store.epochs()) {
    const epoch = await openOf(store, stored);
    if (epoch !== undefined) opened.push(epoch);
  }
  const own = opened.filter(({ stored }) => stored.gateway === config.gateway);
  const replica = new Map<string, ReplicaEpoch>(
    opened.map(({ stored, open }) => [
      toHex(stored.head.epoch),
      replicaEpochOf(open, stored.head, stored.kept),
    ]),
  );
  const facts = await store.facts();
  return {
    replica,
    forks: forksIn(facts),
    holes: holesIn(await store.holes()),
    unnamed: unnamedOf(own),
    lastCards: await lastCardsOf(store, own, bootId),
    memory,
    facts,
  };
};
