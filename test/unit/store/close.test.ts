import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import { openStore } from "#gateway/store/client.ts";
import { EpochMaker, tapOf } from "#test/contract/epoch-maker.ts";
import { DataFolder } from "#test/unit/store/data-folder.ts";

/** As a gateway that stops is still asked by its peers. */
test("what reaches the store behind its close is neither answered nor a fault", async () => {
  using folder = new DataFolder();
  const deaths: Error[] = [];
  const opened = await openStore({
    directory: folder.path,
    wallMs: 0,
    onFolded: () => undefined,
    onDeath: (error) => void deaths.push(error),
  });
  if (E.isLeft(opened)) throw new Error(opened.left._tag);
  const { store } = opened.right;
  const maker = new EpochMaker("lobby");
  const peer = new EpochMaker("dock");
  expect(E.isRight(await store.commit(maker.open()))).toBe(true);
  const answered: string[] = [];
  const ask = (name: string, answer: Promise<unknown>): void =>
    void answer.then(() => answered.push(name));
  const closed = store.close();
  ask("range", store.range(maker.id, 0));
  ask("records", store.records(maker.id, 0, 1));
  ask("epochs", store.epochs());
  ask("digest", store.digest());
  ask("entries", store.entries("cart-1"));
  ask("commit", store.commit(maker.add(tapOf("cart-1"))));
  ask("mirror", store.mirror(peer.open(), true));
  ask("cut", store.cut(new Map()));
  ask("reopen", store.reopen());
  ask("close", store.close());
  await closed;
  expect(deaths).toEqual([]);
  expect(answered).toEqual([]);
  const files = folder.open();
  expect(files.log.epoch(maker.id)?.head.range.size).toBe(1);
  expect(files.state.foldedSize(maker.id)).toBe(1);
  folder.close(files);
});
