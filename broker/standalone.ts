/** A broker in a process of its own: what `tapmesh broker` runs. */
import { once } from "node:events";
import * as E from "fp-ts/lib/Either.js";
import {
  type BrokerDeps,
  type BrokerError,
  type BrokerOptions,
  startBroker,
} from "#broker/embedded.ts";

/**
 * Runs a broker until `signal` aborts, then closes it within 1 s. The line `broker.listening` says
 * that clients may connect, and where; `broker.closed` carries the counters.
 * Left: it never listened; nothing was left behind.
 */
export const runBroker = async (
  deps: BrokerDeps,
  options: BrokerOptions,
  signal: AbortSignal,
): Promise<E.Either<BrokerError, void>> => {
  const started = await startBroker(deps, options);
  if (E.isLeft(started)) return started;
  const broker = started.right;
  deps.journal.info("broker.listening", { host: broker.host, port: broker.port });
  if (!signal.aborted) await once(signal, "abort");
  await broker.close();
  deps.journal.info("broker.closed", { ...broker.counters() });
  return E.right(undefined);
};
