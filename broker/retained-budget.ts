/** Bounds what the retained messages take together. */
import { RETAINED_BYTES_MAX, RETAINED_OVERHEAD_BYTES } from "#broker/limits.ts";

export interface RetainedBudget {
  /**
   * Whether a retained message may be kept; if so, it counts from now on in place of the topic's
   * last one. An empty payload deletes the topic's message and is always admitted (MQTT 3.1.1
   * section 3.3.1.3).
   */
  readonly admit: (topic: string, payloadBytes: number) => boolean;
  readonly count: () => number;
  readonly bytes: () => number;
}

/** A character of a topic takes up to two bytes in memory. */
const costBytes = (topic: string, payloadBytes: number): number =>
  RETAINED_OVERHEAD_BYTES + 2 * topic.length + payloadBytes;

export const createRetainedBudget = (bytesMax: number = RETAINED_BYTES_MAX): RetainedBudget => {
  const bytesByTopic = new Map<string, number>();
  let usedBytes = 0;

  const admit = (topic: string, payloadBytes: number): boolean => {
    const oldBytes = bytesByTopic.get(topic) ?? 0;
    const newBytes = payloadBytes === 0 ? 0 : costBytes(topic, payloadBytes);
    if (newBytes > oldBytes && usedBytes - oldBytes + newBytes > bytesMax) return false;
    usedBytes += newBytes - oldBytes;
    if (newBytes === 0) bytesByTopic.delete(topic);
    else bytesByTopic.set(topic, newBytes);
    return true;
  };
  return { admit, count: () => bytesByTopic.size, bytes: () => usedBytes };
};
