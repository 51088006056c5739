/** Whether a CONNECT is accepted. */
import { CLIENT_ID_CHAR_COUNT_MAX } from "#broker/limits.ts";
import { isTopicOpen } from "#broker/topic.ts";

/** What the rules read of a CONNECT. */
export interface Connect {
  readonly clientId: string;
  readonly clean?: boolean | undefined;
  readonly will?: { readonly topic: string; readonly qos?: number } | undefined;
}

/**
 * The client whose id this is may publish to that topic. Called for each PUBLISH: must be cheap.
 */
export type MayPublish = (clientId: string, topic: string) => boolean;

export type ConnectRefusal =
  /** CONNACK 2. */
  | { readonly _tag: "ClientIdRejected"; readonly returnCode: 2 }
  /** CONNACK 5: the will could not be published later. */
  | { readonly _tag: "WillDenied"; readonly returnCode: 5 };

/**
 * Gateways have ids in `[a-z0-9-]`. Tools that only read make their own: `mqttjs_8a0b`,
 * `mosqsub|12-host.lan`, `auto-2C1F...`, `host.bridge:1`. Nothing else is let in: ids end up in
 * journals and other tools.
 */
const CLIENT_ID = /^[A-Za-z0-9][A-Za-z0-9._:|-]*$/;

const isClientIdAllowed = (clientId: string, clean: boolean): boolean =>
  clientId === ""
    ? clean // [MQTT-3.1.3-8]: the broker makes an id, which nobody can come back to
    : clientId.length <= CLIENT_ID_CHAR_COUNT_MAX && CLIENT_ID.test(clientId);

/**
 * Undefined when the CONNECT is acceptable. A will is judged as a publish of that client, now: at
 * its end nobody would be left to be told.
 * Source: MQTT 3.1.1 sections 3.1.3 and 3.2.2.3.
 */
export const refuseConnect = (
  connect: Connect,
  mayPublish: MayPublish,
): ConnectRefusal | undefined => {
  const { clientId, clean = false, will } = connect;
  if (!isClientIdAllowed(clientId, clean)) return { _tag: "ClientIdRejected", returnCode: 2 };
  if (will === undefined) return undefined;
  const isWillAllowed =
    (will.qos ?? 0) <= 2 && isTopicOpen(will.topic) && mayPublish(clientId, will.topic);
  return isWillAllowed ? undefined : { _tag: "WillDenied", returnCode: 5 };
};
