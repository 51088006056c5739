/**
 * The store of a simulated gateway: the port `Store` over a virtual SD card. Queries are answered one after the other,
 * each after its time; what is under way when the power goes may or may not have reached the card.
 */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import type { Crypto } from "#core/log/crypto.ts";
import type { Examined } from "#core/log/examine.ts";
import type { WriteName } from "#core/log/operation.ts";
import type { RecordBytes } from "#core/log/record.ts";
import type { Addition, StoredEpoch } from "#core/log/stored.ts";
import type { Entry } from "#core/state/entry.ts";
import type { Fact } from "#core/state/facts.ts";
import type { Cuts } from "#core/trust/cuts.ts";
import type {
  CommitError,
  Folded,
  HeldEpoch,
  Hole,
  KnownWritesQuery,
  Moment,
  StateDigest,
  Store,
} from "#gateway/ports.ts";
import { MemorySnapshots } from "#test/contract/memory-snapshots.ts";
import type { DiskEpoch, Place, SimDisk } from "#test/simulation/disk.ts";
import type { FoldedState } from "#test/simulation/folded-state.ts";
import { entriesAt, foldAll, foldUpTo, openState, type Files } from "#test/simulation/folding.ts";
import { QueryQueue } from "#test/simulation/query-queue.ts";
import type { Random } from "#test/simulation/random.ts";
import type { Later } from "#test/simulation/scheduler.ts";
import { examineBytes, rangeFrom } from "#test/simulation/shortened.ts";

export interface SimStoreDeps {
  /** Stands in the trace. */
  readonly name: string;
  readonly later: Later;
  readonly random: Random;
  readonly disk: SimDisk;
  readonly crypto: Crypto;
  readonly onFolded: (folded: Folded) => void;
  /** Entries of a snapshot that is being taken over. */
  readonly onStaged: (entries: ReadonlyArray<Entry>) => void;
  /** Records that one Range carries at most: few, so that answers come in pieces. */
  readonly rangeCountMax: number;
  /** Told before anything is decided of it. */
  readonly onWrite: (addition: Addition, isOwn: boolean) => void;
  /** So many records of the epoch (hex) are on the card now. */
  readonly onDurable: (epoch: string, size: number) => void;
}

const FSYNC_MS = 20;
const READ_MS = 1;
/** Own records are folded only after who committed them was answered. */
const OWN_FOLD_DELAY_MS = 1;
const STATE_SAVE = { periodMs: 10_000, records: 500 };

const OWN: Place = { isOwn: true, kept: true };

interface UnderWay {
  readonly addition: Addition;
  readonly place: Place;
}

export class SimStore implements Store {
  readonly #deps: SimStoreDeps;
  /** The state in memory, for whoever compares gateways: looking at it is no query and takes no time. */
  readonly state: FoldedState;
  readonly #queue: QueryQueue;
  readonly #snapshots: MemorySnapshots;
  #underWay: ReadonlyArray<UnderWay> = [];
  #savedSize = 0;
  #isSaving = false;

  /** Opens the card: what is damaged is set aside, and what the state lacks is folded. */
  constructor(deps: SimStoreDeps) {
    this.#deps = deps;
    deps.disk.salvage();
    this.state = openState(deps.crypto, deps.disk);
    this.#queue = new QueryQueue(deps.later, deps.name);
    this.#snapshots = new MemorySnapshots(this.state);
  }

  commit = (addition: Addition): Promise<E.Either<CommitError, void>> => this.#write(addition, OWN);

  mirror = (addition: Addition, kept: boolean): Promise<E.Either<CommitError, void>> =>
    this.#write(addition, { isOwn: false, kept });

  reopen = (): Promise<E.Either<CommitError, ReadonlyArray<StoredEpoch>>> =>
    this.#queue.ask("reopen", FSYNC_MS, () => {
      if (this.#deps.disk.isDead) return E.left({ _tag: "IoFailed", detail: "the card is dead" });
      for (const id of this.#deps.disk.image.epochs.keys()) this.#fold(id);
      return E.right(
        this.#epochs()
          .filter(({ isOwn }) => isOwn)
          .map(stored),
      );
    });

  knownWrites = (
    queries: ReadonlyArray<KnownWritesQuery>,
  ): Promise<ReadonlyArray<ReadonlyArray<WriteName>>> =>
    this.#queue.ask("knownWrites", READ_MS, () => queries.map((key) => this.state.standing(key)));

  entries = (device: string): Promise<ReadonlyArray<Entry>> =>
    this.#queue.ask("entries", READ_MS, () => this.state.ofDevice(device));

  entriesAfter = (device: string): Promise<ReadonlyArray<Entry>> =>
    this.#queue.ask("entriesAfter", READ_MS, () => this.state.pageAfter(device));

  range = (epoch: Uint8Array, from: number): Promise<Uint8Array | null> =>
    this.#queue.ask("range", READ_MS, () => {
      const held = this.#deps.disk.readEpoch(toHex(epoch));
      if (held?.kept !== true || from >= held.records.length) return null;
      return rangeFrom(held, from, this.#deps.rangeCountMax);
    });

  epochs = (): Promise<ReadonlyArray<HeldEpoch>> =>
    this.#queue.ask("epochs", READ_MS, () => {
      const all = this.#epochs();
      const inOrder = [...all.filter(({ isOwn }) => isOwn), ...all.filter(({ isOwn }) => !isOwn)];
      return inOrder.map((epoch) => ({ ...stored(epoch), kept: epoch.kept }));
    });

  records = (epoch: Uint8Array, from: number, to: number): Promise<ReadonlyArray<RecordBytes>> =>
    this.#queue.ask("records", READ_MS, () => {
      const held = this.#deps.disk.readEpoch(toHex(epoch));
      return held?.records.slice(from, held.kept ? to : Math.min(to, 1)) ?? [];
    });

  digest = (): Promise<StateDigest> =>
    this.#queue.ask("digest", READ_MS, () => ({
      digest: this.state.digest,
      heads: new Map(this.state.sizes),
    }));

  facts = (): Promise<ReadonlyArray<Fact>> =>
    this.#queue.ask("facts", READ_MS, () => this.state.facts);

  cut = (cuts: Cuts): Promise<boolean> =>
    this.#queue.ask("cut", FSYNC_MS, () => {
      this.state.cut(cuts);
      const { crypto, disk, onFolded } = this.#deps;
      const isAskedAgain = disk.forgetRaised(this.state);
      const isAnew = this.state.isBeyondCuts || isAskedAgain;
      foldAll(crypto, this.#files, isAnew ? () => undefined : onFolded);
      return isAnew;
    });

  holes = (): Promise<ReadonlyArray<Hole>> =>
    this.#queue.ask("holes", READ_MS, () => this.#deps.disk.holes());

  fill = (
    epoch: Uint8Array,
    bodies: ReadonlyArray<{ readonly seq: number; readonly body: Uint8Array }>,
  ): Promise<number> =>
    this.#queue.ask("fill", FSYNC_MS, () => {
      const { crypto, disk } = this.#deps;
      const filled = bodies.filter(({ seq, body }) => disk.putBody({ epoch, seq }, body));
      if (filled.length === 0) return 0;
      this.state.clear();
      foldAll(crypto, this.#files, () => undefined);
      return filled.length;
    });

  examine = (bytes: Uint8Array): Promise<Examined> =>
    this.#queue.ask("examine", READ_MS, () =>
      examineBytes(this.#deps.crypto, this.#deps.disk, bytes),
    );

  entriesAt = (moment: Moment, device: string | null): Promise<ReadonlyArray<Entry>> =>
    this.#queue.ask("entriesAt", READ_MS, () =>
      entriesAt(this.#deps.disk, this.state, { moment, device }),
    );

  snapshot: Store["snapshot"] = (scope) =>
    this.#queue.ask("snapshot", READ_MS, () => {
      const manifest = this.#snapshots.make(scope);
      return manifest && { manifest };
    });

  snapshotChunk: Store["snapshotChunk"] = (root, index) =>
    this.#queue.ask("snapshotChunk", READ_MS, () => this.#snapshots.chunk(root, index));

  stage: Store["stage"] = (manifest) =>
    this.#queue.ask("stage", READ_MS, () => this.#snapshots.stage(manifest));

  stageChunk: Store["stageChunk"] = (index, bytes) =>
    this.#queue.ask("stageChunk", READ_MS, () => {
      const entries = this.#snapshots.stageChunk(index, bytes);
      if (E.isLeft(entries)) return entries;
      this.#deps.onStaged(entries.right);
      return E.right(undefined);
    });

  adopt: Store["adopt"] = () =>
    this.#queue.ask("adopt", FSYNC_MS, () => {
      const adopted = this.#snapshots.adopt();
      if (E.isRight(adopted)) this.#deps.disk.forgetPassing(null);
      foldAll(this.#deps.crypto, this.#files, this.#deps.onFolded);
      return adopted;
    });

  close = (): Promise<void> =>
    this.#queue.ask("close", FSYNC_MS, () => {
      this.#deps.disk.saveState(this.state);
      this.#queue.end();
    });

  /** The process is gone. Of what was under way, in its order, some may be on the card: unanswered, but there. */
  die(): void {
    this.#queue.end();
    const { random, disk } = this.#deps;
    for (const { addition, place } of this.#underWay) {
      if (disk.isFull || disk.isDead || random.chance(0.5)) break;
      this.#add(addition, place);
    }
    this.#underWay = [];
  }

  get #files(): Files {
    return { disk: this.#deps.disk, state: this.state };
  }

  readonly #epochs = (): ReadonlyArray<DiskEpoch> => [...this.#deps.disk.image.epochs.values()];

  #write(addition: Addition, place: Place): Promise<E.Either<CommitError, void>> {
    const { disk, random, onWrite } = this.#deps;
    onWrite(addition, place.isOwn);
    const write: UnderWay = { addition, place };
    this.#underWay = [...this.#underWay, write];
    const costMs = FSYNC_MS + (disk.slownessMs > 0 ? random.between(0, disk.slownessMs) : 0);
    return this.#queue.ask(place.isOwn ? "commit" : "mirror", costMs, () => {
      this.#underWay = this.#underWay.filter((other) => other !== write);
      return this.#written(write);
    });
  }

  #written({ addition, place }: UnderWay): E.Either<CommitError, void> {
    const { disk, random } = this.#deps;
    const fate = disk.fateOfWrite(random);
    if (fate === "full") return E.left({ _tag: "DiskFull", detail: "no space is left" });
    if (fate === "lost") return E.left({ _tag: "IoFailed", detail: "the card refused" });
    // Of a peer's records nothing may be kept that wasn't answered for: mirror() promises all or nothing.
    if (fate === "unknown") {
      if (place.isOwn && random.chance(0.5)) this.#add(addition, place);
      return E.left({ _tag: "IoFailed", detail: "whether it is on the card is unknown" });
    }
    if (!this.#add(addition, place)) {
      return E.left({ _tag: "IoFailed", detail: `record ${addition.from} is not the next` });
    }
    this.#queue.later(place.isOwn ? OWN_FOLD_DELAY_MS : 0, "fold", () =>
      this.#fold(toHex(addition.head.epoch)),
    );
    return E.right(undefined);
  }

  #add(addition: Addition, place: Place): boolean {
    const { disk, onDurable } = this.#deps;
    if (!disk.add(addition, place)) return false;
    if (place.kept) onDurable(toHex(addition.head.epoch), addition.head.range.size);
    return true;
  }

  /** Folds what the card has of the epoch beyond the state. */
  #fold(id: string): void {
    const { crypto, onFolded } = this.#deps;
    const folded = foldUpTo(crypto, this.#files, id);
    if (folded === undefined) return;
    if (this.state.isBeyondCuts) {
      // A fork has turned up in what is folded already: it is told of when the state is right again.
      foldAll(crypto, this.#files, () => undefined);
      onFolded({ ...folded, entries: [] });
    } else onFolded(folded);
    this.#saveSoon();
  }

  #saveSoon(): void {
    const { disk } = this.#deps;
    const size = [...this.state.sizes.values()].reduce((sum, records) => sum + records, 0);
    const save = (): void => {
      this.#savedSize = size;
      disk.saveState(this.state);
    };
    if (size - this.#savedSize >= STATE_SAVE.records) save();
    if (this.#isSaving) return;
    this.#isSaving = true;
    this.#queue.later(STATE_SAVE.periodMs, "save", () => {
      this.#isSaving = false;
      save();
    });
  }
}

const stored = ({ gateway, head, checkpoint, proof }: StoredEpoch): StoredEpoch => ({
  gateway,
  head,
  checkpoint,
  proof,
});
