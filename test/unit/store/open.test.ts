/** Opening a data directory: what is not ours is left alone, and the state follows the logs. */
import { readFileSync, writeFileSync } from "node:fs";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { flipByte, folderWith, noticeTags } from "#test/unit/store/data-folder.ts";

describe("a file that is not ours to touch", () => {
  test.each([
    ["of a later version", "DatabaseNewer", "PRAGMA user_version = 99"],
    ["of somebody else", "DatabaseForeign", "PRAGMA application_id = 7"],
  ])("%s: refused, and unchanged byte for byte", (_name, tag, sql) => {
    const { folder } = folderWith(20);
    using _folder = folder;
    const files = folder.open();
    files.log.database.exec(sql);
    folder.close(files);
    const before = readFileSync(folder.logFile);
    const opened = folder.tryOpen();
    expect(E.isLeft(opened) && opened.left._tag).toBe(tag);
    expect(readFileSync(folder.logFile).equals(before)).toBe(true);
    expect(folder.setAside()).toEqual([]);
  });

  test("refused, leaves no other file open: the folder can be opened once it is put right", () => {
    const { folder } = folderWith(20);
    using _folder = folder;
    const sound = readFileSync(folder.logFile);
    const files = folder.open();
    files.log.database.exec("PRAGMA user_version = 99");
    folder.close(files);
    expect(E.isLeft(folder.tryOpen())).toBe(true);
    writeFileSync(folder.logFile, sound);
    const again = folder.tryOpen();
    expect(E.isLeft(again) && again.left._tag).toBe(false);
    if (E.isRight(again)) folder.close(again.right);
  });

  test("of a later version that was killed: its WAL is unchanged too", () => {
    const { folder } = folderWith(20);
    using _folder = folder;
    const files = folder.open();
    files.log.database.exec("PRAGMA user_version = 99");
    const [log, wal] = [folder.logFile, `${folder.logFile}-wal`].map((path) => readFileSync(path));
    expect(wal?.length).toBeGreaterThan(0);
    folder.close(files);
    writeFileSync(folder.logFile, log ?? "");
    writeFileSync(`${folder.logFile}-wal`, wal ?? "");
    const opened = folder.tryOpen();
    expect(E.isLeft(opened) && opened.left._tag).toBe("DatabaseNewer");
    expect(readFileSync(folder.logFile).equals(log ?? Buffer.alloc(0))).toBe(true);
    expect(readFileSync(`${folder.logFile}-wal`).equals(wal ?? Buffer.alloc(0))).toBe(true);
  });
});

describe("the state", () => {
  test("that is ahead of its logs is folded anew", () => {
    const { folder } = folderWith(20);
    using _folder = folder;
    writeFileSync(folder.logFile, "");
    const files = folder.open();
    expect(noticeTags(files)).toContain("StateFoldedAnew");
    expect(files.state.heads.size).toBe(0);
    expect([...files.state.entriesAfter("")]).toEqual([]);
    folder.close(files);
  });

  test("is the same whether it was kept or folded anew", () => {
    const { folder } = folderWith(300);
    using _folder = folder;
    const kept = folder.open();
    const { digest } = kept.state;
    folder.close(kept);
    writeFileSync(folder.stateFile, "garbage ".repeat(1_000));
    const anew = folder.open();
    expect(noticeTags(anew)).toEqual(["StateFoldedAnew"]);
    expect(anew.state.digest).toBe(digest);
    folder.close(anew);
  });

  test("of a body that was lost with a damaged log stays as it was folded", () => {
    const { folder, maker, before } = folderWith(40);
    using _folder = folder;
    const kept = folder.open();
    const { digest } = kept.state;
    folder.close(kept);
    const body = Buffer.from(before.get(`${toHex(maker.id)}/17`)?.body ?? "", "hex");
    flipByte(folder.logFile, body, 30);
    const files = folder.open();
    expect(files.state.digest).toBe(digest);
    folder.close(files);
  });

  test("keeps a second process out of the folder", () => {
    const { folder } = folderWith(3);
    using _folder = folder;
    const files = folder.open();
    const second = folder.tryOpen();
    expect(E.isLeft(second) && second.left._tag).toBe("StateLocked");
    folder.close(files);
    folder.close(folder.open());
  });
});
