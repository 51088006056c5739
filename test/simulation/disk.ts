/**
 * The SD card of a simulated gateway: what is durable on it, and what is wrong with it. Contents are never changed in
 * place, so an image of the card costs nothing and can be put back, or into a second machine.
 */
import { toHex } from "#core/bytes.ts";
import * as E from "fp-ts/lib/Either.js";
import { decodeHeader, type RecordBytes } from "#core/log/record.ts";
import type { Addition, StoredEpoch } from "#core/log/stored.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { Hole } from "#gateway/ports.ts";
import type { FoldedState } from "#test/simulation/folded-state.ts";
import type { Random } from "#test/simulation/random.ts";
import { shortened } from "#test/simulation/shortened.ts";

/** Where records go. */
export interface Place {
  /** To log.db; otherwise to mirror.db. */
  readonly isOwn: boolean;
  /** Otherwise they pass: they are with the state alone, and gone as far as that wasn't saved. */
  readonly kept: boolean;
}

export interface DiskEpoch extends StoredEpoch, Place {
  readonly records: ReadonlyArray<RecordBytes>;
}

export interface DiskImage {
  /** By epoch, hex, in the order of their first records. */
  readonly epochs: ReadonlyMap<string, DiskEpoch>;
  /** state.db, as it was saved last. */
  readonly state: FoldedState | null;
}

/** What becomes of something that is written. */
export type WriteFate = "written" | "full" | "lost" | "unknown";

/** A flipped bit: in the header of a record or in its body. */
export interface Damage {
  readonly epoch: string;
  readonly seq: number;
  readonly part: "header" | "body";
}

/** Epochs of each file that a start checks, newest first, as gateway/store does. */
const EPOCHS_CHECKED_AT_START = 8;

export class SimDisk {
  image: DiskImage = { epochs: new Map(), state: null };
  isFull = false;
  /** How often a write fails though there is room; half of those that fail may be on the card all the same. */
  failureRate = 0;
  /** Nothing can be written and nothing reopened. */
  isDead = false;
  /** Added to each fsync. */
  slownessMs = 0;
  /** Writes that did not succeed so far. */
  failureCount = 0;
  #damage: ReadonlyArray<Damage> = [];

  fateOfWrite(random: Random): WriteFate {
    const fate = this.#drawFate(random);
    if (fate !== "written") this.failureCount += 1;
    return fate;
  }

  #drawFate(random: Random): WriteFate {
    if (this.isFull) return "full";
    if (this.isDead) return "lost";
    if (this.failureRate === 0 || !random.chance(this.failureRate)) return "written";
    return random.chance(0.5) ? "lost" : "unknown";
  }

  /** A good card again, with what is on it. */
  heal(): void {
    this.isFull = false;
    this.isDead = false;
    this.failureRate = 0;
    this.slownessMs = 0;
  }

  /** False: what is there doesn't end where the addition begins, and nothing was written. */
  add(addition: Addition, place: Place): boolean {
    const { gateway, head, checkpoint, proof, from, records } = addition;
    const id = toHex(head.epoch);
    const known = this.image.epochs.get(id);
    const isKept = known?.kept === true || place.kept;
    // What passed until now is kept from its first record on.
    const before = known !== undefined && known.kept === isKept ? known : undefined;
    if ((before?.records.length ?? 0) !== from) return false;
    const epoch: DiskEpoch = {
      gateway,
      head,
      checkpoint,
      proof,
      isOwn: known?.isOwn ?? place.isOwn,
      kept: isKept,
      records: before === undefined ? records : [...before.records, ...records],
    };
    this.image = { ...this.image, epochs: new Map(this.image.epochs).set(id, epoch) };
    return true;
  }

  /** Records whose bodies damage has taken. */
  holes(): ReadonlyArray<Hole> {
    return [...this.image.epochs.values()].flatMap(({ head, kept, records }) =>
      kept
        ? records.flatMap(({ body }, seq) => (body === null ? [{ epoch: head.epoch, seq }] : []))
        : [],
    );
  }

  /** Puts a body in that is missing, if its hash is the one that the header names. */
  putBody({ epoch, seq }: Hole, body: Uint8Array): boolean {
    const id = toHex(epoch);
    const known = this.image.epochs.get(id);
    const record = known?.records[seq];
    if (known === undefined || record === undefined || record.body !== null) return false;
    const header = decodeHeader(record.header);
    if (E.isLeft(header) || toHex(header.right.bodyHash) !== toHex(sha256(body))) return false;
    const records = known.records.with(seq, { header: record.header, body });
    this.image = {
      ...this.image,
      epochs: new Map(this.image.epochs).set(id, { ...known, records }),
    };
    return true;
  }

  /** What passed by counts only as far as the state was saved with it. */
  forgetPassing(saved: FoldedState | null): void {
    const epochs = new Map(this.image.epochs);
    for (const [id, epoch] of epochs) {
      if (epoch.kept) continue;
      const size = Math.min(epoch.records.length, saved?.sizes.get(id) ?? 0);
      if (size === 0) epochs.delete(id);
      else if (size < epoch.records.length) epochs.set(id, shortened(epoch, size));
    }
    this.image = { ...this.image, epochs };
  }

  /** Of what passed by while it was cut, more counts now: it has to come again. True if there was any. */
  forgetRaised(state: FoldedState): boolean {
    const epochs = new Map(this.image.epochs);
    for (const [id, { kept, records }] of epochs) {
      const counted = Math.min(records.length, state.cuts.get(id) ?? records.length);
      if (!kept && (state.sizes.get(id) ?? 0) < counted) epochs.delete(id);
    }
    const isFewer = epochs.size < this.image.epochs.size;
    if (isFewer) this.image = { ...this.image, epochs };
    return isFewer;
  }

  saveState(state: FoldedState): void {
    if (!this.isFull && !this.isDead) this.image = { ...this.image, state: state.copy() };
  }

  damageRecord(damage: Damage): void {
    this.#damage = [...this.#damage, damage];
  }

  /** The epoch as the card gives it: with its flipped bits. */
  readEpoch(id: string): DiskEpoch | undefined {
    const epoch = this.image.epochs.get(id);
    const damage = this.#damage.filter((one) => one.epoch === id);
    if (epoch === undefined || damage.length === 0) return epoch;
    const records = [...epoch.records];
    for (const { seq, part } of damage) {
      const record = records[seq];
      if (record === undefined) continue;
      const { header, body } = record;
      records[seq] =
        part === "header"
          ? { header: flipped(header), body }
          : { header, body: body && flipped(body) };
    }
    return { ...epoch, records };
  }

  /**
   * What a start does with damage that it notices: each epoch of that file ends before its first damaged header, and a
   * damaged body is left out. True if something was set aside.
   */
  salvage(): boolean {
    let found = false;
    for (const isOwn of [true, false]) {
      const names = [...this.image.epochs].filter(([, e]) => e.isOwn === isOwn && e.kept);
      const checked = new Set(names.slice(-EPOCHS_CHECKED_AT_START).map(([id]) => id));
      if (!this.#damage.some(({ epoch }) => checked.has(epoch))) continue;
      found = true;
      for (const [id, epoch] of names) this.#salvageEpoch(id, epoch);
    }
    return found;
  }

  #salvageEpoch(id: string, epoch: DiskEpoch): void {
    const damage = this.#damage.filter((one) => one.epoch === id);
    if (damage.length === 0) return;
    this.#damage = this.#damage.filter((one) => one.epoch !== id);
    const bodies = new Set(damage.filter(({ part }) => part === "body").map(({ seq }) => seq));
    const headers = damage.filter(({ part }) => part === "header").map(({ seq }) => seq);
    // The `open` without its body is nothing: a start can't tell whose the epoch is.
    const size = bodies.has(0) ? 0 : Math.min(epoch.records.length, ...headers);
    const records = epoch.records.map((record, seq) =>
      bodies.has(seq) ? { ...record, body: null } : record,
    );
    const epochs = new Map(this.image.epochs);
    if (size === 0) epochs.delete(id);
    else epochs.set(id, shortened({ ...epoch, records }, size));
    this.image = { ...this.image, epochs };
  }

  /** Puts an older image back; what was damaged since is gone with the rest. */
  putBack(image: DiskImage): void {
    this.image = image;
    this.#damage = [];
  }
}

const flipped = (bytes: Uint8Array): Uint8Array => {
  const copy = new Uint8Array(bytes);
  const at = copy.length >> 1;
  copy[at] = (copy[at] ?? 0) ^ 4;
  return copy;
};
