/** What the log says at the start: the epochs held, which of one's own are not named yet, and this boot's last taps. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toHex } from "#core/bytes.ts";
import { decodeBody, type EarlierEpoch, type OpenBody, type TapBody } from "#core/log/body.ts";
import { decodeHeader, KIND, type RecordBytes } from "#core/log/record.ts";
import type { StoredEpoch } from "#core/log/stored.ts";
import { rootOf } from "#core/log/tree.ts";
import { replicaEpochOf, type Replica, type ReplicaEpoch } from "#core/sync/replica.ts";
import { CardIndex } from "#core/verdict/card-index.ts";
import { KnownRegisters } from "#core/verdict/known-registers.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { Store } from "#gateway/ports.ts";

/** Own records looked through for each reader's last card: taps of the last minutes, which is what a restart is about. */
const LAST_TAP_RECORDS = 512;

export interface StartState {
  readonly replica: Replica;
  /** Own epochs that no own `open` names. */
  readonly unnamed: ReadonlyArray<EarlierEpoch>;
  /** Reader → card (hex) of its last tap in this boot. */
  readonly lastCards: ReadonlyMap<string, string>;
  readonly index: CardIndex;
  readonly registers: KnownRegisters;
}

interface Opened {
  readonly stored: StoredEpoch;
  readonly open: OpenBody;
}

const openOf = async (store: Store, stored: StoredEpoch): Promise<Opened | undefined> => {
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

/** What is kept of the state in memory, from every entry. */
const loadMemory = async (
  store: Store,
  registerKeys: ReadonlyArray<string>,
): Promise<Pick<StartState, "index" | "registers">> => {
  const index = new CardIndex();
  const registers = new KnownRegisters(registerKeys);
  let page = store.entriesAfter("");
  for (;;) {
    const entries = await page;
    const last = entries.at(-1);
    if (last === undefined) return { index, registers };
    page = store.entriesAfter(last.device); // read meanwhile
    for (const entry of entries) {
      index.apply(entry);
      registers.apply(entry);
    }
  }
};

const registersSetBy = ({ readers }: GatewayConfig): ReadonlyArray<string> =>
  readers.flatMap(({ onTap }) => onTap.flatMap((rule) => (rule._tag === "Set" ? [rule.key] : [])));

export const loadStartState = async (
  store: Store,
  config: GatewayConfig,
  bootId: Uint8Array,
): Promise<StartState> => {
  const opened: Opened[] = [];
  for (const stored of await store.epochs()) {
    const epoch = await openOf(store, stored);
    if (epoch !== undefined) opened.push(epoch);
  }
  const own = opened.filter(({ stored }) => stored.gateway === config.gateway);
  const replica = new Map<string, ReplicaEpoch>(
    opened.map(({ stored, open }) => [toHex(stored.head.epoch), replicaEpochOf(open, stored.head)]),
  );
  return {
    replica,
    unnamed: unnamedOf(own),
    lastCards: await lastCardsOf(store, own, bootId),
    ...(await loadMemory(store, registersSetBy(config))),
  };
};
