/** Why a card could not be written, and the words for it. */
import { type CardReadError, describeCardReadError } from "#core/card/card-read-error.ts";
import type { PlanError } from "#core/card/write-plan.ts";

export type CardWriteError =
  | PlanError
  /** Nothing was written: what is there could not even be read. */
  | { readonly _tag: "NotRead"; readonly error: CardReadError }
  /** No card that anyone may put a message on. */
  | { readonly _tag: "NotForNdef" }
  | { readonly _tag: "WriteProtected" }
  /** It stopped after the first write, or before the message was read back. */
  | { readonly _tag: "NotWritten"; readonly error: CardReadError; readonly force: boolean }
  | { readonly _tag: "ReadBackDiffers" };

const stateOf = (force: boolean): string =>
  force
    ? "The tag may be empty now; what it held before may be gone."
    : "The tag still holds its old message, or the new one, whole.";

/** What happened, and what to do. Holds no UID. */
export const describeCardWriteError = (error: CardWriteError): string => {
  switch (error._tag) {
    case "NotRead":
      return `Nothing was written. ${describeCardReadError(error.error)}`;
    case "NotForNdef":
      return "Nothing was written: this card can't carry a message, or was never made ready for one. Use an NTAG213, NTAG215 or NTAG216.";
    case "WriteProtected":
      return "Nothing was written: the tag is locked against writing, and that can't be undone. Use another tag.";
    case "MessageTooLarge":
      return `Nothing was written: the message has ${error.byteCount} bytes, and this tag holds ${error.byteCountMax}. Write a shorter one, or use a larger tag.`;
    case "NotInOneStroke":
      return "Nothing was written: this tag has no room for the old message and the new one at once, so it would be empty if it were taken away half-way. If that is no harm, do it again with --force.";
    case "LayoutUnknown":
      return "Nothing was written: this tag's memory is laid out in a way that is not known here. Use an NTAG213, NTAG215 or NTAG216.";
    case "NotWritten":
      return `${stateOf(error.force)} ${describeCardReadError(error.error)} Then write it again.`;
    case "ReadBackDiffers":
      return "The tag was written, but reads otherwise: it is worn out or no honest tag. Use another.";
  }
};
