/** What the doctor says of one thing that it looked at. */
import type { World } from "#gateway/cli/doctor/world.ts";

/** A cure that can do no harm, and that can be done without knowing more. */
export interface Cure {
  /** What it does, in words: "write /etc/…". */
  readonly does: string;
  readonly needsRoot: boolean;
  /** Null: done; else why not. */
  readonly apply: (world: World) => Promise<string | null>;
}

export interface Finding {
  readonly what: string;
  readonly found: string;
  /** What mends it, with the exact command; null where nothing is wrong. */
  readonly advice: string | null;
  /** What `--fix` does about it; null: a person has to. */
  readonly cure: Cure | null;
}

export const ok = (what: string, found: string): Finding => ({
  what,
  found,
  advice: null,
  cure: null,
});

export const wrong = (
  what: string,
  found: string,
  mend: { readonly advice: string; readonly cure?: Cure },
): Finding => ({ what, found, advice: mend.advice, cure: mend.cure ?? null });

/** Runs commands in their order, to the first that fails. */
export const commands = (
  does: string,
  ...lines: ReadonlyArray<readonly [string, ...string[]]>
): Cure => ({
  does,
  needsRoot: true,
  apply: async (world) => {
    for (const line of lines) {
      const { code, out } = await world.run(...line);
      if (code !== 0) return `${line.join(" ")}: ${out === "" ? `exit code ${code}` : out}`;
    }
    return null;
  },
});
