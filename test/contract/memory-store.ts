/** A `Store` that is nothing but memory: what test/contract/store.test.ts holds for the real one holds for it. */
import * as E from "fp-ts/lib/Either.js";
import { concatBytes, equalBytes, toHex } from "#core/bytes.ts";
import { decodeBody } from "#core/log/body.ts";
import { readCheckpoint } from "#core/log/checkpoint.ts";
import { encodeRange, RANGE_BYTES_MAX } from "#core/log/range.ts";
import { decodeHeader, leafOf, type RecordBytes } from "#core/log/record.ts";
import type { Addition, StoredEpoch } from "#core/log/stored.ts";
import {
  consistencyNodes,
  consistencyProof,
  rootOfLeaves,
  subtreeRootBeyond,
} from "#core/log/tree.ts";
import { EMPTY_DIGEST, formatDigest, updateDigest } from "#core/state/digest.ts";
import { encodeForDigest } from "#core/state/entry-codec.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";
import { fold } from "#core/state/fold.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { CommitError, Folded, KnownWritesQuery, StateDigest, Store } from "#gateway/ports.ts";

interface Held {
  readonly isOwn: boolean;
  readonly stored: StoredEpoch;
  readonly records: ReadonlyArray<RecordBytes>;
}

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
/** Room for checkpoint, proof and array heads. */
const FRAME_BYTES_MAX = 2_048;

export class MemoryStore implements Store {
  readonly #epochs = new Map<string, Held>();
  readonly #entries = new Map<string, Entry>();
  readonly #foldedSizes = new Map<string, number>();
  readonly #onFolded: (folded: Folded) => void;
  #digest = EMPTY_DIGEST;
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
    if (failure === undefined) return this.#add(addition, true);
    if (failure.stands) this.#put(addition, true);
    return E.left(failure.error);
  };

  mirror = (addition: Addition): Promise<E.Either<CommitError, void>> =>
    Promise.resolve(this.#add(addition, false));

  reopen = (): Promise<E.Either<CommitError, ReadonlyArray<StoredEpoch>>> => {
    const error = this.#nextReopens.shift();
    if (error !== undefined) return Promise.resolve(E.left(error));
    for (const { stored } of this.#epochs.values()) this.#foldUpTo(stored.head.epoch);
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
        const content = this.#entries.get(entryKeyText(query))?.content;
        return content?._tag === "Survivors"
          ? content.writes.map(({ epoch, seq }) => ({ epoch, seq }))
          : [];
      }),
    );

  entries = (device: string): Promise<ReadonlyArray<Entry>> =>
    Promise.resolve(this.#sorted().filter((entry) => entry.device === device));

  entriesAfter = (device: string): Promise<ReadonlyArray<Entry>> => {
    const page: Entry[] = [];
    for (const entry of this.#sorted()) {
      if (entry.device <= device) continue;
      if (page.length >= ENTRIES_PER_PAGE && entry.device !== page.at(-1)?.device) break;
      page.push(entry);
    }
    return Promise.resolve(page);
  };

  range = (epoch: Uint8Array, from: number): Promise<Uint8Array | null> =>
    Promise.resolve(this.#rangeOf(epoch, from));

  epochs = (): Promise<ReadonlyArray<StoredEpoch>> => {
    const held = this.#stored();
    const own = held.filter(({ isOwn }) => isOwn);
    return Promise.resolve(
      [...own, ...held.filter(({ isOwn }) => !isOwn)].map(({ stored }) => stored),
    );
  };

  records = (epoch: Uint8Array, from: number, to: number): Promise<ReadonlyArray<RecordBytes>> =>
    Promise.resolve(this.#epochs.get(toHex(epoch))?.records.slice(from, to) ?? []);

  digest = (): Promise<StateDigest> =>
    Promise.resolve({ digest: formatDigest(this.#digest), heads: new Map(this.#foldedSizes) });

  close = (): Promise<void> => Promise.resolve();

  #stored(): ReadonlyArray<Held> {
    return [...this.#epochs.values()];
  }

  #sorted(): ReadonlyArray<Entry> {
    return [...this.#entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  }

  #add(addition: Addition, isOwn: boolean): E.Either<CommitError, void> {
    const known = this.#epochs.get(toHex(addition.head.epoch))?.records.length ?? 0;
    if (addition.from !== known) {
      return E.left({ _tag: "IoFailed", detail: `record ${addition.from} is there already` });
    }
    this.#put(addition, isOwn);
    this.#foldUpTo(addition.head.epoch);
    return E.right(undefined);
  }

  #put(addition: Addition, isOwn: boolean): void {
    const { gateway, head, checkpoint, proof } = addition;
    const id = toHex(head.epoch);
    const before = this.#epochs.get(id);
    this.#epochs.set(id, {
      isOwn: before?.isOwn ?? isOwn,
      stored: { gateway, head, checkpoint, proof },
      records: [...(before?.records ?? []), ...addition.records.map(plain)],
    });
  }

  #foldUpTo(epoch: Uint8Array): void {
    const id = toHex(epoch);
    const records = this.#epochs.get(id)?.records ?? [];
    const from = this.#foldedSizes.get(id) ?? 0;
    if (from >= records.length) return;
    const changed = new Map<string, Entry>();
    for (const [index, record] of records.slice(from).entries()) {
      for (const entry of this.#foldOne(record, { epoch, seq: from + index })) {
        changed.set(entryKeyText(entry), entry);
      }
      this.#foldedSizes.set(id, from + index + 1);
    }
    this.#onFolded({ epoch, size: records.length, entries: [...changed.values()] });
  }

  #foldOne(
    record: RecordBytes,
    name: { readonly epoch: Uint8Array; readonly seq: number },
  ): ReadonlyArray<Entry> {
    const header = decodeHeader(record.header);
    if (E.isLeft(header) || record.body === null) return [];
    const { kind, wallMs, monoMs } = header.right;
    const decoded = decodeBody(kind, record.body);
    const body = E.isRight(decoded) ? decoded.right : undefined;
    const entries = fold(
      { ...name, wallMs, monoMs, body },
      {
        entry: (key) => this.#entries.get(entryKeyText(key)),
        foldedSize: (epoch) => this.#foldedSizes.get(toHex(epoch)) ?? 0,
      },
    );
    for (const entry of entries) {
      const key = entryKeyText(entry);
      const before = this.#entries.get(key);
      this.#digest = updateDigest(sha256, this.#digest, {
        before: before && encodeForDigest(before),
        after: encodeForDigest(entry),
      });
      this.#entries.set(key, entry);
    }
    return entries;
  }

  #rangeOf(epoch: Uint8Array, from: number): Uint8Array | null {
    const held = this.#epochs.get(toHex(epoch));
    if (held === undefined || from >= held.records.length) return null;
    const { records, stored } = held;
    let room = RANGE_BYTES_MAX - FRAME_BYTES_MAX;
    const fits = records.slice(from).findIndex(({ header, body }) => {
      room -= concatBytes(header, body ?? new Uint8Array(0)).length + 8;
      return room < 0;
    });
    const to = fits === -1 ? records.length : from + fits;
    const { checkpoint } = stored;
    const message = { epoch, from, checkpoint, items: records.slice(from, to) };
    if (to === records.length)
      return new Uint8Array(encodeRange({ ...message, proof: stored.proof }));
    const signed = readCheckpoint(checkpoint);
    if (E.isLeft(signed)) return null;
    const leaves = records.map(({ header }) => leafOf(sha256, header));
    const nodes = consistencyNodes(leaves.length, signed.right.size, stored.proof);
    const own = (start: number, end: number): Uint8Array =>
      rootOfLeaves(sha256, leaves.slice(start, end));
    const part = { size: leaves.length, subtreeRoot: own };
    const beyond = subtreeRootBeyond(sha256, part, nodes);
    const proof = consistencyProof(to, signed.right.size, beyond);
    return new Uint8Array(encodeRange({ ...message, proof }));
  }

  /** The own epoch that a record would be appended to: for tests of whoever writes it. */
  own(epoch: Uint8Array): Held | undefined {
    return this.#stored().find(({ stored }) => equalBytes(stored.head.epoch, epoch));
  }
}
