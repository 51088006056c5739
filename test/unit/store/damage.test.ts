/** Damaged files: set aside, never repaired in place; what verifies is kept. */
import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "#core/bytes.ts";
import { BLOCK_RECORDS } from "#core/log/epoch.ts";
import type { StoreFiles } from "#gateway/store/open-files.ts";
import { EpochMaker } from "#test/contract/epoch-maker.ts";
import {
  contentsOf,
  DataFolder,
  flipByte,
  folderWith,
  noticeTags,
  problemsIn,
  writeBefore,
  type Contents,
} from "#test/unit/store/data-folder.ts";

/** A file that says it is a later version's, or somebody else's. */
const leftAlone = (folder: DataFolder, tag: string, bytes: Buffer): void => {
  expect(tag).toMatch(/^Database(?:Newer|Foreign)$/);
  expect(readFileSync(folder.logFile).equals(bytes)).toBe(true);
};

const soundAsBefore = (files: StoreFiles, before: Contents): void => {
  expect(problemsIn(files.log)).toEqual([]);
  for (const [record, { header, body }] of contentsOf(files.log)) {
    expect(header).toBe(before.get(record)?.header);
    expect(body ?? before.get(record)?.body).toBe(before.get(record)?.body);
  }
};

describe("one byte changed", () => {
  test("in a body: the body is lost, its header and all other records stay", () => {
    const { folder, maker, before } = folderWith(40);
    using _folder = folder;
    const name = `${toHex(maker.id)}/17`;
    flipByte(folder.logFile, Buffer.from(before.get(name)?.body ?? "", "hex"), 30);
    const damaged = readFileSync(folder.logFile);
    const files = folder.open();
    const after = contentsOf(files.log);
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [record, { header, body }] of after) {
      expect(header).toBe(before.get(record)?.header);
      expect(body).toBe(record === name ? null : before.get(record)?.body);
    }
    expect(problemsIn(files.log)).toEqual([]);
    expect(noticeTags(files)).toContain("LogSetAside");
    const [setAside = ""] = folder.setAside();
    expect(readFileSync(`${folder.path}/${setAside}`).equals(damaged)).toBe(true);
    folder.close(files);
  });

  test.each([
    ["its sequence number", 3],
    ["the leaf before it", 20],
    ["its wall time", 45],
    ["its monotonic time", 50],
    ["its body's hash", 70],
  ])("in a header, at %s: what lies before it stays, and still proves itself", (_field, offset) => {
    const { folder, maker, before } = folderWith(150);
    using _folder = folder;
    const header = Buffer.from(before.get(`${toHex(maker.id)}/117`)?.header ?? "", "hex");
    flipByte(folder.logFile, header, offset);
    const files = folder.open();
    expect([...contentsOf(files.log)]).toEqual([...before].slice(0, 117));
    expect(problemsIn(files.log)).toEqual([]);
    folder.close(files);
  });

  test("in the newest checkpoint: whole blocks stay, under the checkpoint that covered them", () => {
    const { folder, maker, before } = folderWith(BLOCK_RECORDS + 40);
    using _folder = folder;
    const sound = folder.open();
    const { checkpoint = "" } = sound.log.epochs()[0] ?? {};
    folder.close(sound);
    flipByte(folder.logFile, utf8(checkpoint), checkpoint.length - 10);
    const files = folder.open();
    const after = [...contentsOf(files.log)];
    expect(after.length).toBeGreaterThanOrEqual(BLOCK_RECORDS);
    expect(after).toEqual([...before].slice(0, after.length));
    expect(problemsIn(files.log)).toEqual([]);
    expect(files.log.epochs()[0]?.head.epoch).toEqual(maker.id);
    folder.close(files);
  });

  test("in the last block of a long epoch: it is noticed at the next start", () => {
    const { folder, maker, before } = folderWith(2_300);
    using _folder = folder;
    const body = before.get(`${toHex(maker.id)}/2290`)?.body ?? "";
    flipByte(folder.logFile, Buffer.from(body, "hex"), 30);
    const files = folder.open();
    expect(noticeTags(files)).toContain("LogSetAside");
    expect(contentsOf(files.log).get(`${toHex(maker.id)}/2290`)?.body).toBeNull();
    folder.close(files);
  });

  test("in the schema: the file is set aside, not the gateway", () => {
    const { folder } = folderWith(40);
    using _folder = folder;
    flipByte(folder.logFile, utf8("root BLOB NOT NULL"), 0);
    const files = folder.open();
    expect(noticeTags(files)).toContain("LogSetAside");
    expect(problemsIn(files.log)).toEqual([]);
    folder.close(files);
  });

  test("in the type of a value, so that a body reads as a number: that body alone is lost", () => {
    const { folder, maker, before } = folderWith(40);
    using _folder = folder;
    const name = `${toHex(maker.id)}/17`;
    const header = Buffer.from(before.get(name)?.header ?? "", "hex");
    // The two bytes before a record's values are the body's serial type: 4 is a 32-bit integer.
    writeBefore(folder.logFile, header, Uint8Array.of(0x80, 4));
    const files = folder.open();
    expect(contentsOf(files.log).size).toBe(before.size);
    expect(contentsOf(files.log).get(name)?.body).toBeNull();
    expect(problemsIn(files.log)).toEqual([]);
    folder.close(files);
  });

  test("anywhere at all: whatever is kept verifies and is as it was, and nothing throws", () => {
    const { folder, before } = folderWith(60);
    using _folder = folder;
    const whole = readFileSync(folder.logFile);
    expect(before.size).toBe(61);
    const offset = fc.integer({ min: 0, max: whole.length - 1 });
    fc.assert(
      fc.property(offset, fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        writeFileSync(folder.logFile, bytes);
        folder.forgetState();
        const opened = folder.tryOpen();
        if (E.isLeft(opened)) leftAlone(folder, opened.left._tag, bytes);
        else {
          soundAsBefore(opened.right, before);
          folder.close(opened.right);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("a file that SQLite can't read", () => {
  test("a log cut short: what can still be read and verified is kept", () => {
    const { folder, before } = folderWith(600);
    using _folder = folder;
    const { size } = statSync(folder.logFile);
    truncateSync(folder.logFile, Math.floor(size / 2));
    const files = folder.open();
    const after = [...contentsOf(files.log)];
    expect(after).toEqual([...before].slice(0, after.length));
    expect(problemsIn(files.log)).toEqual([]);
    expect(noticeTags(files)).toContain("LogSetAside");
    folder.close(files);
  });

  test("garbage in place of each file: set aside or made anew, and the rest is whole", () => {
    for (const name of ["logFile", "mirrorFile", "stateFile"] as const) {
      using folder = new DataFolder();
      folder.write(new EpochMaker("lobby"), 20);
      folder.write(new EpochMaker("dock"), 30, "mirror");
      folder.close(folder.open());
      const garbage = Buffer.from("not a database at all, but long enough to be one".repeat(200));
      writeFileSync(folder[name], garbage);
      const files = folder.open();
      expect(problemsIn(files.log)).toEqual([]);
      expect(problemsIn(files.mirror)).toEqual([]);
      expect(contentsOf(files.log).size).toBe(name === "logFile" ? 0 : 21);
      expect(contentsOf(files.mirror).size).toBe(name === "mirrorFile" ? 0 : 31);
      expect(noticeTags(files)).toContain("StateFoldedAnew");
      expect(folder.setAside()).toHaveLength(name === "stateFile" ? 0 : 1);
      const folded = [...files.state.heads.values()].reduce((sum, size) => sum + size, 0);
      expect(folded).toBe(contentsOf(files.log).size + contentsOf(files.mirror).size);
      folder.close(files);
    }
  });

  test("damage found twice at the same clock reading leaves both files that were set aside", () => {
    const { folder } = folderWith(20);
    using _folder = folder;
    for (let i = 0; i < 2; i += 1) {
      writeFileSync(folder.logFile, "garbage, and again garbage".repeat(100 + i));
      folder.close(folder.open());
    }
    expect(folder.setAside()).toHaveLength(2);
  });
});
