/** A `Store` that is nothing but memory: what test/contract/store.test.ts holds for the real one holds for it. */
import * as E from "fp-ts/lib/Either.js";
import { equalBytes, toHex } from "#core/bytes.ts";
import { Clocks } from "#core/clock/true-time.ts";
import { examineRange } from "#core/log/examine.ts";
import { decodeRange } from "#core/log/range.ts";
import { leafOf, type RecordBytes } from "#core/log/record.ts";
import type { Addition, StoredEpoch } from "#core/log/stored.ts";
import { rootOfLeaves } from "#core/log/tree.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";
import type { Fact } from "#core/state/facts.ts";
import { replay, type Moment } from "#core/state/replay.ts";
import type { Cuts } from "#core/trust/cuts.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import type {
  CommitError,
  Examined,
  Hole,
  Folded,
  HeldEpoch,
  KnownWritesQuery,
  StateDigest,
  Store,
} from "#gateway/ports.ts";
import { memoryRange, type Held } from "#test/contract/memory-range.ts";
import { MemorySnapshots } from "#test/contract/memory-snapshots.ts";
import { MemoryState } from "#test/contract/memory-state.ts";

type Place = Pick<Held, "isOwn" | "kept">;

const OWN: Place = { isOwn: true, kept: true };

/** What becomes of the next commit: refused, though the group is on disk or isn't. */
export interface NextCommit {
  readonly error: CommitError;
  readonly stands: boolean;
}

/** As it comes back from another thread: never a Buffer. */
const plain = ({ header, body }: RecordBytes): RecordBytes => ({
  header: new Uint8Array(header),
  body: body && new Uint8Array(body),
});

const ENTRIES_PER_PAGE = 1_000;
export class MemoryStore implements Store {
  readonly #epochs = new Map<string, Held>();
  readonly #state = new MemoryState();
  readonly #snapshots = new MemorySnapshots(this.#state);
  /** Told of the entries of each chunk that is staged. */
  onStaged: (entries: ReadonlyArray<Entry>) => void = () => undefined;
  readonly #onFolded: (folded: Folded) => void;
  readonly #nextCommits: NextCommit[] = [];
  readonly #nextReopens: CommitError[] = [];
  /** While set, commits wait for it. */
  gate: Promise<void> | undefined;
  /** Groups that were handed to `commit`, in their order. */
  readonly commits: Addition[] = [];

  constructor(onFolded: (folded: Folded) => void = () => undefined) {
    this.#onFolded = onFolded;
  }

  /** Each commit takes the next of these; without one it succeeds. */
  failCommits(...failures: ReadonlyArray<NextCommit>): void {
    this.#nextCommits.push(...failures);
  }

  failReopens(...errors: ReadonlyArray<CommitError>): void {
    this.#nextReopens.push(...errors);
  }

  commit = async (addition: Addition): Promise<E.Either<CommitError, void>> => {
    this.commits.push(addition);
    await this.gate;
    await new Promise(setImmediate); // another thread never answers within the same turn
    const failure = this.#nextCommits.shift();
    if (failure === undefined) return this.#add(addition, OWN);
    if (failure.stands) this.#put(addition, OWN);
    return E.left(failure.error);
  };

  mirror = (addition: Addition, kept: boolean): Promise<E.Either<CommitError, void>> =>
    Promise.resolve(this.#add(addition, { isOwn: false, kept }));

  reopen = (): Promise<E.Either<CommitError, ReadonlyArray<StoredEpoch>>> => {
    const error = this.#nextReopens.shift();
    if (error !== undefined) return Promise.resolve(E.left(error));
    for (const { stored } of this.#epochs.values()) this.#foldRest(stored.head.epoch);
    return Promise.resolve(
      E.right(
        this.#stored()
          .filter(({ isOwn }) => isOwn)
          .map(({ stored }) => stored),
      ),
    );
  };

  knownWrites = (queries: ReadonlyArray<KnownWritesQuery>): ReturnType<Store["knownWrites"]> =>
    Promise.resolve(
      queries.map((query) => {
        const content = this.#state.entries.get(entryKeyText(query))?.content;
        return content?._tag === "Survivors"
          ? content.writes.map(({ epoch, seq }) => ({ epoch, seq }))
          : [];
      }),
    );

  entries = (device: string): Promise<ReadonlyArray<Entry>> =>
    Promise.resolve(this.#state.sorted().filter((entry) => entry.device === device));

  entriesAfter = (device: string): Promise<ReadonlyArray<Entry>> => {
    const page: Entry[] = [];
    for (const entry of this.#state.sorted()) {
      if (entry.device <= device) continue;
      if (page.length >= ENTRIES_PER_PAGE && entry.device !== page.at(-1)?.device) break;
      page.push(entry);
    }
    return Promise.resolve(page);
  };

  range = (epoch: Uint8Array, from: number): Promise<Uint8Array | null> =>
    Promise.resolve(memoryRange(this.#epochs.get(toHex(epoch)), from));

  epochs = (): Promise<ReadonlyArray<HeldEpoch>> => {
    const held = this.#stored();
    const own = held.filter(({ isOwn }) => isOwn);
    return Promise.resolve(
      [...own, ...held.filter(({ isOwn }) => !isOwn)].map(({ stored, kept }) => ({
        ...stored,
        kept,
      })),
    );
  };

  records = (epoch: Uint8Array, from: number, to: number): Promise<ReadonlyArray<RecordBytes>> => {
    const held = this.#epochs.get(toHex(epoch));
    return Promise.resolve(held?.records.slice(from, held.kept ? to : Math.min(to, 1)) ?? []);
  };

  digest = (): Promise<StateDigest> =>
    Promise.resolve({ digest: this.#state.digest, heads: new Map(this.#state.heads) });

  facts = (): Promise<ReadonlyArray<Fact>> => Promise.resolve(this.#state.facts);

  cut = (cuts: Cuts): Promise<boolean> => {
    this.#state.cut(cuts);
    const raised = this.#stored().filter(({ kept, stored: { head } }) => {
      const cut = this.#state.cuts.get(toHex(head.epoch)) ?? Infinity;
      return !kept && this.#state.foldedSize(head.epoch) < Math.min(head.range.size, cut);
    });
    for (const { stored } of raised) this.#epochs.delete(toHex(stored.head.epoch));
    const isAnew = this.#foldAnewIfCut() || raised.length > 0;
    for (const { stored } of this.#stored()) this.#foldRest(stored.head.epoch);
    return Promise.resolve(isAnew);
  };

  /** Memory is never damaged. */
  holes = (): Promise<ReadonlyArray<Hole>> => Promise.resolve([]);
  fill = (): Promise<number> => Promise.resolve(0);

  examine = (bytes: Uint8Array): Promise<Examined> => {
    const range = decodeRange(bytes);
    const held = E.isRight(range) ? this.#epochs.get(toHex(range.right.epoch)) : undefined;
    if (E.isLeft(range) || held?.kept !== true) return Promise.resolve({ _tag: "Same" });
    const { stored, records } = held;
    const headers = (from: number, to: number): ReadonlyArray<Uint8Array> =>
      records.slice(from, to).map(({ header }) => header);
    const subtreeRoot = (from: number, to: number): Uint8Array =>
      rootOfLeaves(
        sha256,
        headers(from, to).map((header) => leafOf(sha256, header)),
      );
    return Promise.resolve(examineRange(nodeCrypto, { stored, headers, subtreeRoot }, range.right));
  };

  entriesAt = (moment: Moment, device: string | null): Promise<ReadonlyArray<Entry>> => {
    const { cuts, facts } = this.#state;
    const epochs = this.#stored()
      .filter(({ kept }) => kept)
      .map(({ stored: { head }, records }) => {
        const cut = cuts.get(toHex(head.epoch)) ?? records.length;
        return { epoch: head.epoch, size: Math.min(records.length, cut) };
      });
    const records = (epoch: Uint8Array, from: number, to: number): ReadonlyArray<RecordBytes> =>
      this.#epochs.get(toHex(epoch))?.records.slice(from, to) ?? [];
    const { trueTime } = new Clocks(facts);
    const work = replay({ epochs, records, trueTime }, moment, device);
    for (;;) {
      const step = work.next();
      if (step.done === true) return Promise.resolve(step.value);
    }
  };

  snapshot: Store["snapshot"] = (scope) => {
    const manifest = this.#snapshots.make(scope);
    return Promise.resolve(manifest && { manifest });
  };
  snapshotChunk: Store["snapshotChunk"] = (root, index) =>
    Promise.resolve(this.#snapshots.chunk(root, index));
  stage: Store["stage"] = (manifest) => Promise.resolve(this.#snapshots.stage(manifest));
  stageChunk: Store["stageChunk"] = (index, bytes) => {
    const entries = this.#snapshots.stageChunk(index, bytes);
    if (E.isRight(entries)) this.onStaged(entries.right);
    return Promise.resolve(E.isLeft(entries) ? entries : E.right(undefined));
  };
  adopt: Store["adopt"] = () => {
    const adopted = this.#snapshots.adopt();
    if (E.isRight(adopted)) this.#forgetPassing();
    for (const { stored } of this.#stored()) this.#foldRest(stored.head.epoch);
    return Promise.resolve(adopted);
  };

  close = (): Promise<void> => Promise.resolve();

  #stored(): ReadonlyArray<Held> {
    return [...this.#epochs.values()];
  }

  #add(addition: Addition, place: Place): E.Either<CommitError, void> {
    const held = this.#epochs.get(toHex(addition.head.epoch));
    const known = held === undefined || (place.kept && !held.kept) ? 0 : held.records.length;
    if (addition.from !== known) {
      return E.left({ _tag: "IoFailed", detail: `record ${addition.from} is not the next` });
    }
    this.#put(addition, place);
    this.#foldRest(addition.head.epoch);
    return E.right(undefined);
  }

  #put(addition: Addition, place: Place): void {
    const { gateway, head, checkpoint, proof } = addition;
    const id = toHex(head.epoch);
    const known = this.#epochs.get(id);
    const before = addition.from === 0 ? undefined : known;
    this.#epochs.set(id, {
      isOwn: known?.isOwn ?? place.isOwn,
      kept: known?.kept === true || place.kept,
      stored: { gateway, head, checkpoint, proof },
      records: [...(before?.records ?? []), ...addition.records.map(plain)],
    });
  }

  /** Folds whatever there is of the epoch beyond the state. */
  #foldRest(epoch: Uint8Array): void {
    const held = this.#epochs.get(toHex(epoch));
    const from = this.#state.foldedSize(epoch);
    if (held === undefined || from >= held.records.length) return;
    const { gateway } = held.stored;
    const folded = this.#state.take({ epoch, gateway, from }, held.records.slice(from));
    const isAnew = this.#foldAnewIfCut();
    this.#onFolded(isAnew ? { ...folded, entries: [] } : folded);
  }

  /** Epochs that are not kept can't be folded again: they have to be asked for. */
  #foldAnewIfCut(): boolean {
    if (!this.#state.isBeyondCuts) return false;
    this.#state.clear();
    this.#forgetPassing();
    for (const { stored, records } of this.#stored()) {
      const { epoch } = stored.head;
      this.#state.take({ epoch, gateway: stored.gateway, from: 0 }, records);
    }
    this.#foldAnewIfCut();
    return true;
  }

  #forgetPassing(): void {
    for (const [name, { kept }] of this.#epochs) if (!kept) this.#epochs.delete(name);
  }

  /** The own epoch that a record would be appended to: for tests of whoever writes it. */
  own(epoch: Uint8Array): Held | undefined {
    return this.#stored().find(({ stored }) => equalBytes(stored.head.epoch, epoch));
  }
}
