import { expect, test } from "vitest";
import { foldLogs } from "#gateway/store/fold-logs.ts";
import { atOnce } from "#gateway/store/slices.ts";
import { addTo, foldAddition } from "#gateway/store/store-files.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { DataFolder } from "#test/unit/store/data-folder.ts";

// When the disk refuses to save the state, everything in the logs is folded again, also what still waited for its turn.
test("an addition that was folded from the log meanwhile is not folded a second time", () => {
  using folder = new DataFolder();
  const files = folder.open();
  const maker = new EpochMaker("lobby");
  const additions = [maker.open(), maker.add(tapOf("cart-1")), maker.add(tapOf("cart-1"))];
  for (const addition of additions) expect(addTo(files.log, addition)).toBeNull();
  atOnce(foldLogs(() => files));
  const { digest } = files.state;
  for (const addition of additions) foldAddition(files, addition);
  expect(files.state.digest).toBe(digest);
  expect(files.state.foldedSize(maker.id)).toBe(3);
  folder.close(files);
});
