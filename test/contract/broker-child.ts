/** Starts and asks a broker in a process of its own. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { BrokerCounters } from "#broker/counters.ts";
import type { BrokerReport } from "#test/contract/broker-process.ts";

export interface BrokerChild {
  readonly port: number;
  readonly process: ChildProcess;
  readonly stderr: () => string;
  /** `code: detail` of each. */
  readonly warnings: ReadonlyArray<string>;
  readonly status: () => Promise<{ counters: BrokerCounters; rssBytes: number }>;
  readonly kill: () => Promise<void>;
}

// written by broker-process.ts on the other end of the same channel
const isReport = (message: unknown): message is BrokerReport =>
  typeof message === "object" && message !== null && "_tag" in message;

export const startBrokerChild = async (kind: "tapmesh" | "bare"): Promise<BrokerChild> => {
  const script = new URL("broker-process.ts", import.meta.url);
  const child = fork(script, [kind], { stdio: ["ignore", "ignore", "pipe", "ipc"], execArgv: [] });
  let stderr = "";
  const warnings: string[] = [];
  child.stderr?.on("data", (text: Buffer) => {
    stderr += text.toString();
  });
  const nextReport = async <Tag extends BrokerReport["_tag"]>(
    tag: Tag,
  ): Promise<Extract<BrokerReport, { _tag: Tag }>> =>
    new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => {
        reject(new Error(`the broker ended with ${code}: ${stderr}`));
      };
      const onMessage = (message: unknown): void => {
        if (!isReport(message) || !isTagged(message, tag)) return;
        child.off("message", onMessage);
        child.off("exit", onExit);
        resolve(message);
      };
      child.on("message", onMessage);
      child.once("exit", onExit);
    });
  child.on("message", (message) => {
    if (isReport(message) && message._tag === "Warning") {
      warnings.push(`${message.code}: ${message.detail}`);
    }
  });
  const { port } = await nextReport("Listening");
  const status = async (): Promise<{ counters: BrokerCounters; rssBytes: number }> => {
    const answer = nextReport("Status");
    child.send("status?");
    const { counters, rssBytes } = await answer;
    if (counters === undefined) throw new Error("a bare broker does not count");
    return { counters, rssBytes };
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  return { port, process: child, stderr: () => stderr, warnings, status, kill };
};

const isTagged = <Tag extends BrokerReport["_tag"]>(
  message: BrokerReport,
  tag: Tag,
): message is Extract<BrokerReport, { _tag: Tag }> => message._tag === tag;
