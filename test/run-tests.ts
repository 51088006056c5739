/**
 * Runs vitest and ends with one plain line, `N passed, N failed, N skipped`, that people and CI
 * read. Exit code: vitest's, and 1 when no test ran.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const RESULTS_FILE = "var/test-results.json";
const VITEST = "node_modules/vitest/vitest.mjs";

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

const numberAt = (value: unknown, name: string): number => {
  const number = fieldOf(value, name);
  return typeof number === "number" ? number : 0;
};

/** Files that failed before any of their tests could: vitest counts no test for them. */
const brokenFileCount = (results: unknown): number => {
  const files = fieldOf(results, "testResults");
  if (!Array.isArray(files)) return 0;
  return files.filter((file: unknown) => {
    const tests = fieldOf(file, "assertionResults");
    const hasFailedTest =
      Array.isArray(tests) && tests.some((test) => fieldOf(test, "status") === "failed");
    return fieldOf(file, "status") === "failed" && !hasFailedTest;
  }).length;
};

/** All zero when vitest wrote no results, which is a failure of its own. */
const readCounts = (): Counts => {
  let results: unknown;
  try {
    results = JSON.parse(readFileSync(RESULTS_FILE, "utf8"));
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
  return {
    passed: numberAt(results, "numPassedTests"),
    failed: numberAt(results, "numFailedTests") + brokenFileCount(results),
    skipped: numberAt(results, "numPendingTests") + numberAt(results, "numTodoTests"),
  };
};

rmSync(RESULTS_FILE, { force: true });
const vitest = spawnSync(
  process.execPath,
  [
    VITEST,
    "run",
    "--config=test/vitest.config.ts",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${RESULTS_FILE}`,
  ],
  { stdio: "inherit" },
);
const { passed, failed, skipped } = readCounts();
const ranNothing = passed + failed === 0;
process.exitCode = vitest.status === 0 && ranNothing ? 1 : (vitest.status ?? 1);
// An error outside any test (an unhandled rejection) fails the run but no test: never print 0 then.
const failedOrOne = process.exitCode === 0 ? failed : Math.max(failed, 1);
process.stdout.write(`${passed} passed, ${failedOrOne} failed, ${skipped} skipped\n`);
