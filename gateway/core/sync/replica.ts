/** What a gateway has of each epoch, in memory: enough to verify what comes next and to say what it has. */
import { compareBytes, toHex } from "#core/bytes.ts";
import type { OpenBody } from "#core/log/body.ts";
import type { Sha256 } from "#core/log/crypto.ts";
import type { EpochHead } from "#core/log/epoch.ts";
import {
  contentHash,
  endedHash,
  type AuthorHead,
  type EpochSize,
} from "#core/message/envelopes.ts";
import { PersistentMap } from "#core/persistent-map.ts";
import type { Cuts } from "#core/trust/cuts.ts";

export interface ReplicaEpoch {
  readonly author: string;
  /** The gateway key that signed its `open`, hex. */
  readonly gatewayKey: string;
  /** On disk: nothing here runs ahead of the store. */
  readonly head: EpochHead;
  /** Epochs (hex) that this one's `open` names as its author's earlier ones. */
  readonly earlier: ReadonlyArray<string>;
  /** Its records are stored here; otherwise they are folded as they pass, and nobody can ask for them. */
  readonly kept: boolean;
}

/** All epochs, by their ids in hex and by their authors. Never changed: `with` gives another one. */
export class Replica implements Iterable<readonly [string, ReplicaEpoch]> {
  readonly #epochs: PersistentMap<ReplicaEpoch>;
  readonly #byAuthor: PersistentMap<ReadonlyArray<string>>;

  private constructor(
    epochs: PersistentMap<ReplicaEpoch>,
    byAuthor: PersistentMap<ReadonlyArray<string>>,
  ) {
    this.#epochs = epochs;
    this.#byAuthor = byAuthor;
  }

  static from(entries: Iterable<readonly [string, ReplicaEpoch]>): Replica {
    const all = [...entries];
    const grouped = Map.groupBy(all, ([, { author }]) => author);
    const byAuthor = [...grouped].map(
      ([author, epochs]) => [author, epochs.map(([id]) => id)] as const,
    );
    return new Replica(PersistentMap.from(all), PersistentMap.from(byAuthor));
  }

  get size(): number {
    return this.#epochs.size;
  }

  get(id: string): ReplicaEpoch | undefined {
    return this.#epochs.get(id);
  }

  has(id: string): boolean {
    return this.#epochs.has(id);
  }

  with(id: string, epoch: ReplicaEpoch): Replica {
    const { author } = epoch;
    const epochs = this.#epochs.with(id, epoch);
    if (this.#epochs.has(id)) return new Replica(epochs, this.#byAuthor);
    const ids = [...(this.#byAuthor.get(author) ?? []), id];
    return new Replica(epochs, this.#byAuthor.with(author, ids));
  }

  authors(): Iterable<string> {
    return this.#byAuthor.keys();
  }

  /** Epochs of one author, in the order in which they came. */
  of(author: string): ReadonlyArray<ReplicaEpoch> {
    return (this.#byAuthor.get(author) ?? [])
      .map((id) => this.#epochs.get(id))
      .filter((epoch) => epoch !== undefined);
  }

  [Symbol.iterator](): Iterator<readonly [string, ReplicaEpoch]> {
    return this.#epochs[Symbol.iterator]();
  }

  values(): Iterable<ReplicaEpoch> {
    return this.#epochs.values();
  }
}

export const replicaEpochOf = (open: OpenBody, head: EpochHead, kept: boolean): ReplicaEpoch => ({
  author: open.gateway,
  gatewayKey: toHex(open.gatewayKey),
  head,
  earlier: open.earlier.map(({ epoch }) => toHex(epoch)),
  kept,
});

/** Records of an epoch that count, of those that are held. */
export const countedSize = (cuts: Cuts, { head }: ReplicaEpoch): number =>
  Math.min(head.range.size, cuts.get(toHex(head.epoch)) ?? Number.POSITIVE_INFINITY);

/** An epoch has ended when a later `open` of its own author names it. */
const endedAmong = (epochs: ReadonlyArray<ReplicaEpoch>): ReadonlySet<string> => {
  const ids = new Set(epochs.map(({ head }) => toHex(head.epoch)));
  return new Set(epochs.flatMap(({ earlier }) => earlier.filter((epoch) => ids.has(epoch))));
};

/** Live epochs of one author in a head: more than one only after a restore or with a clone. The rest counts as ended. */
export const LIVE_COUNT_MAX = 16;

const keptOf = (replica: Replica, cuts: Cuts, author: string): ReadonlyArray<ReplicaEpoch> =>
  replica.of(author).filter((epoch) => epoch.kept && countedSize(cuts, epoch) > 0);

const sizesOf = (cuts: Cuts, epochs: ReadonlyArray<ReplicaEpoch>): ReadonlyArray<EpochSize> =>
  epochs.map((epoch) => ({ epoch: epoch.head.epoch, size: countedSize(cuts, epoch) }));

/** All stored epochs of one author that count, and how far. */
export const epochsOf = (replica: Replica, cuts: Cuts, author: string): ReadonlyArray<EpochSize> =>
  sizesOf(cuts, keptOf(replica, cuts, author));

/** Live and ended epochs of an author, of those given. */
export const splitEnded = (
  epochs: ReadonlyArray<ReplicaEpoch>,
): { readonly live: ReadonlyArray<ReplicaEpoch>; readonly ended: ReadonlyArray<ReplicaEpoch> } => {
  const ended = endedAmong(epochs);
  return {
    live: epochs.filter(({ head }) => !ended.has(toHex(head.epoch))),
    ended: epochs.filter(({ head }) => ended.has(toHex(head.epoch))),
  };
};

/** A leaf of a cut epoch: of the last record that counts. */
export interface CutLeaf {
  readonly size: number;
  readonly leaf: Uint8Array;
}

/** What is held, and how far it counts. */
export interface Holdings {
  readonly replica: Replica;
  readonly cuts: Cuts;
  /** By epoch (hex) that is held beyond its cut. */
  readonly cutLeaves: ReadonlyMap<string, CutLeaf>;
}

/** The newest record that counts: gateways may hold different ends of a cut epoch. Undefined until it was read. */
const newestCounted = (
  { cuts, cutLeaves }: Holdings,
  epoch: ReplicaEpoch,
): { readonly epoch: Uint8Array; readonly lastLeaf: Uint8Array } | undefined => {
  const size = countedSize(cuts, epoch);
  const { head } = epoch;
  if (size === head.range.size) return head;
  const known = cutLeaves.get(toHex(head.epoch));
  return known?.size === size ? { epoch: head.epoch, lastLeaf: known.leaf } : undefined;
};

const statementOf = (
  sha256: Sha256,
  held: Holdings,
  { author, epochs }: { readonly author: string; readonly epochs: ReadonlyArray<ReplicaEpoch> },
): AuthorHead => {
  const { cuts } = held;
  const split = splitEnded(epochs);
  const sorted = split.live.toSorted((a, b) => compareBytes(a.head.epoch, b.head.epoch));
  const live = sorted.slice(0, LIVE_COUNT_MAX);
  const ended = [...split.ended, ...sorted.slice(LIVE_COUNT_MAX)];
  const leaves = epochs.map((epoch) => newestCounted(held, epoch));
  const isKnown = leaves.every((leaf) => leaf !== undefined);
  return {
    author,
    live: sizesOf(cuts, live),
    ended: endedHash(sha256, sizesOf(cuts, ended)),
    content: isKnown ? contentHash(sha256, leaves) : null,
  };
};

/** What is known of one author, stored or only folded: what a peer's statement is compared with. */
export const knownHead = (
  sha256: Sha256,
  held: Holdings,
  author: string,
): AuthorHead | undefined => {
  const { replica, cuts } = held;
  const epochs = replica.of(author).filter((epoch) => countedSize(cuts, epoch) > 0);
  return epochs.length === 0 ? undefined : statementOf(sha256, held, { author, epochs });
};

/** What is stored of one author. */
export const authorHead = (sha256: Sha256, held: Holdings, author: string): AuthorHead => {
  const { replica, cuts } = held;
  const epochs = keptOf(replica, cuts, author);
  return statementOf(sha256, held, { author, epochs });
};

/** What is stored, author by author, as a head says it. */
export const authorHeads = (sha256: Sha256, held: Holdings): ReadonlyArray<AuthorHead> => {
  const { replica, cuts } = held;
  const heads: AuthorHead[] = [];
  for (const author of [...replica.authors()].toSorted()) {
    const epochs = keptOf(replica, cuts, author);
    if (epochs.length > 0) heads.push(statementOf(sha256, held, { author, epochs }));
  }
  return heads;
};
