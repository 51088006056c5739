/** Records, cuts, forks and restarts in any order come to one state. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { ACTOR } from "#core/log/actor.ts";
import type { Body } from "#core/log/body.ts";
import { TYPE, type Operation, type WriteName } from "#core/log/operation.ts";
import type { Addition } from "#core/log/stored.ts";
import { settle } from "#core/state/fold.ts";
import type { Cuts } from "#core/trust/cuts.ts";
import { foldLogs } from "#gateway/store/fold-logs.ts";
import type { StoreFiles } from "#gateway/store/open-files.ts";
import { atOnce } from "#gateway/store/slices.ts";
import { addTo, foldAddition } from "#gateway/store/store-files.ts";
import { changeOf, EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { forkBody } from "#test/contract/fork-evidence.ts";
import { MemoryState } from "#test/contract/memory-state.ts";
import { at } from "#test/unit/core/log/either.ts";
import { DataFolder } from "#test/unit/store/data-folder.ts";

const AUTHORS = ["lobby", "dock", "yard"];
/** After so many additions the first author's epoch forks. */
const FORK_AFTER = 2;

type Draft =
  | { readonly what: "tap" | "fix" | "fork"; readonly author: number }
  | {
      readonly what: "write";
      readonly author: number;
      readonly type: number;
      readonly value: number | null;
      readonly names: ReadonlyArray<readonly [number, number]>;
    };

const author = fc.nat(2);
const draft: fc.Arbitrary<Draft> = fc.oneof(
  fc.record({ what: fc.constantFrom("tap" as const, "fix" as const, "fork" as const), author }),
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("write" as const),
      author,
      type: fc.constantFrom(TYPE.register, TYPE.exclusive, TYPE.set, TYPE.safety),
      value: fc.nat(3),
      names: fc.array(fc.tuple(author, fc.nat(8)), { maxLength: 3 }),
    }),
  },
);

interface Fleet {
  /** By author, in order. */
  readonly epochs: ReadonlyArray<ReadonlyArray<Addition>>;
}

/** Writes each draft as its author's next record, alone in its addition. */
const fleetOf = (drafts: ReadonlyArray<Draft>): Fleet => {
  const makers = AUTHORS.map((name) => new EpochMaker(name));
  for (const [index, maker] of makers.entries()) maker.bootId = new Uint8Array(16).fill(index + 1);
  const epochs = makers.map((maker) => [maker.open()]);
  /** What the first author's clone goes on with. */
  const others: Addition[] = [];
  const nameOf = ([who, seq]: readonly [number, number]): WriteName => ({
    epoch: at(makers, who).id,
    seq,
  });
  const fork = (): Body | undefined => {
    const own = at(epochs, 0);
    const branch = own[FORK_AFTER];
    if (branch === undefined) return undefined;
    const shared = own.slice(0, FORK_AFTER);
    return forkBody(shared, [branch, at(others, 0)]);
  };
  const bodyOf = (said: Draft, maker: EpochMaker): Body | undefined => {
    if (said.what === "write") {
      const { type, value, names } = said;
      const operation: Operation = { key: "key", type, value, replaces: names.map(nameOf) };
      return changeOf("cart-1", [operation]);
    }
    if (said.what === "tap") return tapOf("cart-1", maker.gateway);
    if (said.what === "fork") return fork();
    const { bootId, gateway: name } = maker;
    const actor = { kind: ACTOR.gateway, name };
    return { _tag: "ClockFix", actor, bootId, wallAtBootMs: 7, plusMinusMs: 1 };
  };
  for (const said of drafts) {
    const maker = at(makers, said.author);
    const own = at(epochs, said.author);
    const isForking = said.author === 0 && own.length === FORK_AFTER;
    if (isForking) others.push(maker.clone().add(tapOf("cart-9", "elsewhere")));
    const body = bodyOf(said, maker);
    if (body !== undefined) own.push(maker.add(body));
    else if (isForking) others.pop();
  }
  return { epochs };
};

type Step =
  | { readonly step: "take"; readonly author: number }
  | { readonly step: "cut"; readonly sizes: ReadonlyArray<number> }
  | { readonly step: "restart" | "lose" };

/** For each author a size, of which the larger ones cut nothing. */
const sizes = fc.array(fc.nat(14), { minLength: 3, maxLength: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ step: fc.constant("take" as const), author }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant("cut" as const), sizes }) },
  fc.record({ step: fc.constantFrom("restart" as const, "lose" as const) }),
);

const cutsOf = ({ epochs }: Fleet, counts: ReadonlyArray<number>): Cuts =>
  new Map(
    counts.flatMap((size, index) =>
      size < 10 ? [[toHex(at(at(epochs, index), 0).head.epoch), size] as const] : [],
    ),
  );

/** What a store's thread does, without the thread. */
class Gateway {
  readonly #folder: DataFolder;
  readonly #fleet: Fleet;
  readonly #taken = [0, 0, 0];
  #files: StoreFiles;

  constructor(folder: DataFolder, fleet: Fleet) {
    this.#folder = folder;
    this.#fleet = fleet;
    this.#files = folder.open();
    this.#hurry();
  }

  /** Power doesn't fail here: nothing needs to be fsynced. */
  #hurry(): void {
    const { log, mirror } = this.#files;
    for (const { database } of [log, mirror]) database.pragma("synchronous = OFF");
  }

  get state(): StoreFiles["state"] {
    return this.#files.state;
  }

  take(who: number): void {
    const addition = at(this.#fleet.epochs, who)[at(this.#taken, who)];
    if (addition === undefined) return;
    this.#taken[who] = at(this.#taken, who) + 1;
    addTo(who === 0 ? this.#files.log : this.#files.mirror, addition);
    foldAddition(this.#files, addition);
    if (this.state.isBeyondCuts) atOnce(foldLogs(() => this.#files));
  }

  takeAll(): void {
    for (const [who, additions] of this.#fleet.epochs.entries()) {
      while (at(this.#taken, who) < additions.length) this.take(who);
    }
  }

  cut(cuts: Cuts): void {
    this.state.cut(cuts);
    atOnce(foldLogs(() => this.#files));
  }

  restart(isStateLost: boolean): void {
    this.close();
    if (isStateLost) this.#folder.forgetState();
    this.#files = this.#folder.open();
    this.#hurry();
  }

  close(): void {
    this.#folder.close(this.#files);
  }
}

/** All records at once, under the cuts that stand at the end. */
const wanted = ({ epochs }: Fleet, cuts: Cuts): MemoryState => {
  const state = new MemoryState();
  state.cut(cuts);
  do {
    state.clear();
    for (const additions of epochs) {
      for (const { head, gateway, from, records } of additions) {
        state.take({ epoch: head.epoch, gateway, from }, records);
      }
    }
  } while (state.isBeyondCuts);
  return state;
};

const sorted = (values: ReadonlyArray<unknown>): ReadonlyArray<string> =>
  values.map((value) => JSON.stringify(value)).toSorted();

test("whatever comes first, is cut, cut elsewhere, restarted or lost on the way", () => {
  const drafts = fc.array(draft, { minLength: 4, maxLength: 24 });
  const steps = fc.array(step, { maxLength: 30 });
  fc.assert(
    fc.property(drafts, steps, sizes, (said, schedule, last) => {
      using folder = new DataFolder();
      const fleet = fleetOf(said);
      const gateway = new Gateway(folder, fleet);
      for (const one of schedule) {
        if (one.step === "take") gateway.take(one.author);
        else if (one.step === "cut") gateway.cut(cutsOf(fleet, one.sizes));
        else gateway.restart(one.step === "lose");
      }
      gateway.takeAll();
      const cuts = cutsOf(fleet, last);
      gateway.cut(cuts);
      const { state } = gateway;
      const model = wanted(fleet, cuts);
      expect(state.digest).toBe(model.digest);
      expect(new Map(state.heads)).toEqual(new Map(model.heads));
      expect(sorted(state.facts())).toEqual(sorted(model.facts));
      expect(new Map(state.cuts)).toEqual(new Map(model.cuts));
      const foldedSize = (epoch: Uint8Array): number => state.foldedSize(epoch);
      expect([...state.entries("cart-1")].map((entry) => settle(entry, foldedSize))).toEqual(
        model.sorted().map((entry) => settle(entry, foldedSize)),
      );
      gateway.close();
    }),
    { numRuns: 60 },
  );
}, 60_000);
