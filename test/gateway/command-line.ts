/** The command line within the test's own process: the same code that `main.ts` hands argv to. */
import { tmpdir } from "node:os";
import { runCommandLine } from "#gateway/cli/main-program.ts";

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export const commandLine = async (
  args: ReadonlyArray<string>,
  cwd: string = tmpdir(),
  answer: ((question: string) => Promise<string>) | null = null,
): Promise<CommandResult> => {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCommandLine(args, {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    cwd,
    env: {},
    signal: new AbortController().signal,
    isTerminal: false,
    ask: answer,
    user: "tester",
  });
  return { code, out: out.join("\n"), err: err.join("\n") };
};

/** Each line as JSON; throws for a line that is none. */
export const jsonLines = (text: string): ReadonlyArray<unknown> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
