/**
 * A newcomer starts from a peer's snapshot: what verdicts need first, then its own site's devices, then the rest. While
 * one is on its way no logs are fetched, so that they don't fold to the same twice; whatever goes wrong with it, the logs
 * are fetched at once. It is a shortcut, never a truth: the store folds the logs again and compares.
 */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes, equalBytes, utf8 } from "#core/bytes.ts";
import type { Answer, Ask } from "#core/message/exchange.ts";
import { FOLD_VERSION } from "#core/state/fold.ts";
import {
  decodeManifest,
  snapshotRoot,
  VERDICT_CLASS,
  type Manifest,
} from "#core/state/snapshot.ts";
import { senderOf } from "#core/sync/senders.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import {
  and,
  only,
  refuse,
  type Context,
  type SyncState,
  type SyncStep,
} from "#core/sync/state.ts";
import { pump } from "#core/sync/wants.ts";
import type { Cuts } from "#core/trust/cuts.ts";

/** A peer takes its time to make one. */
const SNAPSHOT_TIMEOUT_MS = 10_000;
const CHUNK_TIMEOUT_MS = 3_000;

export type Snapshot =
  /** No peer was asked yet. */
  | { readonly _tag: "SnapshotWanted" }
  | { readonly _tag: "SnapshotAsked"; readonly from: string; readonly untilMs: number }
  | {
      readonly _tag: "SnapshotComing";
      readonly from: string;
      readonly root: Uint8Array;
      /** Chunks still to come, in the order in which they are asked for. */
      readonly indexes: ReadonlyArray<number>;
      readonly untilMs: number;
    }
  /** All of it is here, and the store takes it over. */
  | { readonly _tag: "SnapshotAdopting" }
  /** It was taken over, or there was none: the logs are fetched. */
  | { readonly _tag: "SnapshotDone" };

export const snapshotText = (root: Uint8Array): Uint8Array =>
  concatBytes(utf8("tapmesh/snapshot/v1\n"), root);

/** Asks the first peer that is heard of. */
export const wantSnapshot = ({ nowMs }: Context, state: SyncState, from: string): SyncStep => {
  if (state.snapshot._tag !== "SnapshotWanted") return only(state);
  const snapshot: Snapshot = {
    _tag: "SnapshotAsked",
    from,
    untilMs: nowMs + SNAPSHOT_TIMEOUT_MS,
  };
  return only({ ...state, snapshot }, askFor(from, { _tag: "AskSnapshot" }));
};

const askFor = (to: string, ask: Ask): SyncEffect => ({ _tag: "SendAsk", to, ask });

/** No snapshot (any more): the logs are fetched instead. */
const giveUp = (context: Context, state: SyncState): SyncStep =>
  pump(context, { ...state, snapshot: { _tag: "SnapshotDone" } });

export const expireSnapshot = (context: Context, state: SyncState): SyncStep => {
  const { snapshot } = state;
  const isLate = "untilMs" in snapshot && snapshot.untilMs <= context.nowMs;
  return isLate
    ? and(only(state, { _tag: "DropSnapshot" }), (s) => giveUp(context, s))
    : only(state);
};

const isSame = (a: Cuts, b: Cuts): boolean =>
  a.size === b.size && [...a].every(([epoch, size]) => b.get(epoch) === size);

/** Whether the state that it holds is one that this gateway would fold to. */
const fits = (state: SyncState, manifest: Manifest): boolean =>
  manifest.fleet === state.roster.fleet &&
  manifest.foldVersion === FOLD_VERSION &&
  isSame(manifest.cuts, state.cuts);

/** Verdicts first, then one's own site, then the rest as it stands. */
const orderOf = (manifest: Manifest, site: string | undefined): ReadonlyArray<number> => {
  const rank = (index: number): number => {
    const kind = manifest.chunks[index]?.class;
    if (kind === VERDICT_CLASS) return 0;
    return kind === site ? 1 : 2;
  };
  return [...manifest.chunks.keys()].toSorted((a, b) => rank(a) - rank(b) || a - b);
};

export const onSnapshot = (
  context: Context,
  state: SyncState,
  { from, answer }: { readonly from: string; readonly answer: Answer & { _tag: "AnswerSnapshot" } },
): SyncStep => {
  const { snapshot } = state;
  if (snapshot._tag !== "SnapshotAsked" || snapshot.from !== from) {
    return refuse(state, from, "snapshot-unasked");
  }
  // A peer without one says so by an empty manifest.
  if (answer.manifest.length === 0) return giveUp(context, state);
  const root = snapshotRoot(context.crypto.sha256, answer.manifest);
  const { epoch, signature } = answer;
  const signed = { from, gateway: from, epoch, text: snapshotText(root), signature };
  const manifest = decodeManifest(answer.manifest);
  if (E.isLeft(manifest) || senderOf(context.crypto, state, signed) !== "verified") {
    return and(refuse(state, from, "snapshot-wrong"), (s) => giveUp(context, s));
  }
  if (!fits(state, manifest.right)) return giveUp(context, state);
  const site = state.roster.gateways.find(({ name }) => name === state.self)?.site;
  const indexes = orderOf(manifest.right, site);
  const staged = only(state, { _tag: "StageSnapshot", manifest: answer.manifest });
  return and(staged, (s) => nextChunk(context, s, { from, root, indexes }));
};

/** Asks for the next chunk; behind the last one the store takes the snapshot over. */
const nextChunk = (
  { nowMs }: Context,
  state: SyncState,
  coming: {
    readonly from: string;
    readonly root: Uint8Array;
    readonly indexes: ReadonlyArray<number>;
  },
): SyncStep => {
  const [index] = coming.indexes;
  if (index === undefined) {
    const snapshot: Snapshot = { _tag: "SnapshotAdopting" };
    return only({ ...state, snapshot }, { _tag: "AdoptSnapshot" });
  }
  const { from, root } = coming;
  const untilMs = nowMs + CHUNK_TIMEOUT_MS;
  const snapshot: Snapshot = { _tag: "SnapshotComing", ...coming, untilMs };
  return only({ ...state, snapshot }, askFor(from, { _tag: "AskChunk", root, index }));
};

export const onChunk = (
  context: Context,
  state: SyncState,
  { from, answer }: { readonly from: string; readonly answer: Answer & { _tag: "AnswerChunk" } },
): SyncStep => {
  const { snapshot } = state;
  const isAsked =
    snapshot._tag === "SnapshotComing" &&
    snapshot.from === from &&
    snapshot.indexes[0] === answer.index &&
    equalBytes(snapshot.root, answer.root);
  if (!isAsked) return refuse(state, from, "chunk-unasked");
  const { index, bytes } = answer;
  const staged = only(state, { _tag: "StageChunk", index, bytes });
  const indexes = snapshot.indexes.slice(1);
  return and(staged, (s) => nextChunk(context, s, { ...snapshot, indexes }));
};

/** The store has taken it over, or has found it wrong. */
export const onAdopted = (context: Context, state: SyncState): SyncStep => giveUp(context, state);
