/** Which folder may import which: the arrows of the design, read from the imports themselves. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A file, and what it imports: files of the project by path, packages by name. */
interface Source {
  readonly file: string;
  readonly imports: ReadonlyArray<string>;
  /** Those of which only types are used: they are gone when it runs. */
  readonly types: ReadonlySet<string>;
}

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s*(?:type\s)?(?:[\w*\s{},]*?\sfrom\s*)?["']([^"']+)["']/g;
const DYNAMIC = /\bimport\(\s*["']([^"']+)["']|\brequire\(\s*["']([^"']+)["']/g;

const resolved = (file: string, specifier: string): string => {
  if (specifier.startsWith(".")) return relative(ROOT, join(ROOT, dirname(file), specifier));
  return specifier
    .replace(/^#core\//, "gateway/core/")
    .replace(/^#(?=gateway|broker|provisioning|test)/, "");
};

const COMMENT = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

const sourceOf = (file: string): Source => {
  const text = readFileSync(join(ROOT, file), "utf8").replaceAll(COMMENT, "");
  const found = [...text.matchAll(IMPORT), ...text.matchAll(DYNAMIC)].map(
    ([whole, one, other]) => ({
      name: resolved(file, one ?? other ?? ""),
      isType: /^\W*(?:import|export)\s+type\s/.test(whole),
    }),
  );
  const used = new Set(found.filter(({ isType }) => !isType).map(({ name }) => name));
  const imports = found.map(({ name }) => name);
  return { file, imports, types: new Set(imports.filter((name) => !used.has(name))) };
};

const sourcesIn = (folder: string): ReadonlyArray<Source> =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`)
    .map(sourceOf);

const GATEWAY = sourcesIn("gateway");
const BROKER = sourcesIn("broker");
const PROVISIONING = sourcesIn("provisioning");

const within = (folder: string): ReadonlyArray<Source> =>
  GATEWAY.filter(({ file }) => file.startsWith(`gateway/${folder}/`));

/** `file → import`, for imports that no pattern allows. */
const beyond = (sources: ReadonlyArray<Source>, ...allowed: ReadonlyArray<RegExp>): string[] =>
  sources.flatMap(({ file, imports }) =>
    imports
      .filter((name) => !allowed.some((pattern) => pattern.test(name)))
      .map((name) => `${file} → ${name}`),
  );

test("the sources were seen, with their imports", () => {
  expect(within("core").length).toBeGreaterThan(30);
  expect(GATEWAY.length).toBeGreaterThan(100);
  expect(BROKER.length).toBeGreaterThan(8);
  expect(PROVISIONING.length).toBeGreaterThan(0);
  // Every line that begins an import was understood: an import that isn't seen can't be forbidden.
  for (const { file, imports } of [...GATEWAY, ...BROKER, ...PROVISIONING]) {
    const text = readFileSync(join(ROOT, file), "utf8").replaceAll(COMMENT, "");
    const begun = [...text.matchAll(/^import[\s{*]/gm)].length;
    expect([file, imports.length >= begun]).toEqual([file, true]);
  }
  const seen = new Set(GATEWAY.flatMap(({ imports }) => imports));
  for (const known of ["cborg", "node:crypto", "better-sqlite3", "gateway/core/log/tree.ts"]) {
    expect(seen).toContain(known);
  }
});

test("core imports itself, fp-ts/lib and cborg", () => {
  expect(beyond(within("core"), /^gateway\/core\//, /^fp-ts\/lib\/\w+\.js$/, /^cborg$/)).toEqual(
    [],
  );
});

test("cborg is spoken to in one place", () => {
  const users = GATEWAY.filter(({ imports }) => imports.includes("cborg"));
  expect(users.map(({ file }) => file)).toEqual(["gateway/core/log/cbor.ts"]);
});

test("fp-ts is imported by the path that Node's ESM can load", () => {
  const names = [...GATEWAY, ...BROKER, ...PROVISIONING].flatMap(({ imports }) => imports);
  const fpTs = names.filter((name) => name.startsWith("fp-ts"));
  expect(fpTs.length).toBeGreaterThan(20);
  expect(fpTs.filter((name) => !/^fp-ts\/lib\/\w+\.js$/.test(name))).toEqual([]);
});

/** The folders between the world and the core. Each wraps one thing of the world. */
const ADAPTORS = ["reader", "store", "link", "http", "integrations", "writer", "control", "config"];

/** What each of them may use: core, the ports and caps, and files that belong to no folder; never run or the paths. */
const COMMON = [
  /^gateway\/core\//,
  /^gateway\/(?:ports|limits|node-crypto|journal|counters)\.ts$/,
  /^gateway\/queries\//,
  /^fp-ts\/lib\//,
  /^node:/,
];
const LIBRARIES: Readonly<Record<string, RegExp>> = {
  reader: /^(?:nfc-pcsc|serialport|i2c-bus|spi-device)$/,
  store: /^better-sqlite3$/,
  link: /^mqtt$/,
  config: /^yaml$/,
};

const folderOf = (name: string): string => /^gateway\/([a-z-]+)(?:\/|\.ts)/.exec(name)?.[1] ?? name;

/** `from → to`, for imports from one folder of the gateway into another, or into a file that belongs to none. */
const arrows = (isWanted: (source: Source, name: string) => boolean): ReadonlySet<string> =>
  new Set(
    ADAPTORS.flatMap((folder) =>
      within(folder).flatMap((source) =>
        source.imports
          .filter((name) => isWanted(source, name) && !COMMON.some((p) => p.test(name)))
          .filter((name) => folderOf(name) !== folder && !LIBRARIES[folder]?.test(name))
          .map((name) => `${folder} → ${folderOf(name)}`),
      ),
    ),
  );

describe("adaptors", () => {
  test("each is there", () => {
    expect(ADAPTORS.filter((folder) => within(folder).length === 0)).toEqual([]);
  });

  test("none uses another when it runs, but for control, which lays emulated cards on readers", () => {
    const used = arrows(({ types }, name) => !types.has(name));
    expect(used).toEqual(new Set(["control → reader"]));
  });

  test("some know the types of what they are handed", () => {
    const known = arrows(({ types }, name) => types.has(name));
    expect(known).toEqual(
      new Set([
        "reader → config",
        "http → config",
        "http → gateway",
        "integrations → config",
        "integrations → link",
        "integrations → tap-path",
        "control → config",
        "control → gateway",
        "control → tap-path",
        "control → reader",
        "control → link",
        "control → writer",
      ]),
    );
  });
});

test("the paths of a tap and of a message reach no library: adaptors do", () => {
  const paths = GATEWAY.filter(({ file }) => /^gateway\/[a-z-]+\.ts$/.test(file));
  expect(paths.length).toBeGreaterThan(8);
  expect(beyond(paths, /^gateway\//, /^fp-ts\/lib\//, /^node:/)).toEqual([]);
});

test("nobody but main and cli imports cli", () => {
  const users = GATEWAY.filter(({ imports }) =>
    imports.some((name) => name.startsWith("gateway/cli/")),
  );
  const others = users.filter(
    ({ file }) => !file.startsWith("gateway/cli/") && file !== "gateway/main.ts",
  );
  expect(others.map(({ file }) => file)).toEqual([]);
});

test("broker and provisioning take only core of the gateway", () => {
  const imports = [...BROKER, ...PROVISIONING].flatMap(({ file, imports: names }) =>
    names.filter((name) => name.startsWith("gateway/")).map((name) => ({ file, name })),
  );
  expect(imports.filter(({ name }) => !name.startsWith("gateway/core/"))).toEqual([]);
});

test("no package is imported that package.json doesn't list", () => {
  const {
    dependencies,
    optionalDependencies,
  }: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  );
  const listed = new Set([
    ...Object.keys(dependencies ?? {}),
    ...Object.keys(optionalDependencies ?? {}),
  ]);
  const names = [...GATEWAY, ...BROKER, ...PROVISIONING].flatMap(({ imports }) => imports);
  const packages = names.filter(
    (name) => !/^(?:node:|gateway\/|broker\/|provisioning\/)/.test(name),
  );
  const roots = new Set(packages.map((name) => name.split("/")[0] ?? name));
  expect([...roots].filter((name) => !listed.has(name))).toEqual([]);
});
