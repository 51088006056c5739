/** Why a card could not be read whole, and the words for it. */
import type { NdefError } from "#core/card/ndef.ts";
import type { TlvError } from "#core/card/tlv.ts";
import type { Type2CapabilityError } from "#core/card/type2.ts";
import type { Type4Error } from "#core/card/type4.ts";
import { hexOf } from "#core/card/uint.ts";

/** The command during which it happened. */
export type CardCommand =
  | "GET DATA"
  | "READ page"
  | "WRITE page"
  | "SELECT application"
  | "SELECT file"
  | "READ BINARY"
  | "UPDATE BINARY"
  | "GET_VERSION"
  | "READ_SIG"
  | "READ_CNT"
  | "PROVE"
  | "GET STATE"
  | "PUT RESULT";

export type Type2Error =
  | Type2CapabilityError
  | TlvError
  | { readonly _tag: "NdefBeyondFirstSector"; readonly byteCount: number };

export type CardReadError =
  /** No answer, or the reader's "operation failed": with hardly an exception the card was taken away. */
  | { readonly _tag: "CardGone"; readonly command: CardCommand }
  /** Not even a status word. */
  | {
      readonly _tag: "ResponseTruncated";
      readonly command: CardCommand;
      readonly byteCount: number;
    }
  /** Success, but not with as many bytes as were asked for. */
  | {
      readonly _tag: "ResponseSizeWrong";
      readonly command: CardCommand;
      readonly byteCount: number;
      readonly byteCountAsked: number;
    }
  | { readonly _tag: "StatusWordNotOk"; readonly command: CardCommand; readonly sw: number }
  | { readonly _tag: "UidSizeUndefined"; readonly byteCount: number }
  | {
      readonly _tag: "NdefTooLarge";
      readonly byteCount: number;
      readonly byteCountMax: number;
    }
  | { readonly _tag: "Type2Unreadable"; readonly error: Type2Error }
  | { readonly _tag: "Type4Unreadable"; readonly error: Type4Error }
  | { readonly _tag: "NdefMalformed"; readonly error: NdefError };

const describeType2Error = (error: Type2Error): string => {
  switch (error._tag) {
    case "Type2VersionUnsupported":
      return `its NDEF version byte is ${hexOf(error.version, 1)}, and only version 1 is known`;
    case "Type2ReadProtected":
      return `its NDEF is protected against reading (access byte ${hexOf(error.access, 1)})`;
    case "TlvTruncated":
      return `its data ends inside the block at byte ${error.at}`;
    case "TlvOverrunsArea":
      return `the block at byte ${error.at} claims ${error.byteCount} bytes, more than the card has`;
    case "ControlTlvLengthWrong":
      return `the control block at byte ${error.at} has ${error.byteCount} bytes instead of 3`;
    case "ReservedAreaInside":
      return `the control block at byte ${error.at} reserves bytes in the midst of the data`;
    case "NdefBeyondFirstSector":
      return `its NDEF reaches to byte ${error.byteCount}, beyond the first 256 pages`;
  }
};

const describeType4Error = (error: Type4Error): string => {
  switch (error._tag) {
    case "CapabilityTooShort":
      return `its capability container has ${error.byteCount} bytes, and 15 are the least`;
    case "Type4VersionUnsupported":
      return `its NDEF version byte is ${hexOf(error.version, 1)}, and only versions 2 and 3 are known`;
    case "MleTooSmall":
      return `it lets ${error.mle} bytes be read at once, and 15 are the least`;
    case "NdefFileControlMissing":
      return `its capability container begins with a block of type ${hexOf(error.type, 1)} and ${error.byteCount} bytes instead of 04 and 6`;
    case "NdefFileIdReserved":
      return `it names ${hexOf(error.fileId, 2)} as its NDEF file, a reserved id`;
    case "Type4ReadProtected":
      return `its NDEF file is protected against reading (access byte ${hexOf(error.access, 1)})`;
    case "NlenOverrunsFile":
      return `its NDEF message claims ${error.nlen} bytes in a file of ${error.fileByteCount}`;
  }
};

const describeNdefError = (error: NdefError): string => {
  switch (error._tag) {
    case "MessageBeginMisplaced":
      return `the record at byte ${error.at} is marked wrongly as first or not first`;
    case "MessageEndMissing":
      return "its last record is missing";
    case "BytesAfterMessageEnd":
      return `${error.byteCount} bytes follow its last record`;
    case "RecordChunked":
      return `the record at byte ${error.at} is in chunks, which are not supported`;
    case "RecordTruncated":
      return `the record at byte ${error.at} is longer than the message`;
    case "TnfUndefined":
      return `the record at byte ${error.at} has the undefined type format ${error.tnf}`;
    case "FieldsContradictTnf":
      return `the record at byte ${error.at} has fields that its type format forbids`;
  }
};

/** One sentence or two for an operator: what happened, and what to do. Holds no UID. */
export const describeCardReadError = (error: CardReadError): string => {
  switch (error._tag) {
    case "CardGone":
      return `The card stopped answering at ${error.command}: hold it to the reader until the signal; if that never helps, it may refuse to be read.`;
    case "ResponseTruncated":
      return `The reader answered ${error.command} with ${error.byteCount} byte where at least 2 belong: tap again; if it stays so, replace the reader.`;
    case "ResponseSizeWrong":
      return `The card answered ${error.command} with ${error.byteCount} bytes instead of ${error.byteCountAsked}: tap again; if it stays so, use another card.`;
    case "StatusWordNotOk":
      return `The card refused ${error.command} with status word ${hexOf(error.sw, 2)}: tap again; if it stays so, use another card.`;
    case "UidSizeUndefined":
      return `The card gave a UID of ${error.byteCount} bytes, and only 4, 7 and 10 are defined: use another card.`;
    case "NdefTooLarge":
      return `The card's NDEF message has ${error.byteCount} bytes, and at most ${error.byteCountMax} are read: write a shorter one.`;
    case "Type2Unreadable":
      return `The card's NDEF can't be read: ${describeType2Error(error.error)}. Format it anew, or use another card.`;
    case "Type4Unreadable":
      return `The card's NDEF can't be read: ${describeType4Error(error.error)}. Format it anew, or use another card.`;
    case "NdefMalformed":
      return `The card's NDEF message is broken: ${describeNdefError(error.error)}. Write it anew.`;
  }
};
