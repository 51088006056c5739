/** Runs many seeds in processes of their own, from one bundle. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { bundleSimulator, type SourceEdit } from "#test/simulation/bundle.ts";
import type { Shrunk } from "#test/simulation/shrink.ts";
import type { Outcome } from "#test/simulation/simulate.ts";

export type SeedOutcome = Omit<Outcome, "lines">;

export interface Seeds {
  readonly from: number;
  readonly to: number;
}

/** A bundled simulator on disk, until it is disposed of. */
export class Simulator implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async build(edits: ReadonlyArray<SourceEdit> = []): Promise<Simulator> {
    const simulator = new Simulator(mkdtempSync(join(tmpdir(), "tapmesh-simulator-")));
    try {
      await bundleSimulator(simulator.#path, edits);
    } catch (error) {
      await simulator[Symbol.asyncDispose]();
      throw error;
    }
    return simulator;
  }

  get #path(): string {
    return join(this.#folder, "simulator.mjs");
  }

  /** The outcomes of the seeds, in any order, up to the first that fails in each process. */
  async run(
    seeds: Seeds,
    processCount: number,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ReadonlyArray<SeedOutcome>> {
    const shares = Array.from({ length: processCount }, (_, index) => [
      "run",
      String(seeds.from + index),
      String(seeds.to),
      String(processCount),
    ]);
    const lines = await Promise.all(shares.map((share) => this.lines(share, environment)));
    return lines.flat().map((line): SeedOutcome => JSON.parse(line));
  }

  async shrink(seed: number): Promise<Shrunk> {
    const lines = await this.lines(["shrink", String(seed)]);
    const shrunk: Shrunk = JSON.parse(lines.at(-1) ?? "");
    return shrunk;
  }

  /** What one process writes. Rejects where it fails otherwise than by a violation. */
  async lines(
    args: ReadonlyArray<string>,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ReadonlyArray<string>> {
    const child = spawn(process.execPath, ["--enable-source-maps", this.#path, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...environment },
    });
    const lines: string[] = [];
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    for await (const line of createInterface({ input: child.stdout })) lines.push(line);
    const code = await ended;
    if (code !== 0) throw new Error(`the simulator ended with ${code}`);
    return lines;
  }

  [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true });
    return Promise.resolve();
  }
}
