/** Backups: whole, of one moment, provable anywhere, and put back only where they verify. */
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { restoreBackup, writeBackup } from "#gateway/store/backup.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { openLogFileReadOnly } from "#gateway/store/schema.ts";
import { addTo } from "#gateway/store/store-files.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { leftTag, rightOf } from "#test/unit/core/log/either.ts";
import {
  contentsOf,
  DataFolder,
  flipByte,
  noticeTags,
  problemsIn,
  type Contents,
} from "#test/unit/store/data-folder.ts";

/** Two own epochs and a peer's, which is longer than a block. */
const fullFolder = (): { folder: DataFolder; before: Contents } => {
  const folder = new DataFolder();
  folder.write(new EpochMaker("lobby"), 40);
  folder.write(new EpochMaker("lobby"), 10);
  folder.write(new EpochMaker("dock"), 600, "mirror");
  const files = folder.open();
  const before = new Map([...contentsOf(files.log), ...contentsOf(files.mirror)]);
  folder.close(files);
  return { folder, before };
};

const inFile = (path: string): { contents: Contents; problems: ReadonlyArray<string> } => {
  const database = rightOf(openLogFileReadOnly(path));
  const file = new LogFile(database);
  const found = { contents: contentsOf(file), problems: problemsIn(file) };
  database.close();
  return found;
};

describe("a backup", () => {
  test("holds every record, is one file, and proves itself", () => {
    const { folder, before } = fullFolder();
    using _folder = folder;
    using target = new DataFolder();
    const path = join(target.path, "backup.db");
    const written = writeBackup(folder.path, path);
    expect(written).toEqual(E.right({ records: 653, epochs: 3, leftOut: [] }));
    expect(readdirSync(target.path)).toEqual(["backup.db"]);
    expect(inFile(path)).toEqual({ contents: before, problems: [] });
  });

  test("is of one moment while records go on being written, and goes on proving itself", () => {
    using folder = new DataFolder();
    using target = new DataFolder();
    const maker = new EpochMaker("lobby");
    folder.write(maker, 600);
    const files = folder.open();
    const path = join(target.path, "backup.db");
    expect(addTo(files.log, maker.add(tapOf("cart-1")))).toBeNull();
    expect(writeBackup(folder.path, path)).toEqual(
      E.right({ records: 602, epochs: 1, leftOut: [] }),
    );
    expect(addTo(files.log, maker.add(tapOf("cart-1")))).toBeNull();
    folder.close(files);
    expect(inFile(path).problems).toEqual([]);
    expect(inFile(path).contents.size).toBe(602);
  });

  test("leaves out an epoch that doesn't verify any more, and says so; the others are in it", () => {
    const { folder, before } = fullFolder();
    using _folder = folder;
    using target = new DataFolder();
    const name = [...before.keys()].find((key) => key.endsWith("/7")) ?? "";
    flipByte(folder.logFile, Buffer.from(before.get(name)?.header ?? "", "hex"), 40);
    const path = join(target.path, "backup.db");
    const written = rightOf(writeBackup(folder.path, path));
    expect(written.leftOut).toEqual([name.split("/")[0]]);
    expect(written.epochs).toBe(2);
    expect(inFile(path).problems).toEqual([]);
    expect(inFile(path).contents.size).toBe(612);
  });

  test("is never written over anything, nor of nothing", () => {
    const { folder } = fullFolder();
    using _folder = folder;
    using target = new DataFolder();
    const path = join(target.path, "backup.db");
    writeFileSync(path, "mine");
    expect(leftTag(writeBackup(folder.path, path))).toBe("BackupExists");
    expect(readFileSync(path, "utf8")).toBe("mine");
    const other = join(target.path, "other.db");
    expect(leftTag(writeBackup(target.path, other))).toBe("BackupNothing");
    expect(existsSync(other)).toBe(false);
    const nowhere = join(target.path, "no", "such", "folder.db");
    expect(leftTag(writeBackup(folder.path, nowhere))).toBe("DatabaseUnopenable");
  });
});

describe("restored", () => {
  test("all records are the mirror's, the own ones too, and fold to the same state", () => {
    const { folder, before } = fullFolder();
    using _folder = folder;
    using target = new DataFolder();
    const path = join(folder.path, "backup.db");
    writeBackup(folder.path, path);
    const files = folder.open();
    const { digest } = files.state;
    folder.close(files);
    const restored = restoreBackup(path, { dataDir: target.path, fleet: "acme" });
    expect(restored).toEqual(E.right({ records: 653, epochs: 3, leftOut: [] }));
    const blank = target.open();
    expect(noticeTags(blank)).toEqual([]);
    expect(contentsOf(blank.mirror)).toEqual(before);
    expect(contentsOf(blank.log).size).toBe(0);
    expect(blank.state.digest).toBe(digest);
    target.close(blank);
    expect(inFile(path)).toEqual({ contents: before, problems: [] });
  });

  test("nothing is, from a file that is damaged, cut short, foreign or none", () => {
    const { folder, before } = fullFolder();
    using _folder = folder;
    const path = join(folder.path, "backup.db");
    writeBackup(folder.path, path);
    const sound = readFileSync(path);
    const name = [...before.keys()].find((key) => key.endsWith("/300")) ?? "";
    const damages: ReadonlyArray<readonly [string, () => void]> = [
      ["BackupDamaged", () => flipByte(path, Buffer.from(before.get(name)?.body ?? "", "hex"), 9)],
      ["DatabaseCorrupt", () => truncateSync(path, Math.floor(sound.length / 4096) * 2_048)],
      ["DatabaseCorrupt", () => writeFileSync(path, "no database, but long enough".repeat(99))],
    ];
    for (const [tag, damage] of damages) {
      using target = new DataFolder();
      damage();
      expect(leftTag(restoreBackup(path, { dataDir: target.path, fleet: "acme" }))).toBe(tag);
      expect(readdirSync(target.path)).toEqual([]);
      writeFileSync(path, sound);
    }
    using target = new DataFolder();
    const blank = { dataDir: target.path, fleet: "other" };
    expect(leftTag(restoreBackup(path, blank))).toBe("BackupForeign");
    expect(leftTag(restoreBackup(`${path}.no`, blank))).toBe("BackupMissing");
    expect(leftTag(restoreBackup(folder.stateFile, blank))).toBe("DatabaseForeign");
    expect(leftTag(restoreBackup(path, { dataDir: folder.path, fleet: "acme" }))).toBe(
      "DirectoryNotBlank",
    );
    expect(toHex(readFileSync(path))).toBe(toHex(sound));
    expect(readdirSync(target.path)).toEqual([]);
  });
});
