import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = {
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    include: ["test/{unit,contract,system}/**/*.test.ts"],
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
