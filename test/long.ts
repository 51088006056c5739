/** How much the tests do: as much as `make test` has time for, or as much as `make test-long` has. */

/** Set by `make test-long`, and read nowhere else. */
export const IS_LONG: boolean = process.env["TAPMESH_TEST_LONG"] === "1";

/** A count of rounds, runs or records, or the time that they may take: for `make test`, for `make test-long`. */
export const rounds = (short: number, long: number): number => (IS_LONG ? long : short);
