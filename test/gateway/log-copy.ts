/** Looks into a log file by the store's own reading, on a copy, so that the running gateway is left alone. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { decodeBody, type Body } from "#core/log/body.ts";
import { decodeHeader } from "#core/log/record.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { openLogFile } from "#gateway/store/schema.ts";
import { verifyStoredEpoch, type EpochReport } from "#gateway/store/verify-file.ts";
import { right } from "#test/gateway/fleet.ts";

export interface LoggedRecord {
  readonly epoch: string;
  readonly seq: number;
  readonly header: string;
  /** Null where it is lost, or of a later version. */
  readonly body: Body | null;
}

export interface LogCopy {
  readonly reports: ReadonlyArray<EpochReport>;
  readonly records: ReadonlyArray<LoggedRecord>;
}

const read = (log: LogFile): LogCopy => {
  const epochs = log.epochs();
  const records = epochs.flatMap(({ head }) =>
    [...log.records(head.epoch, 0, head.range.size)].map(({ header, body }, seq) => {
      const decoded = right(decodeHeader(header));
      const content = body === null ? null : decodeBody(decoded.kind, body);
      return {
        epoch: toHex(head.epoch),
        seq,
        header: toHex(header),
        body: content !== null && E.isRight(content) ? content.right : null,
      };
    }),
  );
  return { records, reports: epochs.map((stored) => verifyStoredEpoch(log, stored)) };
};

/** The file must not be written to meanwhile: its process has ended. */
export const readLogCopy = (path: string): LogCopy => {
  const folder = mkdtempSync(join(tmpdir(), "tapmesh-log-"));
  try {
    const copy = join(folder, "log.db");
    for (const suffix of ["", "-wal"]) {
      if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
    }
    const database = right(openLogFile(copy));
    try {
      return read(new LogFile(database));
    } finally {
      database.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
