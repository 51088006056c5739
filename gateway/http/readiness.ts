/** What a gateway needs to be ready: a log that can be written, and every configured reader. */
import type { Readiness } from "#gateway/http/health.ts";
import type { Gateway } from "#gateway/gateway.ts";

export const readinessOf = (gateway: Gateway): Readiness => {
  const { failure } = gateway.writer;
  const log = failure === null ? "ok" : failure.detail;
  const disk = gateway.hasRoom() ? "ok" : "full";
  const readers = gateway.readers
    .status()
    .filter(({ up, optional }) => up || !optional)
    .map(({ id, up, detail }) => [`reader ${id}`, up ? "ok" : detail] as const);
  const parts = Object.fromEntries([["log", log] as const, ["disk", disk] as const, ...readers]);
  // One reader that works is enough to take taps; the others show by name.
  const anyReader = readers.length === 0 || readers.some(([, state]) => state === "ok");
  return { ready: log === "ok" && disk === "ok" && anyReader, parts };
};
