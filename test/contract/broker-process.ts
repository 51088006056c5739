/**
 * A broker in a process of its own, for tests in which a crash or the memory is the point. Reports
 * over IPC.
 * Argument `tapmesh`: ours. Argument `bare`: aedes with its defaults, to show that an attack is
 * one; only the drain timeout is shorter than its minute, so that the test needs not wait.
 */
import { once } from "node:events";
import { createServer } from "node:net";
import { Aedes } from "aedes";
import * as E from "fp-ts/lib/Either.js";
import type { BrokerCounters } from "#broker/counters.ts";
import { startBroker } from "#broker/embedded.ts";
import type { Fields } from "#broker/warnings.ts";

export type BrokerReport =
  | { readonly _tag: "Listening"; readonly port: number }
  | {
      readonly _tag: "Status";
      readonly counters: BrokerCounters | undefined;
      readonly rssBytes: number;
    }
  | { readonly _tag: "Warning"; readonly code: string; readonly detail: string };

const report = (message: BrokerReport): void => {
  process.send?.(message);
};

const serveBare = async (): Promise<number> => {
  const aedes = await Aedes.createBroker({ drainTimeout: 1_000 });
  const server = createServer({ noDelay: true }, aedes.handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
};

/**
 * Each client may write below its own id. That `$` is the broker's own must not depend on this
 * rule.
 */
const mayPublish = (clientId: string, topic: string): boolean =>
  topic.startsWith(`${clientId}/`) || topic.startsWith("$");

const serve = async (): Promise<{ port: number; counters: () => BrokerCounters | undefined }> => {
  if (process.argv[2] === "bare") return { port: await serveBare(), counters: () => undefined };
  const journal = {
    info: (): void => {},
    warn: (code: string, fields?: Fields): void => {
      report({ _tag: "Warning", code, detail: String(fields?.["detail"]) });
    },
  };
  const started = await startBroker({ journal }, { host: "127.0.0.1", port: 0, mayPublish });
  if (E.isLeft(started)) throw new Error(started.left._tag);
  return started.right;
};

const broker = await serve();
process.on("message", () => {
  const rssBytes = process.memoryUsage.rss();
  report({ _tag: "Status", counters: broker.counters(), rssBytes });
});
report({ _tag: "Listening", port: broker.port });
