/** argv → verb. The only reader of argv, environment and signals. */
import { userInfo } from "node:os";
import { createInterface } from "node:readline/promises";
import { runCommandLine } from "#gateway/cli/main-program.ts";

const aborter = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // A second signal is a person who doesn't want to wait: the log stands any kill.
    if (aborter.signal.aborted) process.exit(1);
    aborter.abort();
  });
}
// A reader that closes the pipe early (`tapmesh watch | head`) is no error.
process.stdout.on("error", () => process.exit(0));

const localUser = (): string => {
  try {
    return userInfo().username.slice(0, 64);
  } catch {
    return `uid ${String(process.getuid?.() ?? "unknown")}`; // a user without a passwd entry
  }
};

/** An answer that is cut off by a signal or the end of input is an empty one. */
const ask = async (question: string): Promise<string> => {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<string>((resolve) => {
    lines.once("close", () => resolve(""));
  });
  const { signal } = aborter;
  const answered = lines.question(question, { signal }).catch(() => "");
  const answer = await Promise.race([answered, ended]);
  lines.close();
  return answer;
};

/** What is still open after a verb has ended (a reader that hangs, a dead disk) gets so long, and is then cut off. */
const LINGER_MS = 500;

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  cwd: process.cwd(),
  env: process.env,
  signal: aborter.signal,
  isTerminal: process.stdout.isTTY,
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : null,
  user: localUser(),
});
setTimeout(() => process.exit(), LINGER_MS).unref();
