/** What records say, in a few words each. */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { clockClassName } from "#core/clock/clock-class.ts";
import { ACTOR, type Actor } from "#core/log/actor.ts";
import { decodeBody, type Body } from "#core/log/body.ts";
import { TYPE } from "#core/log/operation.ts";
import { decodeHeader, KIND, type Header, type RecordBytes } from "#core/log/record.ts";
import { decodeMark, markNameOf } from "#core/verdict/counter-mark.ts";
import type { HeldEpoch, Store } from "#gateway/ports.ts";
import { knownOf, type Known, type RecordName } from "#gateway/queries/known.ts";
import { readableScalar } from "#gateway/queries/values.ts";

export interface RecordView extends RecordName {
  readonly gateway: string;
  readonly kind: string;
  /** What its author's clock said. */
  readonly wallMs: number;
  /** What it should have said, by a clock fix; null where none is known. */
  readonly trueMs: number | null;
  /** What the record says, in a few words. */
  readonly summary: string;
  /** The record that marks it as wrong. */
  readonly voidedBy: RecordName | null;
}

/** Where a record stands, and what is known of it beside what it says. */
export interface RecordContext {
  readonly gateway: string;
  readonly epoch: Uint8Array;
  readonly seq: number;
  readonly known?: Known;
}

const ACTOR_NAMES: Readonly<Record<number, string>> = {
  [ACTOR.gateway]: "gateway",
  [ACTOR.reader]: "reader",
  [ACTOR.operator]: "operator",
  [ACTOR.localUser]: "local user",
  [ACTOR.policy]: "policy",
};

export const actorText = ({ kind, name }: Actor): string =>
  `${ACTOR_NAMES[kind] ?? "unknown"} ${name}`;

/** A record decoded; a body that was erased, or that a later tapmesh wrote, is undefined. */
export interface DecodedRecord {
  readonly header: Header;
  readonly body: Body | undefined;
}

/** Undefined for no record, and for a header that doesn't decode. */
export const decodeRecord = (record: RecordBytes | undefined): DecodedRecord | undefined => {
  const header = record === undefined ? undefined : decodeHeader(record.header);
  if (record === undefined || header === undefined || E.isLeft(header)) return undefined;
  const body = record.body === null ? undefined : decodeBody(header.right.kind, record.body);
  const isKnown = body !== undefined && E.isRight(body);
  return { header: header.right, body: isKnown ? body.right : undefined };
};

const formatOperations = (
  body: Body & { readonly _tag: "Tap" | "Change" | "Enrol" | "Void" },
): string =>
  body.operations
    .map(({ key, type, value, replaces }) => {
      const mark = markNameOf({ key, type }) === undefined ? undefined : decodeMark(value);
      if (mark !== undefined) return `counter=${mark.count}${mark.cameBack ? " (copied)" : ""}`;
      const readable = readableScalar(value, type);
      const text =
        value instanceof Uint8Array ? `…${String(readable).slice(-4)}` : String(readable);
      if (type === TYPE.counter) return Number(value) < 0 ? `${key}${text}` : `${key}+${text}`;
      if (type !== TYPE.set) return value === null ? `${key} unset` : `${key}=${text}`;
      return value === null ? `${key}: ${replaces.length} removed` : `${key}: added ${text}`;
    })
    .join(" ");

const VERDICT_WORDS = ["accepted", "unknown", "refused"];

const tapSummary = (body: Body & { readonly _tag: "Tap" }): string => {
  const marks = `${body.simulated ? " [simulated]" : ""}${body.atStart ? " [at start]" : ""}`;
  const what = body.device ?? `card …${toHex(body.card).slice(-4)}`;
  const verdict = VERDICT_WORDS[body.verdict] ?? "unknown verdict";
  const why = body.reason === "" ? "" : ` (${body.reason})`;
  return `${verdict} ${what}${why} at ${body.actor.name} ${formatOperations(body)}${marks}`;
};

const summaryOf = (body: Body | undefined): string => {
  if (body === undefined) return "(not known to this version, or erased)";
  switch (body._tag) {
    case "Open":
      return `key ${toHex(body.epochKey).slice(0, 8)}…, clock ${clockClassName(body.clockClass)}, ${body.earlier.length} earlier named`;
    case "Close":
      return "in order";
    case "Tap":
      return tapSummary(body);
    case "Change":
    case "Enrol":
      return `${body.device} ${formatOperations(body)}`;
    case "ClockFix":
      return `boot ${toHex(body.bootId).slice(0, 8)} began at ${new Date(body.wallAtBootMs).toISOString()}, ± ${body.plusMinusMs} ms`;
    case "Void": {
      const { target, device } = body;
      const undone = device === null ? "" : ` ${device} ${formatOperations(body)}`;
      return `record ${toHex(target.epoch).slice(0, 4)}/${target.seq} is wrong${undone}`;
    }
    case "Fork":
      return "an epoch with two branches";
  }
};

const kindName = (kind: number): string =>
  Object.entries(KIND).find(([, number]) => number === kind)?.[0] ?? `kind ${kind}`;

export const recordView = (record: RecordBytes, context: RecordContext): RecordView => {
  const { gateway, epoch, seq, known } = context;
  const decoded = decodeRecord(record);
  const wallMs = decoded?.header.wallMs ?? 0;
  const trueMs = known?.clocks.trueTime({ epoch, wallMs, monoMs: decoded?.header.monoMs ?? 0 });
  return {
    epoch: toHex(epoch),
    seq,
    gateway,
    kind: kindName(decoded?.header.kind ?? -1),
    wallMs,
    trueMs: trueMs === undefined || trueMs === wallMs ? null : trueMs,
    summary: summaryOf(decoded?.body),
    voidedBy: known?.voidedBy({ epoch, seq }) ?? null,
  };
};

export interface RecordFilter {
  readonly gateway: string | null;
  /** The first digits of epochs. */
  readonly epoch: string | null;
  readonly count: number;
}

const isAskedFor = ({ gateway, head }: HeldEpoch, filter: RecordFilter): boolean =>
  (filter.gateway === null || gateway === filter.gateway) &&
  (filter.epoch === null || toHex(head.epoch).startsWith(filter.epoch));

/** The newest records of all epochs of one gateway (or of all), oldest first. */
export const newestRecords = async (
  store: Store,
  filter: RecordFilter,
): Promise<ReadonlyArray<RecordView>> => {
  const known = await knownOf(store);
  const views: Array<{ readonly view: RecordView; readonly orderMs: number }> = [];
  const latestMs = new Map<string, number>();
  for (const { gateway, head } of (await store.epochs()).filter((held) =>
    isAskedFor(held, filter),
  )) {
    const { size } = head.range;
    const from = Math.max(0, size - filter.count);
    const records = await store.records(head.epoch, from, size);
    for (const [index, record] of records.entries()) {
      const view = recordView(record, { gateway, epoch: head.epoch, seq: from + index, known });
      // A gateway's records stay in their order, whatever its clock said; only between gateways do clocks decide.
      const orderMs = Math.max(view.trueMs ?? view.wallMs, latestMs.get(gateway) ?? 0);
      latestMs.set(gateway, orderMs);
      views.push({ view, orderMs });
    }
  }
  return views
    .toSorted((a, b) => a.orderMs - b.orderMs)
    .slice(-filter.count)
    .map(({ view }) => view);
};
