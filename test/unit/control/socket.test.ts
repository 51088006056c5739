/** Requests and answers over the control socket: how long a line may be, and how it may arrive. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import * as E from "fp-ts/lib/Either.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { askGateway } from "#gateway/control/client.ts";
import { REQUEST_BYTES_MAX } from "#gateway/control/protocol.ts";
import { startControlServer, type ControlServer } from "#gateway/control/server.ts";
import type { ControlVerbs } from "#gateway/control/verbs.ts";
import type { RecordView } from "#gateway/queries/records.ts";
import { rightOf } from "#test/unit/core/log/either.ts";

const RECORD: RecordView = {
  epoch: "00".repeat(32),
  seq: 1,
  gateway: "lobby",
  kind: "change",
  wallMs: 0,
  trueMs: null,
  summary: "x".repeat(1_000),
  voidedBy: null,
};
/** As many as `log show` asks for at the most. */
const RECORDS = Array.from({ length: 10_000 }, () => RECORD);
const REQUEST = { verb: "records", gateway: null, epoch: null, count: RECORDS.length } as const;

const VERBS: ControlVerbs = {
  run: () => Promise.resolve(E.right(RECORDS)),
  watch: () => () => undefined,
};

let folder = "";
let server: ControlServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tapmesh-control-"));
  const started = await startControlServer(join(folder, "socket"), VERBS, {
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  });
  server = rightOf(started);
});

afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

test("an answer may be longer than a request", async () => {
  const answer = await askGateway(join(folder, "socket"), REQUEST);
  expect(answer).toEqual(E.right(RECORDS));
});

test("a request comes in any pieces, and several in one", async () => {
  const socket = connect(join(folder, "socket"));
  const text = `${JSON.stringify(REQUEST)}\n`;
  socket.write(text.slice(0, 5));
  await new Promise((resolve) => setImmediate(resolve));
  socket.write(text.slice(5) + text);
  let lines = 0;
  for await (const chunk of socket) {
    lines += String(chunk).split("\n").length - 1;
    if (lines === 2) break;
  }
  expect(lines).toBe(2);
});

test("a request without an end is not waited for", async () => {
  const socket = connect(join(folder, "socket"));
  socket.on("error", () => undefined);
  socket.write("x".repeat(REQUEST_BYTES_MAX + 1));
  await once(socket, "close");
  expect(socket.destroyed).toBe(true);
});
