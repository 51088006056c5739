import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { readSun, type SunSecrets, sunSecretsOf } from "#core/card/sun.ts";
import { nodeAes as aes } from "#gateway/node-crypto.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { NTAG424 } from "#gateway/reader/emulated/ntag424.ts";
import { linkOf } from "#test/unit/reader/emulated/link-of.ts";

const sunOf = (card: EmulatedCard, secrets: SunSecrets): unknown =>
  readSun({ ndefUri: linkOf(card), secrets, aes });

test("each tap gives another link, with the card's UID and the next count", () => {
  const secrets = sunSecretsOf(aes, new Uint8Array(16).fill(7));
  const card = NTAG424.make({ counter: 0x0102fe, sunSecrets: secrets });
  const uid = toHex(card.uid).toUpperCase();
  expect(sunOf(card, secrets)).toEqual(E.right({ uid, counter: 0x0102ff }));
  expect(sunOf(card, secrets)).toEqual(E.right({ uid, counter: 0x010300 }));
  expect(sunOf(card, sunSecretsOf(aes, new Uint8Array(16)))).toEqual(
    E.left({ _tag: "SunMacWrong" }),
  );
});

test("the link of another tag is not taken for this one's", () => {
  const secrets = sunSecretsOf(aes, new Uint8Array(16));
  const [first, second] = [0x91, 0x92].map((last) =>
    NTAG424.make({ uid: Uint8Array.of(4, 1, 2, 3, 4, 5, last) }),
  );
  if (first === undefined || second === undefined) throw new Error("two cards were made");
  const [picc] = /picc_data=\w+/.exec(linkOf(first)) ?? [""];
  const crossed = linkOf(second).replace(/picc_data=\w+/, picc);
  expect(readSun({ ndefUri: crossed, secrets, aes })).toEqual(E.left({ _tag: "SunMacWrong" }));
});
