/** What is held anywhere of one author: all peers are asked, and what they have and this gateway hasn't is fetched. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { activeGateways } from "#core/trust/roster.ts";
import type { ControlError, ControlResults } from "#gateway/control/protocol.ts";
import { refusal } from "#gateway/control/refusal.ts";
import type { Gateway } from "#gateway/gateway.ts";

/** Peers that have not answered by then are down or cut off: the answer says which they are. */
const ANSWER_TIMEOUT_MS = 3_000;
/** What they have is fetched meanwhile, and a little longer. */
const FETCH_TIMEOUT_MS = 10_000;
const POLL_MS = 50;

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const isFetching = (gateway: Gateway, author: string): boolean => {
  const { wants, replica } = gateway.sync.state;
  return [...wants.keys()].some((epoch) => {
    const known = replica.get(epoch);
    return known === undefined || known.author === author;
  });
};

/** Waits until it is true, or until that time; the monotonic clock counts. */
const until = async (gateway: Gateway, untilMs: number, isDone: () => boolean): Promise<void> => {
  while (!isDone() && gateway.clock.monoMs() < untilMs) await delay(POLL_MS);
};

export const authorHeads = async (
  gateway: Gateway,
  author: string,
): Promise<E.Either<ControlError, ControlResults["author-heads"]>> => {
  const roster = gateway.roster();
  if (!roster.gateways.some(({ name }) => name === author)) {
    return refusal("gateway-unknown", `the roster has no gateway "${author}"`);
  }
  const asked = activeGateways(roster)
    .map(({ name }) => name)
    .filter((name) => name !== gateway.config.gateway && name !== author);
  const answered = new Set<string>();
  const stop = gateway.watch((event) => {
    if (event._tag === "EpochsHeard" && event.author === author) answered.add(event.from);
  });
  const startMs = gateway.clock.monoMs();
  gateway.sync.askAuthor(author);
  await until(gateway, startMs + ANSWER_TIMEOUT_MS, () =>
    asked.every((name) => answered.has(name)),
  );
  await until(gateway, startMs + FETCH_TIMEOUT_MS, () => !isFetching(gateway, author));
  stop();
  const epochs = [...gateway.sync.state.replica.values()]
    .filter((epoch) => epoch.author === author)
    .map(({ gatewayKey, head }) => ({
      epoch: toHex(head.epoch),
      key: gatewayKey,
      size: head.range.size,
    }));
  const heard = asked.filter((name) => answered.has(name));
  return E.right({ gateway: author, epochs, asked, answered: heard });
};
