/** Heads: saying what is stored, and learning from a peer's what there is to ask for. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toHex } from "#core/bytes.ts";
import {
  AUTHORS_COUNT_MAX,
  decodeSignedHead,
  headText,
  type AuthorHead,
  type EpochSize,
  type Head,
} from "#core/message/envelopes.ts";
import { huntFork } from "#core/sync/forks.ts";
import { acknowledgeAll } from "#core/sync/held.ts";
import { authorHeads, countedSize, epochsOf, knownHead } from "#core/sync/replica.ts";
import { wantRoster } from "#core/sync/rosters.ts";
import { wantSnapshot } from "#core/sync/snapshots.ts";
import {
  and,
  HEAD_PERIOD_GATEWAYS,
  HEAD_PERIOD_MIN_MS,
  HEAD_PERIOD_MS,
  only,
  refuse,
  type Context,
  type Message,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";
import { senderOf } from "#core/sync/senders.ts";
import { hastenHead } from "#core/sync/next-head.ts";
import { wantRange } from "#core/sync/wants.ts";

/** The more gateways, the more rarely each speaks: what one hears a second stays the same. */
const headPeriodMs = ({ roster }: SyncState): number =>
  HEAD_PERIOD_MS * Math.max(1, roster.gateways.length / HEAD_PERIOD_GATEWAYS);

/** Says what is stored: to all by a head, and to each author by an acknowledgement. */
export const publishHead = (context: Context, state: SyncState): SyncStep => {
  if (state.ownEpoch === null) return only(state);
  const { nowMs, crypto } = context;
  const headDueMs = nowMs + headPeriodMs(state);
  const authors = authorHeads(crypto.sha256, state).slice(0, AUTHORS_COUNT_MAX);
  const published = only(
    { ...state, headDueMs, headSentMs: nowMs },
    { _tag: "PublishHead", authors, rosterVersion: state.roster.version },
  );
  return and(published, (s) => acknowledgeAll(context, s));
};

export const onHead = (context: Context, state: SyncState, message: Message): SyncStep => {
  const { from, payload } = message;
  const signed = decodeSignedHead(payload);
  if (E.isLeft(signed)) return refuse(state, from, signed.left._tag);
  const { statement: head, signature } = signed.right;
  // A roster proves itself, so a newer one is asked for whoever says that there is one.
  const asked = wantRoster(context, state, { from, version: head.rosterVersion });
  const sender = senderOf(context.crypto, asked.state, {
    from,
    ...head,
    signature,
    text: headText(signed.right.payload),
  });
  switch (sender) {
    case "verified": {
      const begun = and(asked, (s) => wantSnapshot(context, s, from));
      return and(begun, (s) => compareHeads(context, s, head));
    }
    case "unlisted":
    case "forged":
      return and(asked, (s) => refuse(s, from, `head-${sender}`));
    case "unknown":
      return and(asked, (s) => awaitOpen(context, s, { from, payload, head }));
  }
};

/** The sender's epoch is not known yet: its `open` is fetched first. */
const awaitOpen = (
  context: Context,
  state: SyncState,
  { from, payload, head }: Message & { readonly head: Head },
): SyncStep => {
  const waiting = { ...state.unverified.get(from), head: payload };
  const unverified = new Map(state.unverified).set(from, waiting);
  return wantRange(context, { ...state, unverified }, { from, epoch: head.epoch, size: 1 });
};

/** Asks the peer for what it has and this gateway hasn't; says what this one has if the peer is behind. */
const compareHeads = (context: Context, state: SyncState, head: Head): SyncStep => {
  const { sha256 } = context.crypto;
  let next: SyncStep = only(state);
  let peerIsBehind = isMissingAuthors(state, head);
  for (const theirs of head.authors) {
    const ours = knownHead(sha256, state, theirs.author);
    if (state.stores.has(theirs.author) && isBehind(state, ours, theirs)) peerIsBehind = true;
    next = and(next, (s) => compareAuthor(context, s, { from: head.gateway, ours, theirs }));
  }
  return peerIsBehind ? and(next, (s) => only(hastenHead(context, s, HEAD_PERIOD_MIN_MS))) : next;
};

/** Authors that both store, and of whom the peer has nothing yet. */
const isMissingAuthors = (state: SyncState, head: Head): boolean => {
  const stated = new Set(head.authors.map(({ author }) => author));
  return [...state.replica.authors()].some((author) => {
    const isToStore = state.stores.get(author)?.has(head.gateway) === true;
    return (
      isToStore && !stated.has(author) && epochsOf(state.replica, state.cuts, author).length > 0
    );
  });
};

const isBehind = (state: SyncState, ours: AuthorHead | undefined, theirs: AuthorHead): boolean => {
  if (ours === undefined) return false;
  const hasLess = theirs.live.some(({ epoch, size }) => {
    const known = state.replica.get(toHex(epoch));
    return known?.kept === true && countedSize(state.cuts, known) > size;
  });
  return hasLess || !hasSameEpochs(ours.live, theirs.live);
};

const compareAuthor = (
  context: Context,
  state: SyncState,
  {
    from,
    ours,
    theirs,
  }: {
    readonly from: string;
    readonly ours: AuthorHead | undefined;
    readonly theirs: AuthorHead;
  },
): SyncStep => {
  let next: SyncStep = only(state);
  for (const { epoch, size } of theirs.live) {
    next = and(next, (s) => wantRange(context, s, { from, epoch, size }));
  }
  if (ours === undefined || !equalBytes(ours.ended, theirs.ended)) {
    const ask = { _tag: "AskEpochs", author: theirs.author, after: null } as const;
    return and(next, (s) => only(s, { _tag: "SendAsk", to: from, ask }));
  }
  return hasSameSizes(ours.live, theirs.live) && hasOtherContent(ours, theirs)
    ? and(next, (s) => huntFork(context, s, { from, author: theirs.author }))
    : next;
};

const hasSameEpochs = (a: ReadonlyArray<EpochSize>, b: ReadonlyArray<EpochSize>): boolean =>
  a.length === b.length &&
  a.every(({ epoch }) => b.some((other) => equalBytes(other.epoch, epoch)));

const hasSameSizes = (a: ReadonlyArray<EpochSize>, b: ReadonlyArray<EpochSize>): boolean =>
  a.length === b.length &&
  a.every(({ epoch, size }) =>
    b.some((other) => other.size === size && equalBytes(other.epoch, epoch)),
  );

/** Equal epochs of equal sizes with other contents: one of them has two branches. */
const hasOtherContent = (ours: AuthorHead, theirs: AuthorHead): boolean =>
  ours.content !== null && theirs.content !== null && !equalBytes(ours.content, theirs.content);
