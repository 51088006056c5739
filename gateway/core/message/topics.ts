/**
 * MQTT topics: the only place where they are spelt.
 *   tapmesh-sync/1/<fleet>/<gateway>/head | tail | held/<author> | ask/<peer> | answer/<peer>     binary, between gateways
 *   tapmesh/<site>/<gateway>/state | info | reader/<id>/tap                                       JSON, for people
 * Each is written by the gateway whose name is in it, and by nobody else.
 */
const SYNC_PREFIX = "tapmesh-sync/1";
const PEOPLE_PREFIX = "tapmesh";

export type SyncChannel = "head" | "tail" | "held" | "ask" | "answer";

export interface SyncTopic {
  readonly from: string;
  readonly channel: SyncChannel;
}

const syncBase = (fleet: string, gateway: string): string => `${SYNC_PREFIX}/${fleet}/${gateway}`;

export const headTopic = (fleet: string, gateway: string): string =>
  `${syncBase(fleet, gateway)}/head`;
export const tailTopic = (fleet: string, gateway: string): string =>
  `${syncBase(fleet, gateway)}/tail`;
export const heldTopic = (fleet: string, gateway: string, author: string): string =>
  `${syncBase(fleet, gateway)}/held/${author}`;
export const askTopic = (fleet: string, gateway: string, peer: string): string =>
  `${syncBase(fleet, gateway)}/ask/${peer}`;
export const answerTopic = (fleet: string, gateway: string, peer: string): string =>
  `${syncBase(fleet, gateway)}/answer/${peer}`;

/** What a gateway subscribes to. */
export const syncSubscriptions = (fleet: string, self: string): ReadonlyArray<string> => [
  headTopic(fleet, "+"),
  tailTopic(fleet, "+"),
  heldTopic(fleet, "+", self),
  askTopic(fleet, "+", self),
  answerTopic(fleet, "+", self),
];

/** Who wrote to which channel; undefined for topics that are not this fleet's, or not meant for this gateway. */
export const parseSyncTopic = (
  topic: string,
  fleet: string,
  self: string,
): SyncTopic | undefined => {
  const base = `${SYNC_PREFIX}/${fleet}/`;
  if (!topic.startsWith(base)) return undefined;
  const [from, channel, to, ...rest] = topic.slice(base.length).split("/");
  if (from === undefined || from === "" || rest.length > 0) return undefined;
  if (channel === "head" || channel === "tail") {
    return to === undefined ? { from, channel } : undefined;
  }
  const isAddressed = channel === "held" || channel === "ask" || channel === "answer";
  return isAddressed && to === self ? { from, channel } : undefined;
};

export const stateTopic = (site: string, gateway: string): string =>
  `${PEOPLE_PREFIX}/${site}/${gateway}/state`;
export const infoTopic = (site: string, gateway: string): string =>
  `${PEOPLE_PREFIX}/${site}/${gateway}/info`;
export const readerTapTopic = (site: string, gateway: string, reader: string): string =>
  `${PEOPLE_PREFIX}/${site}/${gateway}/reader/${reader}/tap`;

/** The broker's rule: a client writes only where its own id stands as the gateway's. */
export const mayPublish = (clientId: string, topic: string): boolean => {
  const levels = topic.split("/");
  if (levels[0] === PEOPLE_PREFIX) return levels[2] === clientId && levels.length > 3;
  if (!topic.startsWith(`${SYNC_PREFIX}/`)) return false;
  return levels[3] === clientId && levels.length > 4;
};
