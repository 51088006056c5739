/** A record as the fold sees it: decoded, and named by its place. */
import * as E from "fp-ts/lib/Either.js";
import { decodeBody } from "#core/log/body.ts";
import type { WriteName } from "#core/log/operation.ts";
import { decodeHeader, type RecordBytes } from "#core/log/record.ts";
import type { FoldedRecord } from "#core/state/fold.ts";

/** Of a record that was verified before it was stored; a header that doesn't decode is a record that says nothing. */
export const toFoldedRecord = (record: RecordBytes, name: WriteName): FoldedRecord => {
  const { epoch, seq } = name;
  const header = decodeHeader(record.header);
  if (E.isLeft(header)) return { epoch, seq, wallMs: 0, monoMs: 0, body: undefined };
  const { kind, wallMs, monoMs } = header.right;
  const body = record.body === null ? undefined : decodeBody(kind, record.body);
  const isKnown = body !== undefined && E.isRight(body);
  return { epoch, seq, wallMs, monoMs, body: isKnown ? body.right : undefined };
};
