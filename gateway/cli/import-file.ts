/** A list of devices as CSV (RFC 4180): a first line of column names, `device` and `uid` among them. */
import * as E from "fp-ts/lib/Either.js";
import { plainUid } from "#core/card/uid.ts";
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
    if (column === "device") device = field;
    else if (column === "uid") uid = field;
    else if (field !== "") values[column] = parseScalar(field);
  }
  if (device === "") return fail(line, "the device's name is missing");
  if (uid === "") return fail(line, "the UID is missing");
  return E.right({ line, device, uid, values });
};

const checkColumns = (columns: ReadonlyArray<string>): string | undefined => {
  for (const needed of ["device", "uid"]) {
    if (!columns.includes(needed)) return `the first line must name the column "${needed}"`;
  }
  const unfit = columns.find((column) => column !== "uid" && !COLUMN_NAME.test(column));
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
