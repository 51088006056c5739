import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { ViteUserConfig } from "vitest/config";

const SHORT = ["test/unit/**/*.test.ts", "test/contract/**/*.test.ts", "test/system/**/*.test.ts"];
const LONG = [
  "test/simulation/**/*.test.ts",
  "test/fleet/**/*.test.ts",
  "test/attack/**/*.test.ts",
];

const config: ViteUserConfig = {
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    include: process.env["TAPMESH_TESTS"] === "long" ? LONG : SHORT,
    // Native modules: pcsclite crashes in a worker thread.
    pool: "forks",
    // System tests mostly wait for processes that they started, so even one core takes two.
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    passWithNoTests: false,
  },
};

export default config;
