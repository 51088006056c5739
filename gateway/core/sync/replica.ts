/** What a gateway has of each epoch, in memory: enough to verify what comes next and to say what it has. */
import { toHex } from "#core/bytes.ts";
import type { OpenBody } from "#core/log/body.ts";
import type { EpochHead } from "#core/log/epoch.ts";
import { endedHash, type AuthorHead, type EpochSize } from "#core/message/envelopes.ts";
import type { Sha256 } from "#core/log/crypto.ts";

export interface ReplicaEpoch {
  readonly author: string;
  /** On disk: nothing here runs ahead of the store. */
  readonly head: EpochHead;
  /** Epochs (hex) that this one's `open` names as its author's earlier ones. */
  readonly earlier: ReadonlyArray<string>;
}

/** By epoch, hex. */
export type Replica = ReadonlyMap<string, ReplicaEpoch>;

export const replicaEpochOf = (open: OpenBody, head: EpochHead): ReplicaEpoch => ({
  author: open.gateway,
  head,
  earlier: open.earlier.map(({ epoch }) => toHex(epoch)),
});

/** An epoch has ended when a later `open` of its own author names it. */
const endedEpochs = (replica: Replica): ReadonlySet<string> => {
  const ended = new Set<string>();
  for (const { author, earlier } of replica.values()) {
    for (const epoch of earlier) if (replica.get(epoch)?.author === author) ended.add(epoch);
  }
  return ended;
};

/** All epochs that are held of one author. */
export const epochsOf = (replica: Replica, author: string): ReadonlyArray<EpochSize> =>
  [...replica.values()]
    .filter((epoch) => epoch.author === author)
    .map(({ head }) => ({ epoch: head.epoch, size: head.range.size }));

/** What is held, author by author, as a head says it. */
export const authorHeads = (sha256: Sha256, replica: Replica): ReadonlyArray<AuthorHead> => {
  const ended = endedEpochs(replica);
  const authors = [...new Set([...replica.values()].map(({ author }) => author))].toSorted();
  return authors.map((author) => {
    const epochs = epochsOf(replica, author);
    return {
      author,
      live: epochs.filter(({ epoch }) => !ended.has(toHex(epoch))).slice(-LIVE_COUNT_MAX),
      ended: endedHash(
        sha256,
        epochs.filter(({ epoch }) => ended.has(toHex(epoch))),
      ),
    };
  });
};

/** Live epochs of one author in a head. More than one only after a restore or with a clone. */
const LIVE_COUNT_MAX = 16;
