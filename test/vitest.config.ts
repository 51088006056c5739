import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { ViteUserConfig } from "vitest/config";
import { IS_LONG, rounds } from "./long.ts";

const config: ViteUserConfig = {
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    // Native modules: pcsclite crashes in a worker thread.
    pool: "forks",
    // A fork begins and ends hundreds of store threads. On processors with memory protection keys V8's count of its
    // code pages then loses one now and then, and ends the process: "Check failed: jit_page.has_value()".
    execArgv: ["--no-memory-protection-keys"],
    // System tests mostly wait for processes that they started: one more than there are cores. Their long forms don't.
    maxWorkers: IS_LONG ? Math.max(2, availableParallelism()) : availableParallelism() + 1,
    testTimeout: rounds(30_000, 300_000),
    hookTimeout: rounds(30_000, 300_000),
    setupFiles: IS_LONG ? ["test/long-properties.ts"] : [],
    passWithNoTests: false,
    projects: [
      // A process for each of these many small files would cost more than the tests in them.
      {
        extends: true,
        test: { name: "parts", include: ["test/{unit,contract}/**/*.test.ts"], isolate: false },
      },
      {
        extends: true,
        test: { name: "whole", include: ["test/{system,simulation}/**/*.test.ts"] },
      },
    ],
  },
};

export default config;
