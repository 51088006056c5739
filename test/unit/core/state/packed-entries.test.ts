import * as fc from "fast-check";
import { expect, test } from "vitest";
import { TYPE } from "#core/log/operation.ts";
import { encodeEntry } from "#core/state/entry-codec.ts";
import type { Entry } from "#core/state/entry.ts";
import { packEntries, unpackEntries } from "#core/state/packed-entries.ts";

const entry: fc.Arbitrary<Entry> = fc
  .record({ device: fc.constantFrom("a", "b", "cart-1"), value: fc.string({ maxLength: 300 }) })
  .filter(({ value }) => !value.startsWith("\u{FEFF}"))
  .map(({ device, value }) => ({
    device,
    key: "note",
    type: TYPE.register,
    content: {
      _tag: "Survivors",
      writes: [{ epoch: new Uint8Array(16), seq: 0, value, wallMs: 1, monoMs: 2 }],
      awaited: [],
    },
  }));

test("what is packed is unpacked, in its order", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
      expect(unpackEntries(packEntries(entries.map(encodeEntry)))).toEqual(entries);
    }),
  );
});
