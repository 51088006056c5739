import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "#core/bytes.ts";
import type { Target } from "#core/reader/pn532/commands.ts";
import { carryApdu } from "#core/reader/pn532/firmware.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { FakeChip } from "#test/pn532/fake-chip.ts";

const bytesOf = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(0);

/** A card in the field of a chip that was set up and has listed it. */
class Held {
  readonly chip: FakeChip = new FakeChip();
  readonly asked: string[] = [];
  readonly target: Target;
  isChipDead = false;

  constructor(card: EmulatedCard) {
    this.chip.field.hold(card, {});
    for (const setUp of ["14011401", "3205ff0103", "4a0200"]) this.chip.carryOut(bytesOf(setUp));
    this.target = { ...card, number: 1 };
  }

  apdu(hex: string): string {
    return toHex(this.carry(bytesOf(hex)));
  }

  carry(apdu: Uint8Array): Uint8Array {
    const flow = carryApdu(this.target, apdu);
    let step = flow.next(null);
    while (step.done !== true) {
      this.asked.push(toHex(step.value));
      const outcome = this.chip.carryOut(step.value);
      const isAnswer = typeof outcome !== "string" && !this.isChipDead;
      step = flow.next(isAnswer ? outcome.data : null);
    }
    return step.value;
  }
}

describe("as a PC/SC reader would answer", () => {
  test("GET DATA: UID and ATS, from what the chip has found already", () => {
    const held = new Held(emulatedType4({}));
    expect(held.apdu("ffca000000")).toBe("04372b6a114f909000");
    expect(held.apdu("ffca000007")).toBe("04372b6a114f909000");
    expect(held.apdu("ffca000004")).toBe("6c07");
    expect(held.apdu("ffca010000")).toBe("05758060029000");
    expect(held.apdu("ffca020000")).toBe("6a81");
    expect(new Held(emulatedNtag215({})).apdu("ffca010000")).toBe("6a81");
    expect(held.asked).toEqual([]);
  });

  test("READ BINARY and UPDATE BINARY of a Type 2 card, through the chip's MIFARE protocol", () => {
    const held = new Held(emulatedNtag215({}));
    expect(held.apdu("ffb0000310")).toMatch(/^e1103e00[0-9a-f]{24}9000$/);
    expect(held.apdu("ffb0000304")).toBe("e1103e009000");
    expect(held.apdu("ffb000f010")).toBe("6300"); // no such page
    expect(held.apdu("ffb0000311")).toBe("6700");
    held.apdu("ffd6000504aabbccdd");
    expect(held.apdu("ffd6000503aabbcc")).toBe("6700");
    expect(held.asked).toEqual(["40013003", "40013003", "400130f0", "4001a205aabbccdd"]);
  });

  test("native commands by direct transmit: selected first, because the list halts what it finds", () => {
    const held = new Held(emulatedNtag215({}));
    expect(held.apdu("ff00000004d4423003")).toMatch(/^d54300e1103e00[0-9a-f]{24}9000$/);
    expect(held.asked).toEqual(["5401", "423003"]);
    expect(held.apdu("ff00000004d44230f0")).toBe("d543019000"); // NAK: the card's word, not the reader's
    expect(held.apdu("ff00000005d4423003")).toBe("6700");
  });

  test("nothing else reaches the chip by direct transmit", () => {
    const held = new Held(emulatedNtag215({}));
    for (const apdu of ["ff00000002d402", "ff00000005d41400d442", "ff00000004d4323003"]) {
      expect(held.apdu(apdu)).toMatch(/^6[a7]/);
    }
    expect(held.asked).toEqual([]);
  });

  test("what the card is not made for is refused without asking it", () => {
    expect(new Held(emulatedNtag215({})).apdu("00a4040000")).toBe("6e00");
    expect(new Held(emulatedType4({})).apdu("ffb0000310")).toBe("6a81");
    expect(new Held(emulatedType4({})).apdu("ff82000006ffffffffffff")).toBe("6a81");
    expect(new Held(emulatedType4({})).apdu("00a4")).toBe("6700");
  });

  test("no answer where the card is gone or the chip is dead", () => {
    const gone = new Held(emulatedType4({}));
    gone.chip.field.take();
    expect(gone.apdu("00a4040007d276000085010100")).toBe("");
    const taken = new Held(emulatedNtag215({}));
    taken.chip.field.take();
    expect(taken.apdu("ffb0000310")).toBe("6300");
    const dead = new Held(emulatedNtag215({}));
    dead.isChipDead = true;
    for (const apdu of ["ffb0000310", "ffd6000504aabbccdd", "ff00000004d4423003"]) {
      expect(dead.apdu(apdu)).toBe("");
    }
  });
});

test("APDUs and responses of any length go through in parts, whole", () => {
  const apdus = fc.uint8Array({ minLength: 4, maxLength: 1_200 });
  fc.assert(
    fc.property(apdus, fc.uint8Array({ minLength: 2, maxLength: 1_200 }), (sent, back) => {
      const apdu = concatBytes(Uint8Array.of(0x00), sent.subarray(1));
      const seen: string[] = [];
      const exchange = (command: Uint8Array): Uint8Array => {
        seen.push(toHex(command));
        return back;
      };
      const held = new Held({ ...emulatedType4({}), exchange });
      expect(toHex(held.carry(apdu))).toBe(toHex(back));
      expect(seen).toEqual([toHex(apdu)]);
      // With the TFI before it, a frame holds no more.
      expect(Math.max(...held.asked.map((hex) => hex.length / 2))).toBeLessThanOrEqual(264);
    }),
  );
});

test("a card that answers without end is given up", () => {
  const flow = carryApdu(new Held(emulatedType4({})).target, bytesOf("00b0000000"));
  let step = flow.next(null);
  let partCount = 0;
  const endless = concatBytes(Uint8Array.of(0x40), new Uint8Array(262));
  while (step.done !== true && partCount < 1_000) {
    partCount += 1;
    step = flow.next(endless);
  }
  expect(step.value).toHaveLength(0);
  expect(partCount).toBeLessThan(50);
});
