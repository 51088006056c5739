/** What of the state is on disk when: never more than was saved, and after a save that failed what was saved before. */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Addition } from "#core/log/stored.ts";
import { foldLogs } from "#gateway/store/fold-logs.ts";
import type { StoreFiles } from "#gateway/store/open-files.ts";
import { atOnce } from "#gateway/store/slices.ts";
import { StateFile } from "#gateway/store/state-file.ts";
import { addTo, foldAddition } from "#gateway/store/store-files.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { MemoryState } from "#test/contract/memory-state.ts";
import { at } from "#test/unit/core/log/either.ts";
import { DataFolder } from "#test/unit/store/data-folder.ts";

const DEVICES = ["cart-1", "cart-2", "cart-3"];

const add = (files: StoreFiles, model: MemoryState, addition: Addition): void => {
  files.log.database.pragma("synchronous = OFF"); // power doesn't fail here
  expect(addTo(files.log, addition)).toBeNull();
  foldAddition(files, addition);
  const { gateway, from, head, records } = addition;
  model.take({ epoch: head.epoch, gateway, from }, records);
};

const has = ({ path }: DataFolder, name: string): boolean => existsSync(join(path, name));

interface OnDisk {
  readonly heads: ReadonlyMap<string, number>;
  readonly digest: string;
}

const modelled = ({ heads, digest }: OnDisk): OnDisk => ({ heads: new Map(heads), digest });

/** The state as a machine that lost its power now would find it. */
const afterPowerCut = (folder: DataFolder): OnDisk => {
  const copy = mkdtempSync(join(tmpdir(), "tapmesh-copy-"));
  try {
    for (const name of ["state.db", "state.db-wal"].filter((file) => has(folder, file))) {
      cpSync(join(folder.path, name), join(copy, name));
    }
    const opened = StateFile.open(join(copy, "state.db"));
    if (E.isLeft(opened)) throw new Error(opened.left._tag);
    const found = modelled(opened.right);
    opened.right.close();
    return found;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
};

type Step = readonly ["tap" | "save" | "digest" | "list", author: number, device: number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom("tap", "tap", "tap", "tap", "save", "digest", "list"),
  fc.nat(1),
  fc.nat(2),
);

/** Does the steps; returns what was on disk when it was saved last. */
const play = (files: StoreFiles, model: MemoryState, steps: ReadonlyArray<Step>): OnDisk => {
  const { state } = files;
  const makers = ["lobby", "dock"].map((name) => new EpochMaker(name));
  let saved: OnDisk = modelled(model);
  for (const maker of makers) add(files, model, maker.open());
  for (const [what, author, device] of steps) {
    if (what === "tap") add(files, model, at(makers, author).add(tapOf(at(DEVICES, device))));
    if (what === "digest") expect(state.digest).toBe(model.digest);
    if (what === "list") expect([...state.entriesAfter("")]).toHaveLength(model.entries.size);
    if (what !== "save") continue;
    expect(state.save()).toBe(true);
    saved = modelled(model);
  }
  return saved;
};

test("on disk is what was saved last, whatever was folded and looked at since", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      using folder = new DataFolder();
      const files = folder.open();
      const model = new MemoryState();
      const saved = play(files, model, steps);
      expect(afterPowerCut(folder)).toEqual(saved);
      folder.close(files);
      expect(afterPowerCut(folder)).toEqual(modelled(model));
    }),
    { numRuns: 25 },
  );
}, 30_000);

/** From now on a save of just so many epochs fails, in the middle. */
const refuseSaveOf = (folder: DataFolder, epochCount: number): void => {
  const database = new Database(folder.stateFile);
  database.exec(`
    CREATE TRIGGER refuse BEFORE UPDATE ON summary
    WHEN (SELECT count(*) FROM head) = ${epochCount}
    BEGIN SELECT RAISE(ABORT, 'the disk refuses'); END
  `);
  database.close();
};

test("a save that fails leaves the state as it was saved before, and it is folded again", () => {
  using folder = new DataFolder();
  folder.close(folder.open());
  refuseSaveOf(folder, 2);
  const files = folder.open();
  const { state } = files;
  const model = new MemoryState();
  const [lobby, dock, yard] = ["lobby", "dock", "yard"].map((name) => new EpochMaker(name));
  if (lobby === undefined || dock === undefined || yard === undefined) throw new Error("no maker");
  for (const addition of [lobby.open(), lobby.add(tapOf("cart-1"))]) add(files, model, addition);
  expect(state.save()).toBe(true);
  const saved = { digest: state.digest, entries: [...state.entries("cart-1")] };

  for (const addition of [dock.open(), dock.add(tapOf("cart-1"), tapOf("cart-2"))]) {
    add(files, model, addition);
  }
  expect(state.digest).toBe(model.digest);
  add(files, model, dock.add(tapOf("cart-2"))); // folded, and in no table yet
  expect(state.save()).toBe(false);
  expect(state.digest).toBe(saved.digest);
  expect([...state.entries("cart-1")]).toEqual(saved.entries);
  expect([...state.entries("cart-2")]).toEqual([]);
  expect(state.foldedSize(dock.id)).toBe(0);

  atOnce(foldLogs(() => files));
  expect(state.digest).toBe(model.digest);
  add(files, model, yard.open());
  expect(state.save()).toBe(true);
  expect(afterPowerCut(folder)).toEqual(modelled(model));
  folder.close(files);
});
