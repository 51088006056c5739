/** Rows beside Yjs and Automerge: the merge alone, in memory, of the same writes in the same order. */
import { toHex } from "#core/bytes.ts";
import { TYPE } from "#core/log/operation.ts";
import { entryKeyText, type Entry } from "#core/state/entry.ts";
import { fold } from "#core/state/fold.ts";
import { toFoldedRecord } from "#core/state/folded-record.ts";
import type { RecordBytes } from "#core/log/record.ts";
import { changeOf, EpochMaker } from "#test/contract/epoch-maker.ts";
import { nowMs } from "#test/bench/clock.ts";
import type { AutomergeDoc, Packages } from "#test/bench/other-packages.ts";
import { median, rowOf, type Row } from "#test/bench/row.ts";

const WRITES = 10_000;
const KEYS = 1_000;
const AUTHORS = 5;
/** Automerge is handed so many at a time, as our groups are: one by one it takes eight times as long. */
const CHANGES_PER_CALL = 64;

/** Numerical Recipes' generator: the same order in every run. */
const randomFrom = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

interface Place {
  readonly author: number;
  readonly at: number;
}

/** What each author writes, none knowing of the others. */
const writesOf = (
  author: number,
): ReadonlyArray<{ readonly key: string; readonly value: string }> => {
  const random = randomFrom(author);
  return Array.from({ length: WRITES / AUTHORS }, (_, at) => ({
    key: `key-${random(KEYS)}`,
    value: `${author}-${at}`,
  }));
};

/** Each write twice: authors at random, each in its order, and behind each first delivery an older one of that author again. */
const deliveries = (seed: number): ReadonlyArray<Place> => {
  const random = randomFrom(seed);
  const next = Array.from({ length: AUTHORS }, () => 0);
  const places: Place[] = [];
  while (places.length < 2 * WRITES) {
    const author = random(AUTHORS);
    const at = next[author] ?? 0;
    if (at >= WRITES / AUTHORS) continue;
    next[author] = at + 1;
    places.push({ author, at }, { author, at: random(at + 1) });
  }
  return places;
};

type Made<A> = (place: Place) => A;

const madeBy = <A>(logs: ReadonlyArray<ReadonlyArray<A>>): Made<A> => {
  return ({ author, at }) => {
    const made = logs[author]?.[at];
    if (made === undefined) throw new Error("no such write");
    return made;
  };
};

const authors = Array.from({ length: AUTHORS }, (_, author) => author);

/** A merge of the updates in an order; what it comes to, as text, to be compared between orders. */
interface Contender {
  readonly name: string;
  readonly merge: (order: ReadonlyArray<Place>) => () => string;
}

const textOf = (values: ReadonlyMap<string, unknown>): string =>
  JSON.stringify([...values].toSorted(([a], [b]) => (a < b ? -1 : 1)));

const yjsContender = ({ yjs }: Packages): Contender => {
  const made = madeBy(
    authors.map((author) => {
      const log: Uint8Array[] = [];
      const doc = new yjs.Doc();
      doc.clientID = author + 1;
      doc.on("update", (update) => log.push(update));
      for (const { key, value } of writesOf(author)) doc.getMap("map").set(key, value);
      return log;
    }),
  );
  return {
    name: "merge: Yjs",
    merge: (order) => {
      const doc = new yjs.Doc();
      for (const place of order) yjs.applyUpdate(doc, made(place));
      return () => textOf(new Map(Object.entries(doc.getMap("map").toJSON())));
    },
  };
};

const automergeContender = ({ automerge }: Packages): Contender => {
  const made = madeBy(
    authors.map((author) => {
      let doc = automerge.init({ actor: `0${author + 1}` });
      return writesOf(author).map(({ key, value }) => {
        doc = automerge.change(doc, (draft) => {
          draft[key] = value;
        });
        return automerge.getLastLocalChange(doc) ?? new Uint8Array(0);
      });
    }),
  );
  return {
    name: `merge: Automerge, ${CHANGES_PER_CALL} a call`,
    merge: (order) => {
      let doc: AutomergeDoc = automerge.init();
      for (let at = 0; at < order.length; at += CHANGES_PER_CALL) {
        [doc] = automerge.applyChanges(doc, order.slice(at, at + CHANGES_PER_CALL).map(made));
      }
      return () => textOf(new Map(Object.entries(doc)));
    },
  };
};

interface OurWrite {
  readonly record: RecordBytes;
  readonly epoch: Uint8Array;
  readonly id: string;
  readonly seq: number;
}

/** The core's fold into a map, from a record's bytes on: what was verified before is not verified again. */
const ourContender = (): Contender => {
  const made = madeBy(
    authors.map((author): ReadonlyArray<OurWrite> => {
      const maker = new EpochMaker(`author-${author}`);
      maker.open();
      return writesOf(author).map(({ key, value }) => {
        const operation = { key: "value", type: TYPE.register, value, replaces: [] };
        const { from, records } = maker.add(changeOf(key, [operation]));
        const [record] = records;
        if (record === undefined) throw new Error("no record");
        return { record, epoch: maker.id, id: toHex(maker.id), seq: from };
      });
    }),
  );
  return {
    name: "merge: ours, core fold into a Map",
    merge: (order) => {
      const entries = new Map<string, Entry>();
      const sizes = new Map<string, number>();
      const reads = {
        entry: (key: Parameters<typeof entryKeyText>[0]) => entries.get(entryKeyText(key)),
        foldedSize: (epoch: Uint8Array) => sizes.get(toHex(epoch)) ?? 0,
      };
      for (const place of order) {
        const { record, epoch, id, seq } = made(place);
        if (seq < (sizes.get(id) ?? 1)) continue; // the open, seq 0, says nothing of devices
        const folded = fold(toFoldedRecord(record, { epoch, seq }), reads);
        for (const entry of folded) entries.set(entryKeyText(entry), entry);
        sizes.set(id, seq + 1);
      }
      return () => textOf(entries);
    },
  };
};

const [FIRST_SEED, SECOND_SEED] = [1, 2];
const RUNS = 3;

/** Writes merged in a second, each delivered twice. Throws unless another order comes to the same. */
const measure = ({ name, merge }: Contender): { readonly name: string; readonly rate: number } => {
  const warm = merge(deliveries(SECOND_SEED))();
  const order = deliveries(FIRST_SEED);
  const rates = Array.from({ length: RUNS }, () => {
    const startMs = nowMs();
    const merged = merge(order);
    const ms = nowMs() - startMs;
    if (merged() !== warm) throw new Error(`${name}: two orders, two results`);
    return (WRITES / ms) * 1_000;
  });
  return { name, rate: median(rates) };
};

export const mergeRows = (packages: Packages): ReadonlyArray<Row> => {
  const theirs = [measure(yjsContender(packages)), measure(automergeContender(packages))];
  const ours = measure(ourContender());
  const best = Math.max(...theirs.map(({ rate }) => rate));
  const unit = "records/s";
  return [
    ...theirs.map(({ name, rate }) => rowOf({ name, unit, samples: [rate] })),
    rowOf({ name: ours.name, unit, samples: [ours.rate], floor: best }),
  ];
};
