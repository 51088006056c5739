import { expect, test } from "vitest";
import { SCOPE_UID } from "#core/card/read-card.ts";
import { hear, unboundReaders } from "#gateway/reader/pcsc/bound-readers.ts";

test("a reader that the child says is up once more was up: nothing is told, and its card stays", () => {
  const name = "ACS ACR122U PICC Interface 00 00";
  const found = hear(
    unboundReaders([{ id: "door", match: null, scope: SCOPE_UID }]),
    { _tag: "HardwareFound", name },
    0,
  );
  const up = hear(found.readers, { _tag: "ReaderUp", name }, 0);
  expect(up.effects).toMatchObject([{ _tag: "Emit", event: { _tag: "ReaderUp" } }]);
  const again = hear(up.readers, { _tag: "ReaderUp", name }, 0);
  expect(again).toEqual({ readers: up.readers, effects: [] });
});
