/**
 * What replication costs a gateway a day: measured per message in a fleet of that size, and counted up on paper.
 *   tails   each gateway sends one a tap, and receives everybody else's
 *   heads   one every 30 s, in fleets beyond 32 gateways more rarely in proportion; received from everybody
 *   helds   one a tap for each mirror, and with each head one for each author that is stored
 *   disk    the own records and those of the authors that are stored
 */
import { HEAD_PERIOD_GATEWAYS, HEAD_PERIOD_MS } from "#core/sync/state.ts";
import { newScaleFleet, type ScaleFleet } from "#test/simulation/scale/fleet.ts";
import { tap } from "#test/unit/core/log/sample-epoch.ts";

const DAY_MS = 86_400_000;
/** In a log file, with its place in the tree and its share of everything else: see the bench. */
const DISK_BYTES_PER_RECORD = 210;

const SPEAKERS_COUNT = 100;

/** Per gateway. */
export interface Measured {
  readonly gateways: number;
  /** One tap of each gateway: what one gateway receives. */
  readonly tailsPerRound: number;
  readonly tailBytes: number;
  readonly heldsPerRound: number;
  readonly heldBytes: number;
  /** One head of each gateway: what one gateway receives, helds that come with it included. */
  readonly headsPerRound: number;
  readonly headBytes: number;
  readonly heldsPerHeadRound: number;
  /** Authors, itself included, whose records it stores; and the most that any stores. */
  readonly storedAuthors: number;
  readonly storedAuthorsMax: number;
  /** Asks and answers in both rounds: none while nothing is lost. */
  readonly asks: number;
}

const startAll = (fleet: ScaleFleet, nowMs: number): void => {
  for (const gateway of fleet.gateways) gateway.write([], nowMs);
  fleet.settle(nowMs);
};

const mean = (bytes: number, messages: number): number => (messages === 0 ? 0 : bytes / messages);

export const measure = (count: number): Measured => {
  const fleet = newScaleFleet(count);
  startAll(fleet, 0);
  let nowMs = 1_000;
  for (const gateway of fleet.gateways) gateway.take({ _tag: "Ticked" }, nowMs);
  fleet.settle(nowMs);
  fleet.takeTraffic();
  // Gateways are alike: of many a hundred speak, and count for the others.
  const stride = Math.max(1, Math.floor(count / SPEAKERS_COUNT));
  const speakers = fleet.gateways.filter((_, index) => index % stride === 0);
  // A tap of each, a second apart, so that no two share an acknowledgement.
  for (const gateway of speakers) {
    nowMs += 1_000;
    gateway.write([tap(1)], nowMs);
    fleet.settle(nowMs);
  }
  const taps = fleet.takeTraffic().received;
  for (const gateway of speakers) {
    gateway.take({ _tag: "Connected" }, nowMs);
    fleet.settle(nowMs);
  }
  const heads = fleet.takeTraffic().received;
  const stored = fleet.gateways.map(({ state }) => state.stores.size);
  const each = (total: number): number => total / speakers.length;
  return {
    gateways: count,
    tailsPerRound: each(taps.messages.tail),
    tailBytes: mean(taps.bytes.tail, taps.messages.tail),
    heldsPerRound: each(taps.messages.held),
    heldBytes: mean(taps.bytes.held, taps.messages.held),
    headsPerRound: each(heads.messages.head),
    headBytes: mean(heads.bytes.head, heads.messages.head),
    heldsPerHeadRound: each(heads.messages.held),
    storedAuthors: stored.reduce((sum, size) => sum + size, 0) / count,
    storedAuthorsMax: Math.max(...stored),
    asks: taps.messages.ask + heads.messages.ask,
  };
};

/** A larger fleet, with as many mirrors: only what everybody says to all grows. */
export const onPaper = (measured: Measured, gateways: number): Measured => ({
  ...measured,
  gateways,
  tailsPerRound: gateways - 1,
  headsPerRound: gateways - 1,
});

/** Per gateway and day. */
export interface DayCosts {
  readonly gateways: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly diskBytes: number;
  readonly cpuSeconds: number;
}

/** What a received tail and any other received message cost in time: of a run on the machine that counts. */
export interface Times {
  readonly tailMs: number;
  readonly statementMs: number;
}

export const dayCosts = (measured: Measured, tapsPerDay: number, times: Times): DayCosts => {
  const { gateways } = measured;
  const headPeriodMs = HEAD_PERIOD_MS * Math.max(1, gateways / HEAD_PERIOD_GATEWAYS);
  const headRounds = DAY_MS / headPeriodMs;
  const tails = measured.tailsPerRound * tapsPerDay;
  const heads = measured.headsPerRound * headRounds;
  const helds = measured.heldsPerRound * tapsPerDay + measured.heldsPerHeadRound * headRounds;
  return {
    gateways,
    messagesReceived: tails + heads + helds,
    messagesSent: tapsPerDay + headRounds + helds,
    bytesReceived:
      tails * measured.tailBytes + heads * measured.headBytes + helds * measured.heldBytes,
    bytesSent:
      tapsPerDay * measured.tailBytes +
      headRounds * measured.headBytes +
      helds * measured.heldBytes,
    diskBytes: measured.storedAuthors * tapsPerDay * DISK_BYTES_PER_RECORD,
    cpuSeconds: (tails * times.tailMs + (heads + helds) * times.statementMs) / 1_000,
  };
};
