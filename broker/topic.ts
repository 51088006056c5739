/** Which topics a client may name in PUBLISH or in its will, whoever it is. */
import { TOPIC_LEVEL_COUNT_MAX } from "#broker/limits.ts";

/**
 * Whether any client may publish to the topic: not empty, no wildcard, no NUL, not too deep, and
 * not beginning with `$`, which is the broker's own (`$SYS/...`).
 * Source: MQTT 3.1.1 sections 1.5.3, 4.7.1 to 4.7.3.
 */
export const isTopicOpen = (topic: string): boolean =>
  topic !== "" &&
  !topic.startsWith("$") &&
  !topic.includes("\0") &&
  !topic.includes("+") &&
  !topic.includes("#") &&
  topic.split("/", TOPIC_LEVEL_COUNT_MAX + 1).length <= TOPIC_LEVEL_COUNT_MAX;
