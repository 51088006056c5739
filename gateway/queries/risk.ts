/** The gateway's risk: own records that no peer has said to hold. They would be lost with this disk. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toHex } from "#core/bytes.ts";
import { decodeBody } from "#core/log/body.ts";
import { decodeHeader, KIND, type RecordBytes } from "#core/log/record.ts";
import { mirroredCount, unmirrored, type Unmirrored } from "#core/sync/held.ts";
import type { SyncState } from "#core/sync/state.ts";
import type { Clock, Store } from "#gateway/ports.ts";

export interface Risk {
  /** Own records on this disk alone. */
  readonly records: number;
  /** Age of the oldest of them; null where there is none. */
  readonly oldestMs: number | null;
  /** Peer → own records that its current process has said to hold. */
  readonly peers: Readonly<Record<string, number>>;
}

/** How safe a record of this gateway is: `local`, or `mirrored(k)` by k peers. */
export const safetyOfRecord = (state: SyncState, epoch: string, seq: number): string => {
  const count = mirroredCount(state, epoch, seq);
  return count === 0 ? "local" : `mirrored(${count})`;
};

const openedIn = (record: RecordBytes | undefined): Uint8Array | undefined => {
  if (record === undefined || record.body === null) return undefined;
  const open = decodeBody(KIND.open, record.body);
  return E.isRight(open) && open.right._tag === "Open" ? open.right.bootId : undefined;
};

/** By the monotonic clock for records of this boot; by wall clocks, which may be wrong, for older ones. */
const ageMs = async (
  deps: { readonly store: Store; readonly clock: Clock; readonly bootId: Uint8Array },
  { epoch, from }: Unmirrored,
): Promise<number> => {
  const { store, clock, bootId } = deps;
  const [record] = await store.records(epoch, from, from + 1);
  const header = record && decodeHeader(record.header);
  if (header === undefined || E.isLeft(header)) return 0;
  const [first] = await store.records(epoch, 0, 1);
  const boot = openedIn(first);
  const isThisBoot = boot !== undefined && equalBytes(boot, bootId);
  const { wallMs, monoMs } = header.right;
  return Math.max(0, isThisBoot ? clock.monoMs() - monoMs : clock.wallMs() - wallMs);
};

export const riskOf = async (
  deps: { readonly store: Store; readonly clock: Clock; readonly bootId: Uint8Array },
  state: SyncState,
): Promise<Risk> => {
  const parts = unmirrored(state);
  const ages = await Promise.all(parts.map((part) => ageMs(deps, part)));
  return {
    records: parts.reduce((sum, { from, to }) => sum + to - from, 0),
    oldestMs: ages.length === 0 ? null : Math.max(...ages),
    peers: Object.fromEntries(
      [...state.peers].map(([peer, { sizes }]) => [peer, heldBy(state, sizes)]),
    ),
  };
};

const heldBy = (state: SyncState, sizes: ReadonlyMap<string, number>): number =>
  state.replica
    .of(state.self)
    .reduce((sum, { head }) => sum + (sizes.get(toHex(head.epoch)) ?? 0), 0);
