/** The libraries that tapmesh is measured beside: installed on first use, and as much of their types as is used. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("./others", import.meta.url));
const INSTALL_TIMEOUT_MS = 180_000;

export interface HypercoreStream {
  readonly pipe: (to: HypercoreStream) => HypercoreStream;
  readonly destroy: () => void;
}

export interface Hypercore {
  readonly key: Uint8Array;
  readonly length: number;
  readonly ready: () => Promise<void>;
  readonly append: (blocks: Uint8Array | ReadonlyArray<Uint8Array>) => Promise<unknown>;
  readonly get: (index: number) => Promise<Uint8Array>;
  readonly replicate: (isInitiator: boolean) => HypercoreStream;
  readonly download: (range: { readonly start: number; readonly end: number }) => {
    readonly done: () => Promise<void>;
  };
  readonly close: () => Promise<void>;
}

export interface YDoc {
  clientID: number;
  readonly on: (event: "update", listener: (update: Uint8Array) => void) => void;
  readonly getMap: (name: string) => {
    readonly set: (key: string, value: string) => void;
    readonly toJSON: () => Readonly<Record<string, string>>;
  };
}

/** A document of automerge: never changed in place. */
export type AutomergeDoc = Readonly<Record<string, string>>;

export interface Packages {
  readonly Hypercore: new (folder: string, key?: Uint8Array) => Hypercore;
  readonly yjs: {
    readonly Doc: new () => YDoc;
    readonly applyUpdate: (doc: YDoc, update: Uint8Array) => void;
  };
  readonly automerge: {
    readonly init: (options?: { readonly actor: string }) => AutomergeDoc;
    readonly change: (
      doc: AutomergeDoc,
      edit: (doc: Record<string, string>) => void,
    ) => AutomergeDoc;
    readonly getLastLocalChange: (doc: AutomergeDoc) => Uint8Array | undefined;
    readonly applyChanges: (
      doc: AutomergeDoc,
      changes: ReadonlyArray<Uint8Array>,
    ) => readonly [AutomergeDoc];
  };
}

/** Throws what npm says where there is no network. */
const install = (): void => {
  if (existsSync(join(FOLDER, "node_modules"))) return;
  process.stderr.write(`npm ci in ${FOLDER}\n`);
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: FOLDER,
    stdio: ["ignore", process.stderr.fd, process.stderr.fd],
    timeout: INSTALL_TIMEOUT_MS,
  });
};

/** By a path that the compiler doesn't follow: the packages are not there where this never ran. */
export const loadPackages = async (): Promise<Packages> => {
  install();
  // The exact versions that the folder's lockfile names have these.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (await import(join(FOLDER, "index.js"))) as Packages;
};
