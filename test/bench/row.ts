/** One line of the result: what was measured, beside what it can't be faster or smaller than. */

export interface Row {
  readonly name: string;
  readonly unit: "ms" | "MB" | "bytes" | "records/s" | "%";
  readonly p50: number;
  /** Null for what was measured once. */
  readonly p99: number | null;
  readonly floor: number | null;
  /** p50 divided by the floor. */
  readonly ratio: number | null;
  /** In words; null where the row is only a floor of others, or for comparison. */
  readonly bound: string | null;
  readonly ok: boolean | null;
}

/** Limits on the median, and perhaps one on the 99th percentile, in the row's unit. */
export interface Bound {
  readonly text: string;
  readonly p50Max?: number;
  readonly p50Min?: number;
  readonly p99Max?: number;
}

export const timesFloor = (factor: number, floor: number): Bound => ({
  text: `<= ${factor} x floor`,
  p50Max: factor * floor,
});

/** The smallest sample that at least this share of the samples don't exceed. */
export const quantile = (samples: ReadonlyArray<number>, share: number): number => {
  const sorted = samples.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error("nothing was measured");
  return value;
};

export const median = (samples: ReadonlyArray<number>): number => quantile(samples, 0.5);

export const mean = (samples: ReadonlyArray<number>): number =>
  samples.reduce((sum, sample) => sum + sample, 0) / samples.length;

const rounded = (value: number): number => Number(value.toPrecision(4));

const isWithin = (value: number | null, max = Number.POSITIVE_INFINITY): boolean =>
  value === null || value <= max;

export const rowOf = (measured: {
  readonly name: string;
  readonly unit: Row["unit"];
  readonly samples: ReadonlyArray<number>;
  readonly floor?: number;
  readonly bound?: Bound;
}): Row => {
  const { name, unit, samples, floor, bound } = measured;
  const p50 = median(samples);
  const p99 = samples.length > 1 ? quantile(samples, 0.99) : null;
  return {
    name,
    unit,
    p50: rounded(p50),
    p99: p99 === null ? null : rounded(p99),
    floor: floor === undefined ? null : rounded(floor),
    ratio: floor === undefined ? null : rounded(p50 / floor),
    bound: bound?.text ?? null,
    ok:
      bound === undefined
        ? null
        : p50 >= (bound.p50Min ?? Number.NEGATIVE_INFINITY) &&
          isWithin(p50, bound.p50Max) &&
          isWithin(p99, bound.p99Max),
  };
};

const COLUMNS = ["name", "unit", "p50", "p99", "floor", "ratio", "bound", ""] as const;

const NUMERIC_COLUMNS: ReadonlySet<number> = new Set([2, 3, 4, 5]);

const formatNumber = (value: number | null): string => {
  if (value === null) return "";
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
};

const mark = (ok: boolean | null): string => {
  if (ok === null) return "";
  return ok ? "ok" : "MISS";
};

export const formatTable = (rows: ReadonlyArray<Row>): string => {
  const cells = rows.map((row) => [
    row.name,
    row.unit,
    ...[row.p50, row.p99, row.floor, row.ratio].map(formatNumber),
    row.bound ?? "",
    mark(row.ok),
  ]);
  const lines = [[...COLUMNS], ...cells];
  const widths = COLUMNS.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, at) => {
          const width = widths[at] ?? 0;
          return NUMERIC_COLUMNS.has(at) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
};
