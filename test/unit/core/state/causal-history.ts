/** Histories as honest gateways make them: who writes names what it knows. */
import * as fc from "fast-check";
import { TYPE, type Scalar, type WriteName } from "#core/log/operation.ts";
import { entryKeyText, type EntryKey } from "#core/state/entry.ts";
import type { FoldedRecord } from "#core/state/fold.ts";
import { writesOfMember } from "#core/state/reading.ts";
import { at } from "#test/unit/core/log/either.ts";
import {
  draft,
  epochOf,
  Folder,
  recordOf,
  type Draft,
  type History,
} from "#test/unit/core/state/histories.ts";

/** What an author does next: learn a stretch of another's epoch, or write. */
type Action = { readonly learner: number; readonly from: number; readonly count: number } | Draft;

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ learner: fc.nat(2), from: fc.nat(2), count: fc.integer({ min: 1, max: 3 }) }),
  { weight: 2, arbitrary: draft },
);

/** Of a set one member is added again, or, by null, the member removed that stands first. */
const namesFor = (view: Folder, key: EntryKey, value: Scalar): WriteName[] => {
  const entry = view.entries.get(entryKeyText(key));
  if (entry?.content._tag !== "Survivors") return [];
  const { writes } = entry.content;
  const member = value ?? writes[0]?.value ?? null;
  const named = key.type === TYPE.set ? writesOfMember(entry, member) : writes;
  return named.map(({ epoch, seq }) => ({ epoch, seq }));
};

export interface KnowingHistory {
  readonly history: History;
  /** For each record how much of each author's epoch its author had folded when making it. */
  readonly knowledge: ReadonlyMap<FoldedRecord, ReadonlyArray<number>>;
}

/**
 * Histories as gateways make them: each author has folded all of its own epoch and some beginning of each other's,
 * and a write names the survivors of its key that its author then knew.
 */
export const knowingHistory: fc.Arbitrary<KnowingHistory> = fc
  .array(action, { minLength: 1, maxLength: 36 })
  .map((actions) => {
    const history: FoldedRecord[][] = [[], [], []];
    const knowledge = new Map<FoldedRecord, ReadonlyArray<number>>();
    const views = [new Folder(), new Folder(), new Folder()];
    for (const act of actions) {
      if ("learner" in act) {
        const { learner, from, count } = act;
        if (learner === from) continue;
        const known = at(views, learner).foldedSize(epochOf(from));
        for (const record of at(history, from).slice(known, known + count)) {
          at(views, learner).take(record);
        }
        continue;
      }
      const { author, device, writes, wallMs, isVoid } = act;
      const view = at(views, author);
      const operations = writes.map((w) => ({
        ...w,
        replaces: namesFor(view, { device, key: w.key, type: w.type }, w.value),
      }));
      const said = { device, operations, wallMs, isVoid };
      const record = recordOf(author, at(history, author).length, said);
      at(history, author).push(record);
      knowledge.set(
        record,
        views.map((_, other) => view.foldedSize(epochOf(other))),
      );
      view.take(record);
    }
    return { history, knowledge };
  });

export const causalHistory: fc.Arbitrary<History> = knowingHistory.map(({ history }) => history);
