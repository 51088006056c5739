/** What is wrong with an epoch, in words for whoever checks a log. */
import type { CheckpointError } from "#core/log/checkpoint.ts";
import type { RecordError } from "#core/log/record.ts";
import type { EpochError } from "#core/log/verify-epoch.ts";

export const describeRecordError = (error: RecordError): string => {
  switch (error._tag) {
    case "RecordTooLarge":
      return `it has ${error.byteCount} bytes, more than any record may`;
    case "HeaderUndecodable":
    case "HeaderMalformed":
      return "its header is no record's";
    case "HeaderVersionUnknown":
      return `its header is of version ${error.version}: a later tapmesh is needed`;
    case "SeqWrong":
      return `it stands at ${error.expected} but says ${error.found}`;
    case "PrevDiffers":
      return "it does not follow the record before it";
    case "BodyHashDiffers":
      return "body hash differs";
    case "BodyNotCanonical":
      return "its body is not encoded as tapmesh encodes";
  }
};

export const describeCheckpointError = (error: CheckpointError): string => {
  switch (error._tag) {
    case "NoteMalformed":
    case "NoteKeyMalformed":
    case "CheckpointMalformed":
      return `the checkpoint is malformed (${error.detail})`;
    case "NoteNotSigned":
      return "the checkpoint is not signed by the epoch's key";
    case "NoteSignatureWrong":
      return "the checkpoint's signature is wrong";
  }
};

export const describeEpochError = (error: EpochError): string => {
  switch (error._tag) {
    case "RecordBad":
      return describeRecordError(error.cause);
    case "OpenMissing":
      return "the first record does not open the epoch";
    case "OpenForeign":
      return `the first record belongs elsewhere: it ${error.detail}`;
    case "OpenSignatureWrong":
      return "the first record is not signed by the gateway that it names";
    case "CheckpointBad":
      return describeCheckpointError(error.cause);
    case "SizeDiffers":
      return `${error.signed} records were signed, ${error.found} are there`;
    case "RootDiffers":
      return "the records are not the ones that were signed";
  }
};
