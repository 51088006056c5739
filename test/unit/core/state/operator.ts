/** Histories in which all types are written, and an operator who knows some of them and writes behind what it knows. */
import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { decodeBody, encodeBody, kindOf, type Body } from "#core/log/body.ts";
import { TYPE, type Operation, type Scalar, type WriteName } from "#core/log/operation.ts";
import { RECORD_BYTES_MAX } from "#core/log/record.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";
import type { FoldedRecord } from "#core/state/fold.ts";
import { standingWrites } from "#core/state/standing.ts";
import { at } from "#test/unit/core/log/either.ts";
import { epochOf, Folder, recordOf, type History } from "#test/unit/core/state/histories.ts";

export const DEVICES: ReadonlyArray<string> = ["cart-1", "cart-2"];
/** The operator's epoch: none of the history's. */
export const OPERATOR = 3;

interface Wish {
  readonly key: string;
  readonly type: number;
  readonly value: Scalar;
  /** set: the members that a removal removes. */
  readonly removes: ReadonlyArray<Scalar>;
}

const text: fc.Arbitrary<Scalar> = fc.constantFrom("a", "b", "c", 7, null);
const number: fc.Arbitrary<Scalar> = fc.integer({ min: -5, max: 5 });
const VALUES: ReadonlyArray<readonly [number, fc.Arbitrary<Scalar>]> = [
  [TYPE.register, text],
  [TYPE.exclusive, text],
  [TYPE.set, text],
  [TYPE.safety, fc.constantFrom(0, 0, 1, 1, 2, 3)],
  [TYPE.counter, number],
  [TYPE.max, number],
  [TYPE.min, number],
];

const wish: fc.Arbitrary<Wish> = fc.constantFrom(...VALUES).chain(([type, value]) =>
  fc.record({
    key: fc.constant(`k${type}`),
    type: fc.constant(type),
    value,
    removes: fc.array(text),
  }),
);

type Action =
  | { readonly learner: number; readonly from: number; readonly count: number }
  | {
      readonly author: number;
      readonly device: string;
      readonly wallMs: number;
      readonly wishes: ReadonlyArray<Wish>;
    };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ learner: fc.nat(2), from: fc.nat(2), count: fc.integer({ min: 1, max: 3 }) }),
  {
    weight: 2,
    arbitrary: fc.record({
      author: fc.nat(2),
      device: fc.constantFrom(...DEVICES),
      wallMs: fc.nat(3),
      wishes: fc.uniqueArray(wish, { minLength: 1, maxLength: 3, selector: (w) => w.key }),
    }),
  },
);

const standingUnder = (view: Folder, device: string, { key, type }: Wish): WriteName[] => {
  const entry = view.entries.get(entryKeyText({ device, key, type }));
  return entry === undefined ? [] : standingWrites(entry).map(({ epoch, seq }) => ({ epoch, seq }));
};

/** What one who knows this state writes. */
export const operationFor = (view: Folder, device: string, wanted: Wish): Operation => {
  const { key, type, value, removes } = wanted;
  const entry = view.entries.get(entryKeyText({ device, key, type }));
  if (type === TYPE.set && value === null) {
    const replaces = (entry === undefined ? [] : standingWrites(entry))
      .filter((write) => removes.includes(write.value))
      .map(({ epoch, seq }) => ({ epoch, seq }));
    return { key, type, value, replaces };
  }
  const isReplacing = ![TYPE.set, TYPE.counter, TYPE.max, TYPE.min].some((one) => one === type);
  return { key, type, value, replaces: isReplacing ? standingUnder(view, device, wanted) : [] };
};

/** Histories as gateways make them: each author knows its own epoch and some beginning of the others'. */
export const allTypesHistory: fc.Arbitrary<History> = fc
  .array(action, { minLength: 1, maxLength: 36 })
  .map((actions) => {
    const history: FoldedRecord[][] = [[], [], []];
    const views = [new Folder(), new Folder(), new Folder()];
    for (const act of actions) {
      if ("learner" in act) {
        const { learner, from, count } = act;
        if (learner === from) continue;
        const known = at(views, learner).foldedSize(epochOf(from));
        const news = at(history, from).slice(known, known + count);
        for (const record of news) at(views, learner).take(record);
        continue;
      }
      const { author, device, wallMs, wishes } = act;
      const view = at(views, author);
      const operations = wishes.map((wanted) => operationFor(view, device, wanted));
      const seq = at(history, author).length;
      const record = recordOf(author, seq, { device, operations, wallMs });
      at(history, author).push(record);
      view.take(record);
    }
    return history;
  });

/** What is known of the first so many records of each epoch. */
export const knowing = (history: History, sizes: ReadonlyArray<number>): Folder => {
  const folder = new Folder();
  for (const [author, records] of history.entries()) {
    for (const record of records.slice(0, sizes[author])) folder.take(record);
  }
  return folder;
};

/** Folds all that wasn't known. */
export const learnRest = (folder: Folder, history: History): void => {
  for (const [author, records] of history.entries()) {
    for (const record of records.slice(folder.foldedSize(epochOf(author)))) folder.take(record);
  }
};

export const entriesOf = (folder: Folder, device: string): ReadonlyArray<Entry> =>
  [...folder.entries.values()].filter((entry) => entry.device === device);

const HEADER_BYTES_MAX = 100;

/** The operator's next record, as it reads back from its bytes. Its clock is far behind: nothing may rest on it. */
export const write = (folder: Folder, body: Body): FoldedRecord => {
  const bytes = encodeBody(new Uint8Array(16), body);
  const decoded = decodeBody(kindOf(body), bytes);
  if (E.isLeft(decoded) || bytes.length + HEADER_BYTES_MAX > RECORD_BYTES_MAX) {
    throw new Error("it can't be recorded");
  }
  const epoch = epochOf(OPERATOR);
  const record = { epoch, seq: folder.foldedSize(epoch), wallMs: 0, monoMs: 0 };
  folder.take({ ...record, body: decoded.right });
  return { ...record, body: decoded.right };
};

export const change = (
  folder: Folder,
  device: string,
  operations: ReadonlyArray<Operation>,
): FoldedRecord =>
  write(folder, { _tag: "Change", actor: { kind: 3, name: "tester" }, device, operations });
