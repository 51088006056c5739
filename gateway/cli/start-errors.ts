/** Why a gateway can't start, in words with what to do about it. */
import type { BrokerError } from "#broker/embedded.ts";
import type { RosterError } from "#core/trust/roster.ts";
import type { FleetFileError } from "#gateway/fleet-files.ts";
import type { StoreNotice, StoreOpenError } from "#gateway/store/messages.ts";
import type { FleetFolderError } from "#provisioning/roster/fleet-folder.ts";

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

const ROSTER_HINT =
  "copy fleet.pub, card.key and roster.txt from the fleet folder that `tapmesh roster init` made";

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
    case "GatewayListed":
      return `the roster has a gateway "${error.gateway}" already`;
    case "NothingToSign":
      return `nothing waits to be signed; "tapmesh roster add" makes a draft`;
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

export const describeNotice = (notice: StoreNotice): string =>
  notice._tag === "LogSetAside"
    ? `${notice.path} was damaged (${notice.detail}): set aside as ${notice.movedTo}, ${notice.kept} records that verify were kept`
    : `the state was folded anew from the log: ${notice.detail}`;

export const describeBrokerError = (error: BrokerError): string =>
  error._tag === "PortInUse"
    ? `port ${error.port} on ${error.host} is in use: another broker or gateway runs there`
    : `can't listen on ${error.host}:${error.port} (${error.code})`;
