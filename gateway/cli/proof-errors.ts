/** Why a proof proves nothing, in words. */
import type { ProofError } from "#core/log/proof.ts";
import {
  describeCheckpointError,
  describeEpochError,
  describeRecordError,
} from "#gateway/cli/epoch-errors.ts";
import { describeRosterError } from "#gateway/cli/start-errors.ts";

export const describeProofError = (error: ProofError): string => {
  switch (error._tag) {
    case "ProofMalformed":
      return `it is no proof (${error.detail})`;
    case "ProofOpenBad":
      return `the epoch's first record: ${describeEpochError(error.cause)}`;
    case "ProofCheckpointBad":
      return describeCheckpointError(error.cause);
    case "ProofRecordBad":
      return `the record: ${describeRecordError(error.cause)}`;
    case "ProofPathWrong":
      return `record ${error.seq} is not in the log that was signed`;
    case "ProofRosterMissing":
      return "it carries no roster, so the fleet's key can't say whose gateway it is";
    case "ProofRosterBad":
      return `the roster in it: ${describeRosterError(error.cause)}`;
    case "ProofGatewayForeign":
      return `the roster doesn't list the gateway "${error.gateway}" with the key that signed`;
    case "ProofRecordCut":
      return `it is in the log, but by the roster only the first ${error.size} records of that epoch count: its gateway's key was revoked`;
  }
};
