/** Many taps, as fast as simulated readers take them. */
import { eventuallyTrue } from "#test/gateway/eventually.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";

/** Ids for so many simulated readers: the more, the more taps at once. */
export const readerIds = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `r${index + 1}`);

/** UID of the card with that number: 7 bytes, fit for enrolment. */
export const uidOf = (card: number): string => `04${card.toString(16).padStart(12, "0")}`;

/** Taps `count` cards, each another than the one before it at its reader; all are recorded when it resolves. */
export const tapMany = async (
  gateway: GatewayProcess,
  readers: ReadonlyArray<string>,
  count: number,
): Promise<void> => {
  let next = 0;
  const tapping = readers.map(async (reader) => {
    while (next < count) {
      const card = next;
      next += 1;
      const { record } = await gateway.tap(uidOf(card), reader);
      if (record === null) throw new Error("not recorded");
    }
  });
  await Promise.all(tapping);
};

/** Waits until all hold the same records and the same state. */
export const untilEqual = async (
  gateways: ReadonlyArray<GatewayProcess>,
  timeoutMs?: number,
): Promise<void> => {
  await eventuallyTrue(
    "equal digests and records",
    async () => {
      const states = await Promise.all(gateways.map((gateway) => gateway.status()));
      const texts = states.map(({ digest, authors }) => JSON.stringify({ digest, authors }));
      return new Set(texts).size === 1;
    },
    timeoutMs,
  );
};
