import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { getDataUid } from "#core/card/apdu.ts";
import { SCOPE_UID } from "#core/card/read-card.ts";
import { type CardInReader, inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { emulatedMifareClassic } from "#gateway/reader/emulated/mifare-classic.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import type { ChildMessage } from "#gateway/reader/pcsc/messages.ts";
import { createSession } from "#gateway/reader/pcsc/session.ts";

const PRESENT = 0x20;
const EMPTY = 0x10;

test("an APDU meant for one card is never sent to the next", async () => {
  const sent: string[] = [];
  const messages: ChildMessage[] = [];
  let card: CardInReader = inPcscReader(emulatedNtag215({}));
  const hardware = {
    name: "reader",
    ask: () => Promise.resolve(),
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    transmit: (apdu: Uint8Array) => {
      sent.push(toHex(apdu));
      return Promise.resolve(card.transmit(apdu));
    },
  };
  const session = createSession(
    hardware,
    () => 0,
    (message) => void messages.push(message),
  );
  const status = (state: number, monoMs: number): void =>
    session.onStatus({ state, atr: card.atr, wallMs: 0, monoMs });
  const answers = async (count: number): Promise<ReadonlyArray<string>> => {
    for (;;) {
      const done = messages.filter((message) => message._tag === "ExchangeDone");
      if (done.length === count) return done.map(({ response }) => toHex(response));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  session.begin();
  session.use(SCOPE_UID);
  status(EMPTY, 1);
  status(PRESENT, 2);
  session.exchange(1, 2, getDataUid());
  expect(await answers(1)).toEqual(["04a1b2c3d46c809000"]);

  card = inPcscReader(emulatedMifareClassic({}));
  status(EMPTY, 3);
  status(PRESENT, 4);
  const write = Uint8Array.of(0xff, 0xd6, 0, 4, 4, 1, 2, 3, 4);
  session.exchange(2, 2, write); // whoever asks has not heard of the swap yet
  session.exchange(3, 4, getDataUid());
  expect(await answers(3)).toEqual(["04a1b2c3d46c809000", "", "3ba17c5e9000"]);
  expect(sent).not.toContain(toHex(write));
});
