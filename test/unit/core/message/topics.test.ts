import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  answerTopic,
  askTopic,
  headTopic,
  heldTopic,
  mayPublish,
  parseSyncTopic,
  readerTapTopic,
  stateTopic,
  syncSubscriptions,
  tailTopic,
} from "#core/message/topics.ts";

const name = fc.stringMatching(/^[a-z0-9-]{1,32}$/);

/** MQTT 3.1.1 section 4.7, for filters with `+` alone. */
const matches = (filter: string, topic: string): boolean => {
  const [levels, wanted] = [topic.split("/"), filter.split("/")];
  return levels.length === wanted.length && wanted.every((w, i) => w === "+" || w === levels[i]);
};

test("a topic that is written is subscribed to, allowed and read back as what it is", () => {
  fc.assert(
    fc.property(name, name, name, (fleet, from, self) => {
      const written = [
        [headTopic(fleet, from), { from, channel: "head" }],
        [tailTopic(fleet, from), { from, channel: "tail" }],
        [heldTopic(fleet, from, self), { from, channel: "held" }],
        [askTopic(fleet, from, self), { from, channel: "ask" }],
        [answerTopic(fleet, from, self), { from, channel: "answer" }],
      ] as const;
      const filters = syncSubscriptions(fleet, self);
      expect(filters).toHaveLength(written.length);
      for (const [topic, read] of written) {
        expect(parseSyncTopic(topic, fleet, self)).toEqual(read);
        expect(filters.filter((filter) => matches(filter, topic))).toHaveLength(1);
        expect(mayPublish(from, topic)).toBe(true);
      }
    }),
  );
});

test("a gateway writes under its own name only", () => {
  fc.assert(
    fc.property(name, name, name, (fleet, gateway, other) => {
      fc.pre(gateway !== other);
      for (const topic of [
        headTopic(fleet, gateway),
        tailTopic(fleet, gateway),
        askTopic(fleet, gateway, other),
        answerTopic(fleet, gateway, other),
        stateTopic("hq", gateway),
        readerTapTopic("hq", gateway, "door"),
      ]) {
        expect(mayPublish(gateway, topic)).toBe(true);
        expect(mayPublish(other, topic)).toBe(false);
      }
    }),
  );
});

describe("nobody may write to", () => {
  test.each([
    "",
    "/",
    "lobby",
    "tapmesh",
    "tapmesh/hq/lobby",
    "tapmesh-sync/1/fleet/lobby",
    "tapmesh-sync/2/fleet/lobby/head",
    "tapmesh-sync/1",
    "tapmesh/lobby/hq/state",
    "homeassistant/lobby/lobby/lobby/lobby",
    "xtapmesh-sync/1/fleet/lobby/head",
  ])("%j", (topic) => {
    expect(mayPublish("lobby", topic)).toBe(false);
  });
});

describe("not for this gateway", () => {
  test.each([
    "",
    "tapmesh-sync/1/other/dock/head",
    "tapmesh-sync/1/fleet",
    "tapmesh-sync/1/fleet/",
    "tapmesh-sync/1/fleet//head",
    "tapmesh-sync/1/fleet/dock",
    "tapmesh-sync/1/fleet/dock/head/more",
    "tapmesh-sync/1/fleet/dock/tail/lobby",
    "tapmesh-sync/1/fleet/dock/ask",
    "tapmesh-sync/1/fleet/dock/ask/yard",
    "tapmesh-sync/1/fleet/dock/ask/lobby/more",
    "tapmesh-sync/1/fleet/dock/answer/yard",
    "tapmesh-sync/1/fleet/dock/held",
    "tapmesh-sync/2/fleet/dock/head",
    "tapmesh/fleet/dock/head",
  ])("%j", (topic) => {
    expect(parseSyncTopic(topic, "fleet", "lobby")).toBeUndefined();
  });
});
