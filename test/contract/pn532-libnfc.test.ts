/** That the fake PN532 is like one: Debian's libnfc, which knows nothing of this project, finds cards through it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { FakePn532 } from "#test/pn532/fake-pn532.ts";

const nfcList = async (device: string): Promise<string> => {
  const env = { ...process.env, LIBNFC_DEFAULT_DEVICE: `pn532_uart:${device}:115200` };
  const { stdout } = await promisify(execFile)("nfc-list", ["-t", "1"], { env, timeout: 20_000 });
  return stdout;
};

/** As nfc-list writes bytes: `04  a1  b2`. */
const spaced = (bytes: Uint8Array): string => toHex(bytes).replaceAll(/(..)(?!$)/g, "$1  ");

test.each<{ card: EmulatedCard }>([
  { card: emulatedNtag215({}) },
  { card: emulatedType4({}) },
  { card: emulatedMifareClassic({}) },
])("nfc-list shows UID, ATQA, SAK and ATS of a $card.technology card", async ({ card }) => {
  await using fake = await FakePn532.started();
  fake.hold(card);
  const listed = await nfcList(fake.device);
  expect(listed).toContain("1 ISO14443A passive target(s) found");
  expect(listed).toContain(`ATQA (SENS_RES): ${spaced(card.atqa)}`);
  expect(listed).toMatch(new RegExp(`UID \\(NFCID[13]\\): ${spaced(card.uid)}`));
  expect(listed).toContain(`SAK (SEL_RES): ${spaced(Uint8Array.of(card.sak))}`);
  const ats = card.ats === null ? "" : `ATS: ${spaced(card.ats.subarray(1))}`; // without its length
  expect(listed).toContain(ats);
});
