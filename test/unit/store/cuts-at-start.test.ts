/** Cuts and forks at the start, before anybody has said what is cut. */
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import type { Addition } from "#core/log/stored.ts";
import { addTo, foldAddition } from "#gateway/store/store-files.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { forkBody } from "#test/contract/fork-evidence.ts";
import { DataFolder } from "#test/unit/store/data-folder.ts";

const epochOfTaps = (maker: EpochMaker, taps: number): ReadonlyArray<Addition> => [
  maker.open(),
  ...Array.from({ length: taps }, () => maker.add(tapOf("cart-1"))),
];

const take = (folder: DataFolder, additions: ReadonlyArray<Addition>): void => {
  const files = folder.open();
  for (const addition of additions) {
    addTo(files.mirror, addition);
    foldAddition(files, addition);
  }
  folder.close(files);
};

test("the roster's cuts hold over a restart, for records that came before it and after", () => {
  using folder = new DataFolder();
  const maker = new EpochMaker("dock");
  const additions = epochOfTaps(maker, 6);
  const files = folder.open();
  files.state.cut(new Map([[toHex(maker.id), 3]]));
  folder.close(files);
  take(folder, additions.slice(0, 5));
  take(folder, additions.slice(5));
  const again = folder.open();
  expect(again.state.foldedSize(maker.id)).toBe(3);
  expect(again.state.cuts).toEqual(new Map([[toHex(maker.id), 3]]));
  folder.close(again);
});

test("a fork is cut at the start even where the state was lost, whichever log is read first", () => {
  using folder = new DataFolder();
  const maker = new EpochMaker("dock");
  const shared = epochOfTaps(maker, 2);
  const branches = [maker.clone().add(tapOf("cart-1")), maker.add(tapOf("cart-1"))] as const;
  const witness = new EpochMaker("lobby");
  take(folder, [...shared, branches[1], witness.open(), witness.add(forkBody(shared, branches))]);
  folder.forgetState();
  const files = folder.open();
  expect(files.state.foldedSize(maker.id)).toBe(3);
  expect(files.state.isBeyondCuts).toBe(false);
  expect(files.state.facts()).toContainEqual({ _tag: "Forked", epoch: toHex(maker.id), size: 3 });
  folder.close(files);
});

test.each([
  ["the later one first", [1, 0]],
  ["the earlier one first", [0, 1]],
])("of two forks of one epoch the earlier one cuts: %s", (_, order) => {
  using folder = new DataFolder();
  const maker = new EpochMaker("dock");
  const records: Addition[] = [maker.open()];
  const proofs = [2, 3].map((size) => {
    while (records.length < size) records.push(maker.add(tapOf("cart-1")));
    const shared = records.slice(0, size);
    const branches = [maker.clone().add(tapOf("cart-1")), maker.add(tapOf("cart-1"))] as const;
    records.push(branches[1]);
    return forkBody(shared, branches);
  });
  const witness = new EpochMaker("lobby");
  take(folder, [...records, witness.open()]);
  take(
    folder,
    order.flatMap((which) => proofs.slice(which, which + 1).map((proof) => witness.add(proof))),
  );
  const files = folder.open();
  expect(files.state.foldedSize(maker.id)).toBe(2);
  expect(files.state.facts().filter(({ _tag }) => _tag === "Forked")).toEqual([
    { _tag: "Forked", epoch: toHex(maker.id), size: 2 },
  ]);
  folder.close(files);
});
