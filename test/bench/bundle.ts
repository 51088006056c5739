/** The gateway as a release has it: three ESM files, native modules outside. */
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const CHECKOUT: string = fileURLToPath(new URL("../..", import.meta.url));

/** CommonJS in the bundle calls require(), which ESM has not. */
const REQUIRE_BANNER =
  "import{createRequire as bundleCreateRequire}from'node:module';const require=bundleCreateRequire(import.meta.url);";

/** Bundles into the folder; returns the path of the main file. */
export const bundleGateway = async (folder: string): Promise<string> => {
  await build({
    absWorkingDir: CHECKOUT,
    entryPoints: {
      main: "gateway/main.ts",
      "store-worker": "gateway/store/worker.ts",
      "pcsc-child": "gateway/reader/pcsc/child.ts",
    },
    outdir: folder,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    external: ["better-sqlite3", "nfc-pcsc"],
    banner: { js: REQUIRE_BANNER },
    logLevel: "warning",
  });
  symlinkSync(join(CHECKOUT, "node_modules"), join(folder, "node_modules"));
  return join(folder, "main.js");
};
