/**
 * What truly happened, as only a simulation can know it: what every author made, what was ever durable where, which
 * disks lost what. Whatever contradicts it the moment it happens is noted as a violation at once.
 */
import { toHex } from "#core/bytes.ts";
import type { RecordBytes } from "#core/log/record.ts";
import type { Addition } from "#core/log/stored.ts";
import type { DiskImage } from "#test/simulation/disk.ts";

/** An epoch as its author made it; a liar makes several branches. */
interface Made {
  readonly author: string;
  readonly isHonest: boolean;
  readonly branches: RecordBytes[][];
}

/** A disk that lost records [from, to) of an epoch. */
interface Loss {
  readonly gateway: string;
  readonly from: number;
  readonly to: number;
}

const isSameRecord = (a: RecordBytes | undefined, b: RecordBytes): boolean =>
  a === b ||
  (a !== undefined &&
    Buffer.compare(a.header, b.header) === 0 &&
    (b.body === null || (a.body !== null && Buffer.compare(a.body, b.body) === 0)));

export class Ledger {
  readonly violations: string[] = [];
  readonly #made = new Map<string, Made>();
  /** Epoch → gateway → the most records that were ever durable there. */
  readonly #durable = new Map<string, Map<string, number>>();
  readonly #losses = new Map<string, Loss[]>();
  /** Epoch → so many mirrors → records that were said to have them. */
  readonly acknowledgements: Map<string, Map<number, number>> = new Map();

  violated(what: string): void {
    // One cause shows in many places: the first few tell.
    if (this.violations.length < 20) this.violations.push(what);
  }

  /** An author hands a group to its disk, or a liar puts it out into the world. */
  made(author: string, addition: Addition, isHonest: boolean): void {
    const id = toHex(addition.head.epoch);
    const made = this.#made.get(id) ?? { author, isHonest, branches: [[]] };
    this.#made.set(id, made);
    if (made.author !== author) this.violated(`${author} wrote to ${made.author}'s epoch ${id}`);
    for (const [index, record] of addition.records.entries()) {
      const seq = addition.from + index;
      if (made.branches.some((branch) => isSameRecord(branch[seq], record))) continue;
      const branch = made.branches.find((one) => one.length === seq);
      if (branch !== undefined) branch.push(record);
      else if (isHonest) this.violated(`${author} made two records ${id}:${seq}`);
      else made.branches.push([...(made.branches[0] ?? []).slice(0, seq), record]);
    }
  }

  /** A gateway is about to store a peer's records. */
  mirrored(gateway: string, addition: Addition): void {
    const id = toHex(addition.head.epoch);
    const made = this.#made.get(id);
    if (made === undefined) {
      this.violated(`${gateway} stores epoch ${id}, which nobody made`);
      return;
    }
    for (const [index, record] of addition.records.entries()) {
      const seq = addition.from + index;
      if (!made.branches.some((branch) => isSameRecord(branch[seq], record))) {
        this.violated(`${gateway} stores ${id}:${seq}, which ${made.author} never made`);
      }
    }
    const size = addition.from + addition.records.length;
    if (made.isHonest && size > Math.max(0, ...(this.#durable.get(id)?.values() ?? []))) {
      this.violated(
        `${gateway} stores ${id}:${size - 1}, which was never on ${made.author}'s disk`,
      );
    }
  }

  durable(gateway: string, epoch: string, size: number): void {
    const holders = this.#durable.get(epoch) ?? new Map<string, number>();
    this.#durable.set(epoch, holders);
    holders.set(gateway, Math.max(size, holders.get(gateway) ?? 0));
  }

  acknowledged(epoch: string, count: number, size: number): void {
    const sizes = this.acknowledgements.get(epoch) ?? new Map<number, number>();
    this.acknowledgements.set(epoch, sizes);
    sizes.set(count, Math.max(size, sizes.get(count) ?? 0));
  }

  /** A disk now holds something else than before, by a fault. */
  diskChanged(gateway: string, before: DiskImage, after: DiskImage): void {
    if (before === after) return;
    for (const [epoch, { records }] of before.epochs) {
      const left = after.epochs.get(epoch)?.records ?? [];
      if (left === records) continue;
      const lose = (from: number, to: number): void =>
        void this.#losses.set(epoch, [...(this.#losses.get(epoch) ?? []), { gateway, from, to }]);
      if (left.length < records.length) lose(left.length, records.length);
      for (const [seq, { body }] of left.entries()) {
        if (body === null && records[seq]?.body !== null) lose(seq, seq + 1);
      }
    }
    for (const [epoch, { records }] of after.epochs) this.durable(gateway, epoch, records.length);
  }

  /** Gateways on whose disks so many records of the epoch were durable at some time, its author not counted. */
  everHolders(epoch: string, size: number): ReadonlyArray<string> {
    const author = this.authorOf(epoch);
    return [...(this.#durable.get(epoch) ?? [])]
      .filter(([gateway, held]) => held >= size && gateway !== author)
      .map(([gateway]) => gateway);
  }

  /** How many gateways lost this record with a disk. */
  lossCount(epoch: string, seq: number): number {
    const losses = (this.#losses.get(epoch) ?? []).filter(
      ({ from, to }) => from <= seq && seq < to,
    );
    return new Set(losses.map(({ gateway }) => gateway)).size;
  }

  authorOf(epoch: string): string {
    return this.#made.get(epoch)?.author ?? "";
  }

  isHonest(epoch: string): boolean {
    return this.#made.get(epoch)?.isHonest === true;
  }
}
