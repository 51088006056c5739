/**
 * When each row's card was claimed, in 8 bytes a row: (true time, epoch, seq), which orders claims of one card. What
 * doesn't fit those 8 bytes, an epoch of 50 days or the 65,536th record, is kept beside them, so nothing is ever rounded.
 */
import { grownTo, steps, words } from "#core/verdict/columns.ts";

export interface Claim {
  readonly trueMs: number;
  /** Hex, which orders as the bytes do. */
  readonly epoch: string;
  readonly seq: number;
}

export const isLaterClaim = (a: Claim, b: Claim): boolean => {
  if (a.trueMs !== b.trueMs) return a.trueMs > b.trueMs;
  return a.epoch === b.epoch ? a.seq > b.seq : a.epoch > b.epoch;
};

/** Of no epoch in the column: the claim is kept apart. */
const APART = 0xffff;
const WORD_MAX = 0xffff;
const STEP_MAX = 0x7fffffff;

interface KnownEpoch {
  readonly name: string;
  readonly index: number;
  /** True time of the claim of this epoch that came first; the others are kept as steps from it. */
  readonly fromMs: number;
}

export class Claims {
  readonly #known = new Map<string, KnownEpoch>();
  readonly #byIndex: KnownEpoch[] = [];
  #epochs: Uint16Array = words(0);
  #seqs: Uint16Array = words(0);
  #steps: Int32Array = steps(0);
  readonly #apart = new Map<number, Claim>();

  #epochOf({ epoch, trueMs }: Claim): KnownEpoch {
    const known = this.#known.get(epoch);
    if (known !== undefined) return known;
    const added = { name: epoch, index: this.#byIndex.length, fromMs: trueMs };
    this.#known.set(epoch, added);
    this.#byIndex.push(added);
    return added;
  }

  set(row: number, claim: Claim): void {
    this.#epochs = grownTo(this.#epochs, row + 1, words);
    this.#seqs = grownTo(this.#seqs, row + 1, words);
    this.#steps = grownTo(this.#steps, row + 1, steps);
    const epoch = this.#epochOf(claim);
    const step = claim.trueMs - epoch.fromMs;
    if (Math.abs(step) <= STEP_MAX && claim.seq <= WORD_MAX && epoch.index < APART) {
      this.#epochs[row] = epoch.index;
      this.#seqs[row] = claim.seq;
      this.#steps[row] = step;
      this.#apart.delete(row);
    } else {
      this.#epochs[row] = APART;
      this.#apart.set(row, claim);
    }
  }

  /** Undefined for a row that was never set. */
  of(row: number): Claim | undefined {
    const index = this.#epochs[row] ?? APART;
    if (index === APART) return this.#apart.get(row);
    const epoch = this.#byIndex[index];
    if (epoch === undefined) return undefined;
    const trueMs = epoch.fromMs + (this.#steps[row] ?? 0);
    return { trueMs, epoch: epoch.name, seq: this.#seqs[row] ?? 0 };
  }
}
