/** Soaks as programs of their own, and what their memory may do. */
import { spawn } from "node:child_process";
import { DYING_WITH_PARENT } from "#test/gateway/child.ts";
import type { SoakRun } from "#test/soak/soak-run.ts";

/** What may rise in the second half of a soak: nothing; the rest is what V8 does with room that it has. */
export const HEAP_RISE_MAX_MB = 0.5;
/** Resident memory of a process that nobody tells to collect. */
export const CHILD_RISE_MAX_MB = 3;

const isRun = (value: unknown): value is SoakRun =>
  typeof value === "object" && value !== null && "heapRiseMb" in value && "arrived" in value;

export interface SoakOptions {
  readonly kind: "simulated" | "pcsc" | "pn532";
  readonly taps: number;
  /** A leak is planted, which must show. */
  readonly leaks: boolean;
}

export const soak = ({ kind, taps, leaks }: SoakOptions): Promise<SoakRun> =>
  new Promise((resolve, reject) => {
    const node = [process.execPath, "--expose-gc", "test/soak/soak-run.ts", kind, String(taps)];
    const [program, ...args] = [...DYING_WITH_PARENT, ...node, ...(leaks ? ["leak"] : [])];
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.once("close", (code) => {
      const said: unknown = code === 0 ? JSON.parse(out) : null;
      if (isRun(said)) resolve(said);
      else reject(new Error(`soak of ${kind}: exit code ${code}: ${err.slice(-2_000)}`));
    });
  });

/** What is wrong with a soak, in words; empty: all taps came, and memory stayed flat. */
export const problemsOfSoak = (run: SoakRun): ReadonlyArray<string> => [
  ...(run.arrived === run.taps ? [] : [`${run.arrived} of ${run.taps} taps arrived`]),
  ...(run.heapRiseMb <= HEAP_RISE_MAX_MB
    ? []
    : [`the heap rose by ${run.heapRiseMb.toFixed(2)} MB`]),
  ...(run.childRiseMb === null || run.childRiseMb <= CHILD_RISE_MAX_MB
    ? []
    : [`the child rose by ${run.childRiseMb.toFixed(2)} MB`]),
];
