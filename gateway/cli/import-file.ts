/**
 * A list of devices as CSV (RFC 4180): a first line of column names, `device` and `uid` among them. Lists of other
 * systems may have `uid_decimal` or `uid_decimal_reversed` in place of `uid`.
 */
import * as E from "fp-ts/lib/Either.js";
import { plainUid } from "#core/card/uid.ts";
import { uidOfDecimal, type UidDecimalOrder } from "#core/card/uid-views.ts";
import { parseScalar } from "#gateway/cli/scalar.ts";
import type { ImportRow } from "#gateway/control/protocol.ts";
import type { JsonScalar } from "#gateway/queries/values.ts";

export interface ImportError {
  readonly line: number;
  readonly message: string;
}

export const IMPORT_ROWS_MAX = 20_000;

const COLUMN_NAME = /^[a-z][a-z0-9_-]{0,63}$/;

const fail = (line: number, message: string): E.Either<ImportError, never> =>
  E.left({ line, message });

/** The fields of one line; undefined for quotes that don't match up. */
const splitLine = (line: string): ReadonlyArray<string> | undefined => {
  const fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/gy;
  for (;;) {
    const match = pattern.exec(line);
    if (match === null) return undefined;
    const [, quoted, bare, separator] = match;
    fields.push(quoted === undefined ? (bare ?? "").trim() : quoted.replaceAll('""', '"'));
    if (separator === "") return fields;
  }
};

const decimalUid = (field: string, order: UidDecimalOrder): E.Either<string, string> =>
  E.mapLeft(() => `"${field}" is not the decimal number of a UID`)(uidOfDecimal(field, order));

/** By the name of its column, how a UID is written there. */
const UID_COLUMNS: ReadonlyMap<string, (field: string) => E.Either<string, string>> = new Map([
  ["uid", (field) => E.right(field)],
  ["uid_decimal", (field) => decimalUid(field, "first-byte-first")],
  ["uid_decimal_reversed", (field) => decimalUid(field, "last-byte-first")],
]);

const rowOf = (
  columns: ReadonlyArray<string>,
  fields: ReadonlyArray<string>,
  line: number,
): E.Either<ImportError, ImportRow> => {
  if (fields.length !== columns.length) {
    return fail(line, `${fields.length} fields, but ${columns.length} columns`);
  }
  const values: Record<string, JsonScalar> = {};
  let [device, uid] = ["", ""];
  for (const [index, column] of columns.entries()) {
    const field = fields[index] ?? "";
    if (field === "") continue;
    const uidFrom = UID_COLUMNS.get(column);
    if (uidFrom !== undefined) {
      const parsed = uidFrom(field);
      if (E.isLeft(parsed)) return fail(line, parsed.left);
      uid = parsed.right;
    } else if (column === "device") device = field;
    else values[column] = parseScalar(field);
  }
  if (device === "") return fail(line, "the device's name is missing");
  if (uid === "") return fail(line, "the UID is missing");
  return E.right({ line, device, uid, values });
};

const checkColumns = (columns: ReadonlyArray<string>): string | undefined => {
  if (!columns.includes("device")) return 'the first line must name the column "device"';
  const uids = columns.filter((column) => UID_COLUMNS.has(column));
  if (uids.length === 0) {
    return 'the first line must name the column "uid" (or "uid_decimal", "uid_decimal_reversed")';
  }
  if (new Set(uids).size > 1) return `the UID is there twice: ${uids.join(" and ")}`;
  const unfit = columns.find((column) => !COLUMN_NAME.test(column));
  if (unfit !== undefined) {
    return `"${unfit}" can't be a column: a-z first, then a-z, 0-9, "_" and "-"`;
  }
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  return twice === undefined ? undefined : `the column "${twice}" is there twice`;
};

/** Left: the first bad line, and what is wrong with it. Blank lines are passed over. */
export const parseImport = (text: string): E.Either<ImportError, ReadonlyArray<ImportRow>> => {
  const [first = "", ...lines] = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const columns = splitLine(first) ?? [];
  const problem = checkColumns(columns);
  if (problem !== undefined) return fail(1, problem);
  const rows: ImportRow[] = [];
  const seen = new Map<string, number>();
  for (const [index, text_] of lines.entries()) {
    const line = index + 2;
    if (text_.trim() === "") continue;
    const fields = splitLine(text_);
    if (fields === undefined) return fail(line, "quotes don't match up");
    const row = rowOf(columns, fields, line);
    if (E.isLeft(row)) return row;
    for (const name of [`device "${row.right.device}"`, `UID ${plainUid(row.right.uid)}`]) {
      const before = seen.get(name);
      if (before !== undefined) return fail(line, `${name} is on line ${before} already`);
      seen.set(name, line);
    }
    rows.push(row.right);
    if (rows.length > IMPORT_ROWS_MAX)
      return fail(line, `more than ${IMPORT_ROWS_MAX} rows: split the file`);
  }
  return E.right(rows);
};
