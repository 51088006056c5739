import { fromHex } from "#core/bytes.ts";

/** Bytes of a literal in a test; blanks are for the eye. */
export const hex = (text: string): Uint8Array => {
  const bytes = fromHex(text.replaceAll(" ", ""));
  if (bytes === undefined) throw new Error(`not hex: ${text}`);
  return bytes;
};
