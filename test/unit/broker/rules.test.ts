import * as fc from "fast-check";
import { expect, test } from "vitest";
import { refuseConnect } from "#broker/connect-rules.ts";
import { TOPIC_LEVEL_COUNT_MAX } from "#broker/limits.ts";
import { createRetainedBudget } from "#broker/retained-budget.ts";
import { isTopicOpen } from "#broker/topic.ts";
import { createWarn, type Fields } from "#broker/warnings.ts";

const own = (clientId: string, topic: string): boolean => topic.startsWith(`${clientId}/`);

test.each(["a", "a/b", "/", "tapmesh-sync/1/f/gw-1/answer/gw-2", "x/".repeat(15) + "x", "a$b"])(
  "topic %j is open",
  (topic) => {
    expect(isTopicOpen(topic)).toBe(true);
  },
);

test.each(["", "$SYS/x", "$x", "a/+", "#", "a\0b", "/".repeat(TOPIC_LEVEL_COUNT_MAX)])(
  "topic %j is not",
  (topic) => {
    expect(isTopicOpen(topic)).toBe(false);
  },
);

test("every gateway id passes; a wildcard, slash, space or control character never does", () => {
  const gatewayId = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,63}$/);
  fc.assert(
    fc.property(gatewayId, (clientId) => {
      expect(refuseConnect({ clientId, clean: false }, own)).toBeUndefined();
    }),
  );
  const bad = fc.constantFrom("+", "#", "/", " ", "\n", "\0", "$", "é", '"');
  fc.assert(
    fc.property(gatewayId, bad, (clientId, char) => {
      const connect = { clientId: clientId.slice(0, 60) + char, clean: true };
      expect(refuseConnect(connect, own)?._tag).toBe("ClientIdRejected");
    }),
  );
});

test("an empty client id needs a clean session", () => {
  expect(refuseConnect({ clientId: "", clean: true }, own)).toBeUndefined();
  expect(refuseConnect({ clientId: "", clean: false }, own)).toEqual({
    _tag: "ClientIdRejected",
    returnCode: 2,
  });
});

test.each([
  [{ topic: "gw-1/state", qos: 1 }, undefined],
  [{ topic: "gw-1/state" }, undefined],
  [{ topic: "gw-1/state", qos: 3 }, "WillDenied"],
  [{ topic: "gw-2/state", qos: 1 }, "WillDenied"],
  [{ topic: "", qos: 0 }, "WillDenied"],
  [{ topic: "gw-1/#", qos: 0 }, "WillDenied"],
])("a will of gw-1 %j: %s", (will, tag) => {
  expect(refuseConnect({ clientId: "gw-1", clean: true, will }, own)?._tag).toBe(tag);
});

test("the retained budget is never exceeded, and what is deleted frees its share", () => {
  const bytesMax = 5_000;
  const message = fc.record({
    topic: fc.constantFrom("a", "bb", "ccc", "dddd"),
    payloadBytes: fc.oneof(fc.constant(0), fc.nat(3_000)),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 50 }), (messages) => {
      const budget = createRetainedBudget(bytesMax);
      const kept = new Map<string, number>();
      for (const { topic, payloadBytes } of messages) {
        const isKept = budget.admit(topic, payloadBytes);
        expect(isKept || payloadBytes > 0).toBe(true); // a deletion is never refused
        if (isKept && payloadBytes > 0) kept.set(topic, payloadBytes);
        if (isKept && payloadBytes === 0) kept.delete(topic);
        expect(budget.count()).toBe(kept.size);
        expect(budget.bytes()).toBeLessThanOrEqual(bytesMax);
        expect(budget.bytes()).toBeGreaterThanOrEqual(
          [...kept.values()].reduce((a, b) => a + b, 0),
        );
      }
      for (const topic of kept.keys()) budget.admit(topic, 0);
      expect(budget.bytes()).toBe(0);
    }),
  );
});

test("warnings: one per code and second, and the next says how many were left out", () => {
  let nowMs = 0;
  const lines: Array<readonly [string, Fields | undefined]> = [];
  const journal = {
    info: (): void => {},
    warn: (code: string, fields?: Fields): void => {
      lines.push([code, fields]);
    },
  };
  const warn = createWarn(journal, () => nowMs);
  for (nowMs = 0; nowMs < 1_000; nowMs += 1) warn("flood", { n: nowMs });
  warn("other", { n: 1 });
  nowMs = 1_001;
  warn("flood", { n: nowMs });
  expect(lines).toEqual([
    ["flood", { n: 0, suppressed: 0 }],
    ["other", { n: 1, suppressed: 0 }],
    ["flood", { n: 1_001, suppressed: 999 }],
  ]);
});
