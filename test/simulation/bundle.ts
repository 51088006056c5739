/** The simulator and the product as one file, with the product's sources changed where somebody asks for it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));

/** A change of one product file: `find` stands in it exactly once. */
export interface SourceEdit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The file's text with all its edits. Throws where one doesn't fit any more: then the product has moved on. */
const editedText = (path: string, edits: ReadonlyArray<SourceEdit>): string => {
  let text = readFileSync(path, "utf8");
  for (const { file, find, replace } of edits) {
    const count = text.split(find).length - 1;
    if (count !== 1) throw new Error(`${file} has ${count} times, not once: ${find}`);
    text = text.replace(find, () => replace);
  }
  return text;
};

const editing = (edits: ReadonlyArray<SourceEdit>): Plugin => ({
  name: "edit-sources",
  setup: (bundle) => {
    for (const [name, ofFile] of Map.groupBy(edits, ({ file }) => file)) {
      const path = join(CHECKOUT, name);
      const filter = new RegExp(`^${path.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}$`);
      bundle.onLoad({ filter }, () => ({ contents: editedText(path, ofFile), loader: "ts" }));
    }
  },
});

/** Writes the bundle. Throws where an edit doesn't fit, or where its file is no part of the simulator. */
export const bundleSimulator = async (
  path: string,
  edits: ReadonlyArray<SourceEdit> = [],
): Promise<void> => {
  const { metafile } = await build({
    absWorkingDir: CHECKOUT,
    entryPoints: ["test/simulation/child.ts"],
    outfile: path,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    sourcemap: "inline",
    logLevel: "silent",
    metafile: true,
    plugins: [editing(edits)],
  });
  const unused = edits.find(({ file }) => !(file in metafile.inputs));
  if (unused !== undefined) throw new Error(`${unused.file} is no part of the simulator`);
};
