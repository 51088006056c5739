/** Epochs that pass stand in the state file alone: after a crash they are as old as the entries, never older or newer. */
import { cpSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Addition } from "#core/log/stored.ts";
import { heldEpochs, recordsOf, takeMirrored } from "#gateway/store/held-epochs.ts";
import type { StoreFiles } from "#gateway/store/open-files.ts";
import { foldAddition } from "#gateway/store/store-files.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { DataFolder, noticeTags } from "#test/unit/store/data-folder.ts";

const take = (files: StoreFiles, addition: Addition, kept: boolean): void => {
  expect(takeMirrored(files, addition, kept)).toBeNull();
  foldAddition(files, addition);
};

const sizes = (files: StoreFiles): ReadonlyArray<object> =>
  heldEpochs(files).map(({ head, kept }) => ({ size: head.range.size, kept }));

/** The folder as it would be found if the power went now. */
const crashed = (folder: DataFolder): DataFolder => {
  const copy = new DataFolder();
  cpSync(folder.path, copy.path, { recursive: true });
  return copy;
};

describe("passing epochs", () => {
  test("after a crash are as of the last save, and so are the entries", () => {
    using folder = new DataFolder();
    const files = folder.open();
    const maker = new EpochMaker("dock");
    take(files, maker.open(), false);
    take(files, maker.add(tapOf("cart-1"), tapOf("cart-1")), false);
    expect(files.state.save()).toBe(true);
    const { digest } = files.state;
    const unsaved = maker.add(tapOf("cart-1"));
    take(files, unsaved, false);
    expect(files.state.digest).not.toBe(digest);
    using copy = crashed(folder);
    folder.close(files);
    const again = copy.open();
    expect(noticeTags(again)).toEqual([]);
    expect(sizes(again)).toEqual([{ size: 3, kept: false }]);
    expect(again.state.digest).toBe(digest);
    take(again, unsaved, false);
    expect(sizes(again)).toEqual([{ size: 4, kept: false }]);
    expect(again.state.foldedSize(maker.id)).toBe(4);
    copy.close(again);
  });

  test("and what they were folded to survive a restart, beside epochs that are kept", () => {
    using folder = new DataFolder();
    folder.write(new EpochMaker("lobby"), 30);
    const files = folder.open();
    const maker = new EpochMaker("dock");
    take(files, maker.open(), false);
    take(files, maker.add(tapOf("cart-1")), false);
    const { digest } = files.state;
    folder.close(files);
    const again = folder.open();
    expect(noticeTags(again)).toEqual([]);
    expect(sizes(again)).toEqual([
      { size: 31, kept: true },
      { size: 2, kept: false },
    ]);
    expect(again.state.digest).toBe(digest);
    folder.close(again);
  });

  test("kept after all are kept across a crash on the way, and no record counts twice", () => {
    using folder = new DataFolder();
    const files = folder.open();
    const maker = new EpochMaker("dock");
    const additions = [maker.open(), maker.add(tapOf("cart-1")), maker.add(tapOf("cart-1"))];
    for (const addition of additions) take(files, addition, false);
    files.state.save();
    const { digest } = files.state;
    for (const addition of additions.slice(0, 2)) take(files, addition, true);
    expect(sizes(files)).toEqual([{ size: 2, kept: true }]);
    using copy = crashed(folder);
    folder.close(files);
    const again = copy.open();
    expect(noticeTags(again)).toEqual([]);
    expect(again.state.digest).toBe(digest);
    for (const addition of additions.slice(2)) take(again, addition, true);
    expect(again.state.digest).toBe(digest);
    expect(again.state.passing.epochs()).toEqual([]);
    expect(recordsOf(again, maker.id, [0, 9])).toHaveLength(3);
    copy.close(again);
    const whole = copy.open();
    expect(noticeTags(whole)).toEqual([]);
    copy.close(whole);
  });

  test("of a state that is thrown away are gone, and asked for again", () => {
    using folder = new DataFolder();
    const files = folder.open();
    const maker = new EpochMaker("dock");
    take(files, maker.open(), false);
    folder.close(files);
    folder.forgetState();
    const again = folder.open();
    expect(heldEpochs(again)).toEqual([]);
    folder.close(again);
  });
});
