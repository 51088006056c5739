/** tapmesh's rules as aedes' hooks: who may connect, publish, subscribe, and who is too slow. */
import type { AedesOptions } from "aedes";
import type { Connections } from "#broker/connections.ts";
import { type MayPublish, refuseConnect } from "#broker/connect-rules.ts";
import type { Tally } from "#broker/counters.ts";
import { SUBSCRIBER_WAITING_BYTES_MAX, SUBSCRIPTION_COUNT_MAX } from "#broker/limits.ts";
import type { RetainedBudget } from "#broker/retained-budget.ts";
import { isTopicOpen } from "#broker/topic.ts";
import { excerpt, type Warn } from "#broker/warnings.ts";

export interface RulesDeps {
  readonly connections: Connections;
  readonly retained: RetainedBudget;
  readonly tally: Tally;
  readonly warn: Warn;
  readonly mayPublish: MayPublish;
}

type Hook<Name extends keyof AedesOptions> = NonNullable<AedesOptions[Name]>;

const preConnect =
  ({ connections, mayPublish }: RulesDeps): Hook<"preConnect"> =>
  (client, packet, done) => {
    const connection = connections.of(client);
    if (connection !== undefined) connection.refusal = refuseConnect(packet, mayPublish);
    // No session outlives its connection: for those who are away aedes would queue without bound.
    // CONNACK says so (session present 0), and who was away asks its peers.
    packet.clean = true;
    done(null, true);
  };

const authenticate =
  ({ connections }: RulesDeps): Hook<"authenticate"> =>
  (...[client, , , done]) => {
    const refusal = connections.of(client)?.refusal;
    if (refusal === undefined) {
      done(null, true);
      return;
    }
    connections.end(client, "connect-refused", refusal._tag);
    const { _tag, returnCode } = refusal;
    done(Object.assign(new Error(_tag), { returnCode }), false);
  };

/**
 * This hook replaces aedes' own guard of `$SYS`, hence `isTopicOpen`. An error closes the
 * connection.
 */
const authorizePublish =
  ({ connections, retained, tally, warn, mayPublish }: RulesDeps): Hook<"authorizePublish"> =>
  (client, packet, done) => {
    const { topic } = packet;
    if (client === null) {
      done(new Error("a will of another broker")); // wills are kept in memory: there are none
      return;
    }
    if (!isTopicOpen(topic) || !mayPublish(client.id, topic)) {
      connections.end(client, "publish-denied", topic);
      done(new Error("publish denied"));
      return;
    }
    if (packet.retain) {
      const payload = Buffer.from(packet.payload);
      packet.retain = retained.admit(topic, payload.length);
      // a copy: the original is a view that would keep the whole read of up to 64 KiB in memory
      if (packet.retain) packet.payload = payload;
      else {
        tally.retainedNotKept += 1;
        warn("broker.retained-full", { clientId: client.id, topic: excerpt(topic) });
      }
    }
    done(null);
  };

const authorizeSubscribe =
  ({ connections, tally, warn }: RulesDeps): Hook<"authorizeSubscribe"> =>
  (client, subscription, done) => {
    const filters = connections.of(client)?.filters ?? new Set<string>();
    if (filters.size >= SUBSCRIPTION_COUNT_MAX && !filters.has(subscription.topic)) {
      tally.refusedSubscriptions += 1;
      warn("broker.subscription-refused", { clientId: client.id });
      done(null, null); // answered with failure, 0x80
      return;
    }
    filters.add(subscription.topic);
    done(null, subscription);
  };

/**
 * Called for each message and subscriber, so here is where a subscriber that lags behind is noticed
 * first.
 */
const authorizeForward =
  ({ connections }: RulesDeps): Hook<"authorizeForward"> =>
  (client, packet) => {
    const { conn } = client;
    if (conn.destroyed) return null;
    if (conn.writableLength <= SUBSCRIBER_WAITING_BYTES_MAX) return packet;
    connections.end(client, "subscriber-slow", `${conn.writableLength} bytes waiting`);
    return null;
  };

export const createRules = (
  deps: RulesDeps,
): Required<
  Pick<
    AedesOptions,
    "preConnect" | "authenticate" | "authorizePublish" | "authorizeSubscribe" | "authorizeForward"
  >
> => ({
  preConnect: preConnect(deps),
  authenticate: authenticate(deps),
  authorizePublish: authorizePublish(deps),
  authorizeSubscribe: authorizeSubscribe(deps),
  authorizeForward: authorizeForward(deps),
});
