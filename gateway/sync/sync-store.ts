/** Carries out the effects of core/sync that concern the store; what comes of each is the input to feed back. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { AcceptedRange } from "#core/log/range.ts";
import { leafOf } from "#core/log/record.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import type { SyncInput } from "#core/sync/inputs.ts";
import type { CutLeaf } from "#core/sync/replica.ts";
import type { Journal, SnapshotError } from "#gateway/ports.ts";
import type { SyncSenderDeps } from "#gateway/sync/sync-sender.ts";

export interface SyncStoreDeps extends SyncSenderDeps {
  readonly journal: Journal;
  /** Records of a peer are on disk here. */
  readonly onAccepted: (accepted: AcceptedRange, author: string, isLive: boolean) => void;
  /** The state was folded anew: what is kept of it in memory is stale. */
  readonly onRefolded: () => void;
}

const TAGS = [
  "Store",
  "Examine",
  "Cut",
  "Fill",
  "StageSnapshot",
  "StageChunk",
  "AdoptSnapshot",
  "DropSnapshot",
] as const;

export type StoreEffect = SyncEffect & { readonly _tag: (typeof TAGS)[number] };

export const isOfStore = (effect: SyncEffect): effect is StoreEffect =>
  TAGS.some((tag) => tag === effect._tag);

type Effect<Tag extends StoreEffect["_tag"]> = StoreEffect & { readonly _tag: Tag };
type Inputs = ReadonlyArray<SyncInput>;

const NOTHING: Inputs = [];

const problemOf = (result: E.Either<SnapshotError, void>): string | undefined =>
  E.isLeft(result) ? result.left._tag : undefined;

export class SyncStore {
  readonly #deps: SyncStoreDeps;
  /** What is wrong with the snapshot that is being taken over. */
  #snapshotProblem: string | undefined;

  constructor(deps: SyncStoreDeps) {
    this.#deps = deps;
  }

  carryOut(effect: StoreEffect): Promise<Inputs> {
    switch (effect._tag) {
      case "Store":
        return this.#store(effect);
      case "Examine":
        return this.#examine(effect);
      case "Cut":
        return this.#cut(effect);
      case "Fill":
        return this.#fill(effect);
      case "StageSnapshot":
      case "StageChunk":
        return this.#stage(effect);
      case "AdoptSnapshot":
        return this.#adopt();
      case "DropSnapshot":
        return this.#drop();
    }
  }

  /** What was only folded may be gone with the state that was folded anew. */
  async refolded(): Promise<Inputs> {
    const held = await this.#deps.store.epochs();
    const passing = held
      .filter(({ kept }) => !kept)
      .map(({ head }) => [toHex(head.epoch), head.range.size] as const);
    return [{ _tag: "Refolded", passing: new Map(passing) }];
  }

  async #store(effect: Effect<"Store">): Promise<Inputs> {
    const { store, counters, journal, onAccepted } = this.#deps;
    const { addition, accepted, stored, from, isLive } = effect;
    const result = await store.mirror(addition, stored.kept);
    if (E.isLeft(result)) {
      counters.count(`sync.store-failed.${result.left._tag}`);
      journal.error("sync.store-failed", { detail: result.left.detail });
      return NOTHING;
    }
    onAccepted(accepted, stored.author, isLive);
    return [{ _tag: "Stored", stored, from, isLive }];
  }

  async #examine({ from, range, code, payload }: Effect<"Examine">): Promise<Inputs> {
    const result = await this.#deps.store.examine(payload);
    return [{ _tag: "Examined", from, range, code, result }];
  }

  async #cut({ cuts, beyond }: Effect<"Cut">): Promise<Inputs> {
    const { store, crypto, onRefolded } = this.#deps;
    const isAnew = await store.cut(cuts);
    if (isAnew) onRefolded();
    const leaves = new Map<string, CutLeaf>();
    for (const { epoch, size } of beyond) {
      const [record] = await store.records(epoch, size - 1, size);
      if (record === undefined) continue;
      leaves.set(toHex(epoch), { size, leaf: leafOf(crypto.sha256, record.header) });
    }
    const read: Inputs = leaves.size > 0 ? [{ _tag: "CutLeavesRead", leaves }] : NOTHING;
    return isAnew ? [...(await this.refolded()), ...read] : read;
  }

  async #fill({ epoch, bodies }: Effect<"Fill">): Promise<Inputs> {
    const { store, journal, onRefolded } = this.#deps;
    const count = await store.fill(epoch, bodies);
    if (count === 0) return NOTHING;
    journal.info("log.bodies-back", { epoch: toHex(epoch), count });
    onRefolded();
    const seqs = bodies.map(({ seq }) => seq);
    return [...(await this.refolded()), { _tag: "Filled", epoch, seqs }];
  }

  async #stage(effect: Effect<"StageSnapshot" | "StageChunk">): Promise<Inputs> {
    const { store } = this.#deps;
    if (effect._tag === "StageSnapshot") {
      this.#snapshotProblem = problemOf(await store.stage(effect.manifest));
    } else {
      this.#snapshotProblem ??= problemOf(await store.stageChunk(effect.index, effect.bytes));
    }
    return NOTHING;
  }

  /** Whatever is wrong with a snapshot, the logs are fetched instead. */
  async #adopt(): Promise<Inputs> {
    const { store, journal, onRefolded } = this.#deps;
    const problem = this.#snapshotProblem ?? problemOf(await store.adopt());
    if (problem === undefined) journal.info("snapshot.adopted");
    else journal.error("snapshot.refused", { tag: problem });
    onRefolded();
    return [{ _tag: "SnapshotAdopted" }];
  }

  #drop(): Promise<Inputs> {
    this.#deps.journal.warn("snapshot.not-taken");
    this.#deps.onRefolded();
    return Promise.resolve(NOTHING);
  }
}
