import * as fc from "fast-check";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { concatBytes, toHex } from "#core/bytes.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { rounds } from "#test/long.ts";
import { hex } from "#test/unit/core/card/hex.ts";
import {
  NONE,
  uri,
  messageOf,
  make,
  lookAt,
  prepared,
  write,
  NAMES,
  payload,
  message,
  smallMessage,
  everyPull,
} from "#test/unit/core/card/write-runs.ts";

describe.each(NAMES)("%s", (name) => {
  test("pulled away at any command, it holds the old message or the new one", () => {
    fc.assert(
      fc.property(smallMessage, message, (before, after) => {
        const start = (): EmulatedCard => make(name, before);
        const card = start();
        const { written } = write(card, { message: after });
        const refusal = E.isLeft(written) ? written.left._tag : "none";
        expect(["none", "NotInOneStroke", "MessageTooLarge"]).toContain(refusal);
        expect(lookAt(card)).toBe(toHex(refusal === "none" ? after : before));
        if (refusal === "none") {
          everyPull(start, { message: after }, [toHex(before), toHex(after)]);
        }
      }),
      { numRuns: rounds(12, 200) },
    );
  });

  test("so it is after any number of writes that were broken off before", () => {
    const step = fc.record({ message, at: fc.nat({ max: 60 }), isDone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        const card = make(name, NONE);
        let before = "";
        for (const { message: after, ...pull } of steps) {
          write(card, { message: after }, pull);
          const now = lookAt(card);
          expect([before, toHex(after)]).toContain(now);
          before = now;
        }
      }),
      { numRuns: rounds(40, 1_000) },
    );
  });

  test("with force it may be empty in between, but never a mixture", () => {
    fc.assert(
      fc.property(smallMessage, message, (before, after) => {
        const start = (): EmulatedCard => make(name, before);
        const { written } = write(start(), { message: after, force: true });
        const refusal = E.isLeft(written) ? written.left._tag : "none";
        expect(["none", "MessageTooLarge"]).toContain(refusal);
        if (refusal !== "none") return;
        everyPull(start, { message: after, force: true }, [toHex(before), "", toHex(after)]);
      }),
      { numRuns: rounds(12, 200) },
    );
  });

  test("a message that is there already is not written again", () => {
    const card = make(name, NONE);
    const url = uri("https://tapmesh.example/tag/7");
    expect(write(card, { message: url }).written).toMatchObject({ _tag: "Right" });
    const again = write(card, { message: url }).written;
    expect(E.isRight(again) && again.right.writeCount).toBeLessThanOrEqual(1);
    expect(lookAt(card)).toBe(toHex(url));
  });

  test("an erased card holds none, and nothing of the old one", () => {
    const secret = hex("5EC2E75EC2E75EC2E7");
    const card = make(name, messageOf(concatBytes(secret, secret)));
    expect(E.isRight(write(card, { message: NONE }).written)).toBe(true);
    expect(lookAt(card)).toBe("");
    const pages = Array.from({ length: 12 }, (_, page) => Uint8Array.of(0x30, page));
    const file = ["00A4040007D276000085010100", "00A4000C02E104", "00B0000030"].map(hex);
    const seen = [...pages, ...file].map((command) => toHex(card.exchange(command) ?? NONE)).join();
    expect(seen).not.toContain("5ec2e7");
    expect(seen).toMatch(/[0-9a-f]{32}/); // one of both was answered
  });
});

test("keeps the old message or the new one wherever the old one began", () => {
  const blocks = ["00", "0000", "000000", "FD0103", "FD00", "FD05030100FE00", "000000FD00"];
  const locks = ["0103A00C34", "0103A00C3400", "0103A00C340000"]; // right on an NTAG213 alone
  const places = [
    ...[...blocks, ...locks].map((first) => ["ntag213", first] as const),
    ...[...blocks, "0103880806"].map((first) => ["ntag215", first] as const),
  ];
  const longer = payload(280).map(messageOf);
  const cases = fc.tuple(fc.constantFrom(...places), smallMessage, fc.oneof(message, longer));
  let writtenCount = 0;
  fc.assert(
    fc.property(cases, ([[name, first], before, after]) => {
      const start = (): EmulatedCard => prepared(name, hex(first), before);
      expect(lookAt(start())).toBe(toHex(before));
      for (const force of [false, true]) {
        const { written } = write(start(), { message: after, force });
        const allowed = [toHex(before), toHex(after), ...(force ? [""] : [])];
        if (E.isRight(written)) {
          writtenCount += 1;
          everyPull(start, { message: after, force }, allowed);
        }
      }
    }),
    { numRuns: rounds(40, 1_000) },
  );
  expect(writtenCount).toBeGreaterThan(rounds(40, 1_000));
});
