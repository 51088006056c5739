/** Refusals in words for an operator: made here, once, at the edge. */
import type { CarriedError } from "#core/carried/carried-state.ts";
import * as E from "fp-ts/lib/Either.js";
import type { UidError, UidUnfit } from "#core/card/uid.ts";
import { describeCardReadError } from "#core/card/read-card.ts";
import type { Irreversible } from "#core/state/revert.ts";
import type { ControlError } from "#gateway/control/protocol.ts";
import type { CommitError } from "#gateway/ports.ts";
import type { QueryError } from "#gateway/queries/moments.ts";
import type { EmulatedCardError } from "#gateway/reader/emulated/catalogue.ts";
import type { SimulatedTapError } from "#gateway/reader/emulated/simulated-reader.ts";
import type { AppendError } from "#gateway/writer/log-writer.ts";

export const refusal = (code: string, message: string): E.Either<ControlError, never> =>
  E.left({ code, message });

const describeCommitError = (error: CommitError): string =>
  error._tag === "DiskFull"
    ? `the disk is full (${error.detail}): make room, then try again`
    : `the disk failed (${error.detail}): look at the system's log, the SD card may be dying`;

export const describeAppendError = (error: AppendError): string => {
  switch (error._tag) {
    case "NotRecorded":
      return describeCommitError(error.cause);
    case "FateUnknown":
      return `${describeCommitError(error.cause)}; whether it was recorded shows when the disk works again`;
    case "RecordTooLarge":
      return `the record would have ${error.byteCount} bytes; use shorter values`;
    case "RecordUnreadable":
      return "a name or value holds what can't be recorded, such as a byte order mark or too many writes";
    case "AppendQueueFull":
      return "the disk has stalled and too many records wait for it";
    case "LogClosed":
      return "the gateway is stopping";
  }
};

export const describeUidError = (error: UidError): string =>
  error._tag === "UidNotHex"
    ? `"${error.text}" is not hexadecimal`
    : `a UID has 4, 7 or 10 bytes, not ${error.byteCount}`;

/** Why a card can't be enrolled, and what to do instead. */
export const describeUnfit = (unfit: UidUnfit): string =>
  unfit === "random"
    ? "this UID is made anew at every tap (phones do that), so it can't name a device; use a tag, a card with a fixed UID, or a phone with an app for tapmesh"
    : "this UID is shared by many phones and copied cards, so it can't name a device; use another tag";

export const describeSimulatedTapError = (error: SimulatedTapError): string => {
  switch (error._tag) {
    case "ReaderUnknown":
      return error.readersKnown.length === 0
        ? "this gateway has no reader with driver: simulated; real readers are tapped by hand"
        : `no such simulated reader; there is ${error.readersKnown.join(", ")}`;
    case "ReaderNotRunning":
      return "the reader is not running";
    case "CardInField":
      return "a card is still in the reader's field; try again in a moment";
    case "CardUnread":
      return describeCardReadError(error.error);
  }
};

export const describeEmulatedCardError = (error: EmulatedCardError): string => {
  switch (error._tag) {
    case "CardNameUnknown":
      return `no emulated card is called "${error.name}"; there are ${error.namesKnown.join(", ")}`;
    case "CardUidSizeWrong":
      return `this card has a UID of ${error.byteCountsNeeded.join(" or ")} bytes, not ${error.byteCount}`;
    case "CardNdefTooLarge":
      return `the message has ${error.byteCount} bytes; this card holds ${error.byteCountMax}`;
  }
};

export const describeQueryError = (error: QueryError): string => {
  switch (error._tag) {
    case "DeviceUnknown":
      return `no device is called "${error.device}"; "tapmesh device list" shows them`;
    case "EpochUnknown":
      return `no epoch begins with ${error.epoch}; "tapmesh log show" names records, such as 28cf/3`;
    case "EpochAmbiguous":
      return `${error.count} epochs begin with ${error.epoch}; "tapmesh log show --json" has them in full`;
    case "RecordUnknown":
      return `epoch ${error.epoch} has ${error.size} records here, numbered from 0`;
    case "PastNotKept":
      return "this gateway keeps the records of some gateways only, so it can't tell the past; ask one that keeps all";
  }
};

export const queryRefusal = (error: QueryError): E.Either<ControlError, never> => {
  const codes = {
    DeviceUnknown: "device-unknown",
    EpochUnknown: "epoch-unknown",
    EpochAmbiguous: "epoch-ambiguous",
    RecordUnknown: "record-unknown",
    PastNotKept: "past-not-kept",
  } as const;
  return refusal(codes[error._tag], describeQueryError(error));
};

/** Why a key stays as it is, whatever one would have. */
export const describeIrreversible = (irreversible: Irreversible): string => {
  switch (irreversible) {
    case "high-water":
      return "a high-water mark never goes back";
    case "revoked":
      return "revoked can't be lifted: give the thing another device";
    case "conflict-then":
      return "two values stood against each other then, which can't be said again: set one";
    case "counter-far":
      return "too far away to count back";
    case "not-kept":
      return "what stood before isn't kept here: set it by hand";
  }
};

/** Why what a tag carries is not believed. */
export const describeCarriedError = (error: CarriedError): string => {
  switch (error._tag) {
    case "CarriedMalformed":
      return "it is damaged";
    case "CarriedVersionUnknown":
      return "a later version of tapmesh wrote it";
    case "CarriedSignerUnknown":
      return "no gateway of this fleet, as far as the roster here goes, has stated it";
    case "CarriedSignerInactive":
      return `${error.gateway} has stated it, which is retired or revoked`;
    case "CarriedSignatureWrong":
      return "it was altered, or copied from another tag";
  }
};
