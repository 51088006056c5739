/** A log writer over a store in memory, with a clock that a test sets. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { ACTOR } from "#core/log/actor.ts";
import {
  decodeBody,
  type Body,
  OPEN_REASON,
  type EarlierEpoch,
  type OpenBody,
} from "#core/log/body.ts";
import type { SignedGroup } from "#core/log/epoch.ts";
import { decodeHeader, KIND } from "#core/log/record.ts";
import { TYPE } from "#core/log/operation.ts";
import { nodeEntropy, generateSigningKey } from "#gateway/node-crypto.ts";
import type { Clock, CommitError, Journal } from "#gateway/ports.ts";
import type { PendingRecord } from "#gateway/writer/pending-record.ts";
import { LogWriter } from "#gateway/writer/log-writer.ts";
import { tapOf } from "#test/contract/epoch-maker.ts";
import { MemoryStore } from "#test/contract/memory-store.ts";

export const IO_FAILED: CommitError = { _tag: "IoFailed", detail: "SQLITE_IOERR: tried by a test" };
export const DISK_FULL: CommitError = { _tag: "DiskFull", detail: "SQLITE_FULL: tried by a test" };

/** A record whose body is this, whatever is known. */
export const pending = (body: Body): PendingRecord => ({
  wallMs: 1_800_000_000_000,
  monoMs: 1_000,
  queries: [],
  body: () => body,
});

export const tap = (device = "cart-1"): PendingRecord => pending(tapOf(device));

/** A change of that many bytes, more or less. */
export const changeOfBytes = (byteCount: number): PendingRecord => {
  const partBytes = 1_000;
  const parts = Math.ceil(byteCount / partBytes);
  return pending({
    _tag: "Change",
    actor: { kind: ACTOR.localUser, name: "tester" },
    device: "cart-1",
    operations: Array.from({ length: parts }, (_, index) => ({
      key: `k${index}`,
      type: TYPE.register,
      value: "x".repeat(Math.min(partBytes, byteCount - index * partBytes)),
      replaces: [],
    })),
  });
};

const silent: Journal["info"] = () => undefined;

export class WriterRig {
  readonly store: MemoryStore = new MemoryStore();
  readonly committed: SignedGroup[] = [];
  readonly writer: LogWriter;
  monoMs = 5_000;

  constructor(unnamed: ReadonlyArray<EarlierEpoch> = []) {
    const clock: Clock = {
      wallMs: () => 1_800_000_000_000 + this.monoMs,
      monoMs: () => this.monoMs,
      preciseMs: () => this.monoMs,
    };
    this.writer = new LogWriter(
      {
        store: this.store,
        clock,
        journal: { info: silent, warn: silent, error: silent },
        author: {
          fleet: "acme",
          gateway: "lobby",
          gatewayKey: generateSigningKey(),
          bootId: new Uint8Array(16),
          clockClass: () => 3,
        },
        entropy: nodeEntropy,
        onCommitted: (group) => void this.committed.push(group),
      },
      { unnamed, reason: OPEN_REASON.boot },
    );
  }

  /** Each own epoch as it is on disk: the kinds of its records, and its `open`. */
  async epochs(): Promise<
    ReadonlyArray<{
      readonly epoch: string;
      readonly kinds: ReadonlyArray<string>;
      readonly open: OpenBody;
    }>
  > {
    const stored = await this.store.epochs();
    return Promise.all(
      stored.map(async ({ head }) => {
        const records = await this.store.records(head.epoch, 0, head.range.size);
        const kinds = records.map(({ header }) => {
          const decoded = decodeHeader(header);
          const kind = E.isRight(decoded) ? decoded.right.kind : -1;
          return Object.entries(KIND).find(([, number]) => number === kind)?.[0] ?? "none";
        });
        const open = decodeBody(KIND.open, records[0]?.body ?? new Uint8Array(0));
        if (E.isLeft(open) || open.right._tag !== "Open") throw new Error("no open record");
        return { epoch: toHex(head.epoch), kinds, open: open.right };
      }),
    );
  }
}
