/** Records that a person causes, without a tap. */
import * as E from "fp-ts/lib/Either.js";
import { ACTOR, type Actor } from "#core/log/actor.ts";
import type { Body } from "#core/log/body.ts";
import type { ControlError } from "#gateway/control/protocol.ts";
import { describeAppendError, refusal } from "#gateway/control/refusal.ts";
import { APPEND_QUEUE_MAX } from "#gateway/limits.ts";
import type { KnownWritesQuery } from "#gateway/ports.ts";
import type { Gateway } from "#gateway/gateway.ts";
import type { PendingRecord } from "#gateway/writer/pending-record.ts";

/** Records that wait for the disk at once: half of what may wait at all, so that taps still find a place. */
export const RECORDS_AT_ONCE: number = APPEND_QUEUE_MAX / 2;

export const localUser = (user: string): Actor => ({ kind: ACTOR.localUser, name: user });

/** A body, and the keys whose known writes it replaces, where it doesn't name them itself. */
export interface NewRecord {
  readonly queries?: ReadonlyArray<KnownWritesQuery>;
  readonly body: PendingRecord["body"];
}

/** A record that says just this. */
export const saying = (body: Body): NewRecord => ({ body: () => body });

const appendOne = async (
  gateway: Gateway,
  { queries = [], body }: NewRecord,
): Promise<E.Either<ControlError, void>> => {
  const wallMs = gateway.clock.wallMs();
  const monoMs = gateway.clock.monoMs();
  const appended = await gateway.writer.append({ wallMs, monoMs, queries, body });
  return E.isLeft(appended)
    ? refusal("not-recorded", describeAppendError(appended.left))
    : E.right(undefined);
};

/** How many are on disk, and why the first that is not isn't. */
export interface Appended {
  readonly written: number;
  readonly failure: ControlError | null;
}

/**
 * Appends them in their order; a tap right behind knows what they changed. What fits one commit is on disk as a whole
 * or not at all; after a failure no more are begun.
 */
export const appendAll = async (
  gateway: Gateway,
  records: ReadonlyArray<NewRecord>,
): Promise<Appended> => {
  let written = 0;
  for (let at = 0; at < records.length; at += RECORDS_AT_ONCE) {
    const slice = records.slice(at, at + RECORDS_AT_ONCE);
    const results = await Promise.all(slice.map((record) => appendOne(gateway, record)));
    written += results.filter((result) => E.isRight(result)).length;
    const failed = results.find((result) => E.isLeft(result));
    if (failed !== undefined) return { written, failure: failed.left };
  }
  await gateway.store.digest(); // answered behind the folds of all that was committed
  return { written, failure: null };
};
