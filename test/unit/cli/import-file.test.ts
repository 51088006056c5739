import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IMPORT_ROWS_MAX, parseImport } from "#gateway/cli/import-file.ts";
import { parseScalar } from "#gateway/cli/scalar.ts";

const problemOf = (
  text: string,
): { readonly line: number; readonly message: string } | undefined => {
  const parsed = parseImport(text);
  return E.isLeft(parsed) ? parsed.left : undefined;
};

describe("a bad line is named", () => {
  test.each([
    ["nothing at all", "", 1, 'the column "device"'],
    ["no column for the UID", "device,colour\na,red\n", 1, 'the column "uid"'],
    ["two columns for the UID", "device,uid,uid_decimal\na,04,4\n", 1, "uid and uid_decimal"],
    ["a UID that is no number", "device,uid_decimal\na,04AB\n", 2, '"04AB" is not the decimal'],
    ["a UID twice, as a number", "device,uid_decimal\na,5\nb,05\n", 3, "on line 2 already"],
    ["a column twice", "device,uid,colour,colour\n", 1, '"colour" is there twice'],
    ["a field missing", "device,uid\na,04\nb\n", 3, "1 fields, but 2 columns"],
    ["a field too many", "device,uid\na,04,x\n", 2, "3 fields, but 2 columns"],
    ["no device", "device,uid\n,04\n", 2, "device's name is missing"],
    ["no UID", "device,uid\na,\n", 2, "UID is missing"],
    ["a quote that isn't closed", 'device,uid\n\n"a,04\n', 3, "quotes"],
    ["a quote within a field", 'device,uid\na"b,04\n', 2, "quotes"],
    ["a device twice", "device,uid\na,04\nb,05\na,06\n", 4, 'device "a" is on line 2 already'],
    ["a UID twice", "device,uid\na,04\nb,04\n", 3, "UID 04 is on line 2 already"],
    ["a UID twice, spelt differently", "device,uid\na,04AB\nb,04:ab\n", 3, "on line 2 already"],
  ])("%s", (...[, text, line, message]) => {
    const problem = problemOf(text);
    expect(problem?.line).toBe(line);
    expect(problem?.message).toContain(message);
  });

  test("too many rows", () => {
    const rows = Array.from({ length: IMPORT_ROWS_MAX + 1 }, (_, n) => `d${n},${n}`);
    expect(problemOf(["device,uid", ...rows].join("\n"))).toMatchObject({
      line: IMPORT_ROWS_MAX + 2,
    });
  });
});

test("blank lines, a byte order mark and both line ends are taken as they come", () => {
  const parsed = parseImport("\uFEFFuid, device ,colour\r\n\r\n04, cart-1 ,red\r\n05,cart-2,\r\n");
  expect(parsed).toEqual(
    E.right([
      { line: 3, device: "cart-1", uid: "04", values: { colour: "red" } },
      { line: 4, device: "cart-2", uid: "05", values: {} },
    ]),
  );
});

/** As a spreadsheet writes it. */
const quoted = (field: string): string => `"${field.replaceAll('"', '""')}"`;

const text = fc.string({ unit: "grapheme", maxLength: 12 }).filter((s) => !/[\r\n]/.test(s));
const column = fc
  .string({ unit: fc.constantFrom("a", "b", "c", "d", "_", "-"), minLength: 1, maxLength: 8 })
  .map((name) => `k${name}`);

test("what is written by the rules is read back, field by field", () => {
  const table = fc.uniqueArray(column, { maxLength: 4 }).chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      rows: fc.array(fc.array(text, { minLength: columns.length, maxLength: columns.length }), {
        maxLength: 8,
      }),
    }),
  );
  fc.assert(
    fc.property(table, ({ columns, rows }) => {
      const lines = rows.map((fields, n) => [`d${n}`, `0${n}`, ...fields].map(quoted).join(","));
      const parsed = parseImport([["device", "uid", ...columns].join(","), ...lines].join("\n"));
      const expected = rows.map((fields, n) => ({
        line: n + 2,
        device: `d${n}`,
        uid: `0${n}`,
        values: Object.fromEntries(
          fields.flatMap((field, index) =>
            field === "" ? [] : [[columns[index] ?? "", parseScalar(field)]],
          ),
        ),
      }));
      expect(parsed).toEqual(E.right(expected));
    }),
  );
});

test("no column is passed over in silence, whatever its name", () => {
  for (const name of ["__proto__", "constructor", "toString"]) {
    const parsed = parseImport(`device,uid,${name}\na,04,red\n`);
    const rows = E.isRight(parsed) ? JSON.stringify(parsed.right) : parsed.left.message;
    expect(rows).toContain(name);
  }
});

test("any text at all gives rows or one named line, and never throws", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 80 }), (content) => {
      const lineCount = content.split("\n").length;
      for (const whole of [content, `device,uid\n${content}`]) {
        const problem = problemOf(whole);
        expect(problem?.line ?? 1).toBeGreaterThanOrEqual(1);
        expect(problem?.line ?? 1).toBeLessThanOrEqual(lineCount + 1);
      }
    }),
  );
});

test("a value is what it looks like: true, false, null, a whole number, or text", () => {
  const cases: ReadonlyArray<readonly [string, unknown]> = [
    ["true", true],
    ["false", false],
    ["null", null],
    ["0", 0],
    ["-17", -17],
    ["007", "007"],
    ["1.5", "1.5"],
    ["1e3", "1e3"],
    ["9007199254740993", "9007199254740993"],
    ["", ""],
    ["True", "True"],
  ];
  for (const [given, expected] of cases) expect(parseScalar(given)).toStrictEqual(expected);
});

test.each([
  ["uid_decimal", "1000438878"],
  ["uid_decimal_reversed", "1585226043"],
])("a UID may come as a decimal number: %s", (name, number) => {
  const parsed = parseImport(`device,${name}\ncart-1,${number}\n`);
  expect(parsed).toEqual(E.right([{ line: 2, device: "cart-1", uid: "3BA17C5E", values: {} }]));
});
