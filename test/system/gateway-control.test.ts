/** The control socket under people and programs that get it wrong, and what it promises to those who don't. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonScalar } from "#gateway/queries/values.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { uidOf } from "#test/gateway/taps.ts";

let fleet: TestFleet;
let gateway: GatewayProcess;

beforeAll(async () => {
  fleet = new TestFleet(["lobby"]);
  gateway = await fleet.gateway("lobby").start();
});

afterAll(() => fleet[Symbol.asyncDispose]());

/** Sends raw text; resolves with all that comes back until the connection ends, or one line did. */
const say = async (text: string): Promise<string> => {
  const socket = connect(gateway.socket);
  await once(socket, "connect");
  let heard = "";
  const done = new Promise<string>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard.endsWith("\n")) resolve(heard);
    });
    socket.once("close", () => resolve(heard));
    socket.on("error", () => resolve(heard));
  });
  socket.write(text);
  const answer = await done;
  socket.destroy();
  return answer;
};

test.each([
  ["no JSON", "hello\n", "not a line of JSON"],
  ["a list", "[1]\n", "not a JSON object"],
  ["an unknown verb", '{"verb":"explode"}\n', "doesn't know the verb"],
  ["a verb of every object", '{"verb":"constructor"}\n', "doesn't know the verb"],
  ["a field missing", '{"verb":"tap"}\n', "fields of"],
  ["a field of another type", '{"verb":"device","device":7}\n', "fields of"],
  ["a moment that is none", '{"verb":"device","device":"x","at":{"trueMs":-1}}\n', "fields of"],
  [
    "a type that is none",
    '{"verb":"set","device":"x","key":"k","value":1,"type":"set","user":"u"}\n',
    "fields of",
  ],
  [
    "a revert without a wish",
    '{"verb":"revert","device":"x","to":{"trueMs":1},"user":"u"}\n',
    "fields of",
  ],
  [
    "a record's name that is none",
    '{"verb":"void","record":{"epoch":"xyz","seq":1},"change":{"isToApply":true,"shown":null},"user":"u"}\n',
    "fields of",
  ],
  [
    "a member that says not whether",
    '{"verb":"member","device":"x","key":"k","value":1,"user":"u"}\n',
    "fields of",
  ],
  ["bytes that are no text", "\u0000\u0001\ufffd\n", "not a line of JSON"],
])("%s is refused in words", async (_what, line, message) => {
  const answer: unknown = JSON.parse(await say(line));
  expect(answer).toMatchObject({
    error: { code: "request-malformed", message: expect.stringContaining(message) },
  });
});

test("a line of 5 MB ends that connection, and no other", async () => {
  const watching = await gateway.watch();
  expect(await say("x".repeat(5 * 1024 * 1024))).toBe("");
  await gateway.tap(uidOf(1));
  expect(watching).toContainEqual(expect.objectContaining({ event: "tap" }));
});

test("several requests on one connection are each answered", async () => {
  const socket = connect(gateway.socket);
  let heard = "";
  socket.on("data", (chunk: Buffer) => {
    heard += chunk.toString();
  });
  socket.write('{"verb":"status"}\nnonsense\n{"verb":"devices","after":""}\n');
  await expect.poll(() => heard.split("\n").length - 1).toBe(3);
  socket.destroy();
});

test("what was said to be done is done: a tap right behind its enrolment is accepted", async () => {
  const verdicts = new Set<string>();
  for (let card = 100; card < 130; card += 1) {
    const device = `cart-${card}`;
    await gateway.ask<"enrol">({ verb: "enrol", device, uid: uidOf(card), user: "tester" });
    const { verdict } = await gateway.tap(uidOf(card));
    verdicts.add(verdict);
  }
  expect([...verdicts]).toEqual(["accepted"]);
});

test("a device that is lost is refused at the tap right behind", async () => {
  await gateway.enrol("cart-lost", uidOf(200));
  const set = {
    verb: "set",
    device: "cart-lost",
    key: "safety",
    type: null,
    user: "tester",
  } as const;
  await gateway.ask<"set">({ ...set, value: "lost" });
  expect(await gateway.tap(uidOf(200))).toMatchObject({
    verdict: "refused",
    reason: "device-lost",
  });
});

test("an import of 3,000 devices is written whole", { timeout: 60_000 }, async () => {
  const rows = Array.from({ length: 3_000 }, (_, index) => ({
    line: index + 2,
    device: `tool-${index}`,
    uid: uidOf(10_000 + index),
    values: { colour: "red" },
  }));
  const imported = { verb: "import", rows, dryRun: false, user: "tester" } as const;
  expect(await gateway.ask<"import">(imported)).toEqual({ rows: 3_000, written: 3_000 });
  expect(await gateway.value("tool-2999", "colour")).toBe("red");
});

test.each([
  ["a user whose name no record can hold", { user: "u".repeat(200), values: {} }],
  [
    "more values than one record can hold",
    {
      user: "tester",
      values: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`key${n}`, n])),
    },
  ],
])("what is said to be written is there: %s", async (name, given) => {
  const device = name.includes("user") ? "of-long-user" : "of-many-values";
  const values: Readonly<Record<string, JsonScalar>> = given.values;
  const rows = [{ line: 2, device, uid: uidOf(name.length + 300), values }];
  const answer = await gateway.tryAsk<"import">({
    verb: "import",
    rows,
    dryRun: false,
    user: given.user,
  });
  const devices = await gateway.tryAsk<"device">({ verb: "device", device, at: null });
  // Refused in words or written: both are honest. Said to be written, and not there, is not.
  expect(devices._tag).toBe(answer._tag);
});

test("two rows for one card, spelt differently, are refused before anything is written", async () => {
  const uid = "04AABBCCDDEE80";
  const spelt = uid.replaceAll(/(..)(?=.)/g, "$1:").toLowerCase();
  const rows = [
    { line: 2, device: "twin-1", uid, values: {} },
    { line: 3, device: "twin-2", uid: spelt, values: {} },
  ];
  const answer = await gateway.tryAsk<"import">({
    verb: "import",
    rows,
    dryRun: false,
    user: "tester",
  });
  expect(answer).toMatchObject({ _tag: "Left", left: { error: { code: "card-taken" } } });
  expect(
    await gateway.tryAsk<"device">({ verb: "device", device: "twin-1", at: null }),
  ).toMatchObject({
    _tag: "Left",
  });
});
