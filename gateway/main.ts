/** argv → verb. The only reader of argv, environment and signals. */
import { userInfo } from "node:os";
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

/** What is still open after a verb has ended (a reader that hangs, a dead disk) gets so long, and is then cut off. */
const LINGER_MS = 500;

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  cwd: process.cwd(),
  env: process.env,
  signal: aborter.signal,
  isTerminal: process.stdout.isTTY,
  user: localUser(),
});
setTimeout(() => process.exit(), LINGER_MS).unref();
