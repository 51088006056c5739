/** Reads a YAML document key by key and collects every problem with its line, so that all show at once. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from "yaml";
import { suggestion, type ConfigProblem } from "#gateway/config/problem.ts";

const isPlain = (value: unknown): value is boolean | number | string =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

/** One mapping of the document. Each read names what it wants; whatever nobody wanted is unknown. */
export class YamlReader {
  readonly #node: Node | null;
  readonly #path: string;
  readonly #lines: LineCounter;
  readonly #problems: ConfigProblem[];
  readonly #wanted: string[] = [];

  private constructor(
    node: Node | null,
    path: string,
    shared: { readonly lines: LineCounter; readonly problems: ConfigProblem[] },
  ) {
    this.#node = node;
    this.#path = path;
    this.#lines = shared.lines;
    this.#problems = shared.problems;
  }

  /** The document's top mapping; syntax errors are among `problems` already. */
  static parse(text: string): { root: YamlReader; problems: ConfigProblem[] } {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const problems: ConfigProblem[] = document.errors.map((error) => ({
      _tag: "ConfigProblem",
      line: lines.linePos(error.pos[0]).line,
      path: "",
      message: error.message,
    }));
    const root = new YamlReader(document.contents, "", { lines, problems });
    if (document.contents !== null && !isMap(document.contents)) {
      root.problem("", "must be a mapping of keys to values");
    }
    return { root, problems };
  }

  get #shared(): { lines: LineCounter; problems: ConfigProblem[] } {
    return { lines: this.#lines, problems: this.#problems };
  }

  #child(key: string): Node | null {
    this.#wanted.push(key);
    if (!isMap(this.#node)) return null;
    const value = this.#node.get(key, true);
    return value === undefined ? null : value;
  }

  #pathTo(key: string): string {
    return [this.#path, key].filter((part) => part !== "").join(".");
  }

  /** Notes a problem with a key of this mapping. */
  problem(key: string, message: string): void {
    const pair = isMap(this.#node)
      ? this.#node.items.find((item) => isScalar(item.key) && item.key.value === key)
      : undefined;
    const place = isScalar(pair?.key) ? pair.key : this.#node;
    const offset = place?.range?.[0];
    const line = offset === undefined ? 0 : this.#lines.linePos(offset).line;
    this.#problems.push({ _tag: "ConfigProblem", line, path: this.#pathTo(key), message });
  }

  has(key: string): boolean {
    return isMap(this.#node) && this.#node.has(key);
  }

  /** A plain value; undefined where it is absent or no plain value (which is a problem). */
  scalar(key: string): boolean | number | string | undefined {
    const node = this.#child(key);
    if (node === null) return undefined;
    const value: unknown = isScalar(node) ? node.value : undefined;
    if (isPlain(value)) return value;
    this.problem(key, "must be a plain value");
    return undefined;
  }

  text(
    key: string,
    pattern: { readonly regex: RegExp; readonly meaning: string },
  ): string | undefined {
    const value = this.scalar(key);
    if (value === undefined) return undefined;
    if (typeof value === "string" && pattern.regex.test(value)) return value;
    this.problem(key, `must be ${pattern.meaning}, not ${JSON.stringify(value)}`);
    return undefined;
  }

  oneOf<A extends string>(key: string, choices: ReadonlyArray<A>): A | undefined {
    const value = this.scalar(key);
    if (value === undefined) return undefined;
    const choice = choices.find((candidate) => candidate === value);
    if (choice !== undefined) return choice;
    const words = choices.map((candidate) => `"${candidate}"`).join(" or ");
    this.problem(
      key,
      `must be ${words}, not ${JSON.stringify(value)}${suggestion(String(value), choices)}`,
    );
    return undefined;
  }

  boolean(key: string): boolean | undefined {
    const value = this.scalar(key);
    if (value === undefined || typeof value === "boolean") return value;
    this.problem(key, `must be true or false, not ${JSON.stringify(value)}`);
    return undefined;
  }

  /** A mapping under this one; undefined where it is absent. */
  mapping(key: string): YamlReader | undefined {
    const node = this.#child(key);
    if (node === null) return undefined;
    if (!isMap(node)) {
      this.problem(key, "must be a mapping of keys to values");
      return undefined;
    }
    return new YamlReader(node, this.#pathTo(key), this.#shared);
  }

  /** The mappings of a list; undefined where it is absent. */
  mappings(key: string): ReadonlyArray<YamlReader> | undefined {
    const node = this.#child(key);
    if (node === null) return undefined;
    if (!isSeq(node) || !node.items.every(isMap)) {
      this.problem(key, "must be a list of mappings");
      return undefined;
    }
    return node.items.map(
      (item, index) => new YamlReader(item, this.#pathTo(`${key}.${index}`), this.#shared),
    );
  }

  /** The keys of this mapping, each of which the caller reads. */
  keys(): ReadonlyArray<string> {
    if (!isMap(this.#node)) return [];
    return this.#node.items.flatMap(({ key }) => (isScalar(key) ? [String(key.value)] : []));
  }

  /** One plain value or a list of them; undefined where there is none. */
  scalars(key: string): ReadonlyArray<boolean | number | string> | undefined {
    const node = this.#child(key);
    if (node === null) return undefined;
    const items = isSeq(node) ? node.items : [node];
    const values = items.map((item): unknown => (isScalar(item) ? item.value : undefined));
    if (values.every(isPlain)) return values;
    this.problem(key, "must be a plain value, or a list of them");
    return undefined;
  }

  /** The plain texts of a list; undefined where it is absent. */
  texts(key: string): ReadonlyArray<string> | undefined {
    const node = this.#child(key);
    if (node === null) return undefined;
    const items = isSeq(node) ? node.items : [null];
    const texts = items.map((item) => (isScalar(item) ? item.value : undefined));
    if (texts.every((text) => typeof text === "string")) return texts;
    this.problem(key, "must be a list of texts");
    return undefined;
  }

  /** Every key that no read asked for is a mistake: a misspelt key would be silently without effect. */
  refuseUnknownKeys(): void {
    if (!isMap(this.#node)) return;
    for (const { key } of this.#node.items) {
      const name = isScalar(key) ? String(key.value) : "";
      if (!this.#wanted.includes(name)) {
        this.problem(name, `unknown key${suggestion(name, this.#wanted)}`);
      }
    }
  }
}
