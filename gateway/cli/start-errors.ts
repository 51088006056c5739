/** Why a gateway can't start, in words with what to do about it. */
import type { BrokerError } from "#broker/embedded.ts";
import { EPOCH_RECORDS_MAX } from "#core/log/epoch.ts";
import type { JoinRequestError } from "#core/trust/join-request.ts";
import { CUTS_COUNT_MAX, type RosterError } from "#core/trust/roster.ts";
import type { FleetFileError } from "#gateway/fleet/fleet-files.ts";
import type { BackupError } from "#gateway/store/backup.ts";
import type { StoreNotice, StoreOpenError } from "#gateway/store/messages.ts";
import type { FleetFolderError } from "#provisioning/roster/fleet-files.ts";
import type { RosterChangeError } from "#provisioning/roster/roster-changes.ts";

export const describeRosterError = (error: RosterError): string => {
  switch (error._tag) {
    case "NoteMalformed":
    case "NoteKeyMalformed":
      return `it is no signed text (${error.detail})`;
    case "NoteNotSigned":
      return `it is not signed by the fleet key of "${error.name}"`;
    case "NoteSignatureWrong":
      return `it was changed after it was signed by "${error.name}"`;
    case "RosterMalformed":
      return `line ${error.line}: ${error.detail}`;
    case "RosterForeign":
      return `it belongs to the fleet "${error.fleet}"`;
  }
};

export const describeJoinRequestError = (error: JoinRequestError): string => {
  switch (error._tag) {
    case "NoteMalformed":
    case "NoteKeyMalformed":
      return `it is no signed text (${error.detail})`;
    case "NoteNotSigned":
      return "it is not signed by the key in it";
    case "NoteSignatureWrong":
      return "it was changed after it was signed";
    case "JoinRequestMalformed":
      return `line ${error.line}: ${error.detail}`;
  }
};

const ROSTER_HINT =
  "copy fleet.pub, card.key, roster.txt and (for readers with level: sun) sun.key from the fleet folder that `tapmesh roster init` made";

export const describeFleetFileError = (error: FleetFileError): string => {
  switch (error._tag) {
    case "FileMissing":
      return `${error.what} is missing (${error.path}): ${ROSTER_HINT}`;
    case "FileUnreadable":
      return `${error.path} can't be used: ${error.detail}`;
    case "FileMalformed":
      return `${error.path} is damaged or no such file: it should hold ${error.what}; put back a good copy`;
    case "RosterRefused":
      return `the roster ${error.path} is refused: ${describeRosterError(error.cause)}; ${ROSTER_HINT}`;
  }
};

const describeRosterChangeError = (error: RosterChangeError): string => {
  switch (error._tag) {
    case "GatewayListed":
      return `the roster has a gateway "${error.gateway}" already`;
    case "GatewayUnlisted":
      return `the roster has no gateway "${error.gateway}"; "tapmesh roster show" lists them`;
    case "KeyUsedUp":
      return `that key of "${error.gateway}" is ${error.status} and stays so; move gateway.key and gateway.pub out of the gateway's data directory: it makes a new key at its next start`;
    case "NameTaken":
      return `a gateway "${error.gateway}" is at work already, with another key: give the new one another name, or, if it takes the place of that one, make its request for a restore`;
    case "RequestForeign":
      return `the request is for the fleet "${error.fleet}", and this is "${error.expected}"`;
    case "NoSuchKey":
      return `"${error.gateway}" has no ${error.what}; "tapmesh roster show" lists its keys`;
    case "EpochUnknown":
      return `"${error.epoch}" is neither an epoch (32 hex digits) nor the beginning of one that is cut; "tapmesh roster show" lists them`;
    case "CutNotRaised":
      return `${error.size} records of epoch ${error.epoch} count already; give a larger number, at most ${EPOCH_RECORDS_MAX}`;
    case "TooManyCuts":
      return `a roster takes ${CUTS_COUNT_MAX} cuts, and this would be ${error.count}`;
  }
};

export const describeFleetFolderError = (error: FleetFolderError): string => {
  switch (error._tag) {
    case "FleetExists":
      return `${error.path} exists already: keys are never overwritten; use another folder`;
    case "FleetFileMissing":
      return `${error.path} is missing: is this the fleet's folder? "tapmesh roster init" makes one`;
    case "FleetFileMalformed":
      return `${error.path} is damaged: put back a good copy`;
    case "RosterInvalid":
      return `the roster ${error.path} is refused: ${describeRosterError(error.cause)}`;
    case "NothingToSign":
      return `nothing waits to be signed; "tapmesh roster add" makes a draft`;
    case "KeyMissing":
      return `${error.path} is missing: put it back for this, from where it is kept`;
    case "SuccessorForeign":
      return `${error.path} is not the key that the roster names as the next one: put back the one that was set aside`;
    case "ChangeRefused":
      return describeRosterChangeError(error.cause);
  }
};

export const describeStoreError = (error: StoreOpenError): string => {
  switch (error._tag) {
    case "DatabaseNewer":
      return `${error.path} was written by a later tapmesh (format ${error.version}); nothing was changed; install that version`;
    case "DatabaseForeign":
      return `${error.path} is a SQLite file, but not tapmesh's; nothing was changed; move it away or name another data_dir`;
    case "DatabaseCorrupt":
    case "DatabaseUnopenable":
      return `${error.path} can't be opened: ${error.detail}`;
    case "StateLocked":
      return `another gateway runs on this data directory (${error.path} is locked); stop it first`;
    case "StateUnusable":
      return `${error.path} can't be made anew: ${error.detail}`;
  }
};

/** Anything that can keep `tapmesh run` from running. */
export const describeStartError = (
  error: FleetFileError | FleetFolderError | StoreOpenError,
): string => {
  if (isFleetFileError(error)) return describeFleetFileError(error);
  return isFleetFolderError(error) ? describeFleetFolderError(error) : describeStoreError(error);
};

type AnyStartError = FleetFileError | FleetFolderError | StoreOpenError;

const isFleetFileError = (error: AnyStartError): error is FleetFileError =>
  error._tag.startsWith("File") || error._tag === "RosterRefused";

const isFleetFolderError = (
  error: Exclude<AnyStartError, FleetFileError>,
): error is FleetFolderError =>
  !error._tag.startsWith("Database") && !error._tag.startsWith("State");

export const describeNotice = (notice: StoreNotice): string => {
  switch (notice._tag) {
    case "LogSetAside":
      return `${notice.path} was damaged (${notice.detail}): set aside as ${notice.movedTo}, ${notice.kept} records that verify were kept`;
    case "StateFoldedAnew":
      return `the state was folded anew from the log: ${notice.detail}`;
    case "SnapshotWrong":
      return `the snapshot that this gateway began with was wrong (${notice.detail}): the state was folded anew from the log`;
  }
};

export const describeBackupError = (error: BackupError): string => {
  switch (error._tag) {
    case "BackupExists":
      return `${error.path} exists already: nothing is written over; name another file`;
    case "BackupNothing":
      return `there is no log in ${error.path}: no gateway has run with this configuration yet`;
    case "BackupUnwritable":
      return `${error.path} can't be written: ${error.detail}`;
    case "BackupMissing":
      return `${error.path}: there is no such file`;
    case "BackupDamaged":
      return `${error.path} is damaged (${error.detail}); nothing of it was used; "tapmesh log verify" shows what is good in it`;
    case "BackupForeign":
      return `${error.path} is a backup of the fleet "${error.fleet}", not of this one`;
    case "DirectoryNotBlank":
      return `there are records in ${error.path} already; a backup goes to a blank machine`;
    case "DatabaseForeign":
      return `${error.path} is a SQLite file, but not tapmesh's`;
    case "DatabaseNewer":
    case "DatabaseCorrupt":
    case "DatabaseUnopenable":
      return describeStoreError(error);
  }
};

export const describeBrokerError = (error: BrokerError): string =>
  error._tag === "PortInUse"
    ? `port ${error.port} on ${error.host} is in use: another broker or gateway runs there`
    : `can't listen on ${error.host}:${error.port} (${error.code})`;
