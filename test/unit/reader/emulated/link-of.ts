/** The link that a card shows at a tap. */
import * as E from "fp-ts/lib/Either.js";
import { decodeNdef } from "#core/card/ndef.ts";
import { SCOPE_NDEF } from "#core/card/read-card.ts";
import { decodeUri } from "#core/card/well-known.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { readEmulated } from "#gateway/reader/emulated/read-emulated.ts";

/** Empty where it shows none. */
export const linkOf = (card: EmulatedCard): string => {
  const read = readEmulated(inPcscReader(card), SCOPE_NDEF);
  const ndef = E.isRight(read) ? read.right.ndef : null;
  const records = ndef === null ? undefined : decodeNdef(ndef);
  const [record] = records !== undefined && E.isRight(records) ? records.right : [];
  const uri = record === undefined ? undefined : decodeUri(record);
  return uri !== undefined && E.isRight(uri) ? uri.right : "";
};
