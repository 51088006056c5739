/** The newest records, as `log show` has them. */
import { expect, test } from "vitest";
import { newestRecords } from "#gateway/queries/records.ts";
import { tap, WriterRig } from "#test/unit/writer/writer-rig.ts";

const ALL = { gateway: null, epoch: null, count: 100 };

test("stand in the order in which they were written, whatever their clock said", async () => {
  const rig = new WriterRig();
  // A tap's time is its sighting's: earlier than that of the epoch that it opens.
  for (const wallMs of [1_000, 3_000, 2_000]) await rig.writer.append({ ...tap(), wallMs });
  const records = await newestRecords(rig.store, ALL);
  expect(records.map(({ kind, seq }) => `${seq} ${kind}`)).toEqual([
    "0 open",
    "1 tap",
    "2 tap",
    "3 tap",
  ]);
});

test("are the newest of all epochs, as many as were asked for", async () => {
  const rig = new WriterRig();
  for (let n = 0; n < 6; n += 1) {
    await rig.writer.append({ ...tap(`cart-${n}`), wallMs: 1_900_000_000_000 + n });
    if (n === 2) rig.monoMs += 31 * 24 * 3_600_000;
  }
  const records = await newestRecords(rig.store, { ...ALL, count: 2 });
  expect(records.map(({ summary }) => summary)).toEqual([
    expect.stringContaining("cart-4"),
    expect.stringContaining("cart-5"),
  ]);
  expect(await newestRecords(rig.store, { ...ALL, gateway: "dock" })).toEqual([]);
  const [{ epoch } = { epoch: "" }] = records;
  const ofEpoch = await newestRecords(rig.store, { ...ALL, epoch: epoch.slice(0, 4) });
  expect(new Set(ofEpoch.map((record) => record.epoch))).toEqual(new Set([epoch]));
});
