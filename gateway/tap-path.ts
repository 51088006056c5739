/**
 * The life of a tap, on one page and in this order:
 * sighting → tap → verdict → feedback → record → commit → state, link.
 */
import * as E from "fp-ts/lib/Either.js";
import { toHex } from "#core/bytes.ts";
import { carriedBy } from "#core/carried/carried-by.ts";
import type { CarriedError } from "#core/carried/carried-state.ts";
import type { Sighting } from "#core/card/sighting.ts";
import { ACTOR } from "#core/log/actor.ts";
import { TECHNOLOGY, type TapBody } from "#core/log/body.ts";
import { REPLACES_COUNT_MAX, type WriteName } from "#core/log/operation.ts";
import { nothingSeen, onArrival, onLeft, type ReaderPresence } from "#core/verdict/debounce.ts";
import { type PhoneStanding, type Verdict, verdictNumber } from "#core/verdict/decide.ts";
import type { NextWrite } from "#core/verdict/known-registers.ts";
import { identityOf } from "#core/verdict/tap-identity.ts";
import type { BroughtEntry, CarriedStates } from "#gateway/carried/carried-states.ts";
import { rulesOfCheckOut, type CheckOutOutcome } from "#core/verdict/check-out.ts";
import { operationsFor, type TapRule } from "#core/verdict/on-tap.ts";
import type { CheckOuts } from "#gateway/check-outs.ts";
import type { GatewayConfig, ReaderConfig } from "#gateway/config/config.ts";
import type { PendingRecord } from "#gateway/writer/pending-record.ts";
import type { AppendError, Committed, LogWriter } from "#gateway/writer/log-writer.ts";
import { type CardHmac, verifyP256 } from "#gateway/node-crypto.ts";
import type { StateMemory } from "#gateway/state-memory.ts";
import { TapJudge, type Arrived, type Judged, type TapJudgeDeps } from "#gateway/tap-judge.ts";
import type { Clock, FeedbackSignal, ReaderEvent } from "#gateway/ports.ts";

/** What became of a tap. */
export interface TapReport {
  readonly sighting: Sighting;
  /** Card id, hex. */
  readonly card: string;
  /** Null for cards, and for phones without the app. */
  readonly phone: PhoneStanding | null;
  readonly verdict: Verdict;
  /** What its tag has brought of the device, and no record here says yet. */
  readonly brought: ReadonlyArray<BroughtEntry>;
  /** Counts of the card's own counter before this tap that no log known here has: somebody else has read it. */
  readonly unlogged: number;
  /** What the tap meant to a check-out; null where its reader has none, or the tap was not accepted. */
  readonly checkOut: CheckOutOutcome | null;
  readonly recorded: E.Either<AppendError, Committed>;
  /** From the sighting to the verdict, and to the record on disk. */
  readonly verdictMs: number;
  readonly diskMs: number;
}

/** A card that was accepted a moment ago, and isn't counted again. */
export interface TapAgain {
  readonly sighting: Sighting;
  readonly card: string;
  readonly phone: PhoneStanding | null;
  readonly verdict: Verdict;
  readonly agoMs: number;
  readonly verdictMs: number;
}

export interface TapPathDeps extends Omit<TapJudgeDeps, "gateway"> {
  readonly checkOuts: Pick<CheckOuts, "take" | "settle">;
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly cardHmac: CardHmac;
  /** What is known of cards and devices, and which writes a new one replaces. */
  readonly memory: Pick<StateMemory, "index" | "registers" | "traits" | "counters">;
  readonly writer: Pick<LogWriter, "append" | "head">;
  readonly carried: Pick<
    CarriedStates,
    "take" | "newsOf" | "replacedBy" | "enrolled" | "has" | "mayHave"
  >;
  /** Shows the signal; whether that worked is the reader's to say in its own events. */
  readonly show: (reader: ReaderConfig, signal: FeedbackSignal) => void;
  readonly onReport: (report: TapReport) => void;
  readonly onAgain: (again: TapAgain) => void;
  /** What a card carries is not believed. */
  readonly onNotCarried: (reader: string, error: CarriedError) => void;
  /** A card that hasn't been away for long enough, or at all: no tap. */
  readonly onBounce: (sighting: Sighting) => void;
}

export class TapPath {
  readonly #deps: TapPathDeps;
  readonly #readers: ReadonlyMap<string, ReaderConfig>;
  readonly #judge: TapJudge;
  readonly #presence = new Map<string, ReaderPresence>();

  /** `lastCards`: for each reader the card (hex) of its newest tap in this boot. */
  constructor(deps: TapPathDeps, lastCards: ReadonlyMap<string, string>) {
    this.#deps = deps;
    this.#judge = new TapJudge({ ...deps, gateway: deps.config.gateway });
    this.#readers = new Map(deps.config.readers.map((reader) => [reader.id, reader]));
    for (const { id } of deps.config.readers) {
      this.#presence.set(id, nothingSeen(lastCards.get(id) ?? null));
    }
  }

  /** Takes what a reader says; everything but cards' coming and going is somebody else's. */
  onReaderEvent(event: ReaderEvent): void {
    if (event._tag === "CardLeft") this.#leave(event.reader, event.monoMs);
    if (event._tag === "CardsTogether") this.#refuseTogether(event.reader);
    if (event._tag === "CardArrived") void this.#arrive(event.sighting);
  }

  #leave(reader: string, monoMs: number): void {
    const presence = this.#presence.get(reader);
    if (presence !== undefined) this.#presence.set(reader, onLeft(presence, monoMs));
  }

  /** Nobody can say which of the cards is meant: no tap, no record, and a signal that asks for one alone. */
  #refuseTogether(id: string): void {
    const reader = this.#readers.get(id);
    if (reader !== undefined) this.#deps.show(reader, "refused");
  }

  async #arrive(sighting: Sighting): Promise<void> {
    const { clock, config, cardHmac } = this.#deps;
    const startMs = clock.preciseMs();
    const reader = this.#readers.get(sighting.reader);
    const presence = this.#presence.get(sighting.reader);
    if (reader === undefined || presence === undefined) return;

    // sighting → tap
    const identity = identityOf({ gateway: config.gateway, cardHmac, verifyP256 }, sighting);
    const { phone } = identity;
    const card = toHex(identity.card);
    // Who only claims to be a phone must not make its own tap a bounce.
    const seen = phone === "unproven" ? `${card} claimed` : card;
    const { state, isTap } = onArrival(presence, { ...sighting, card: seen });
    this.#presence.set(sighting.reader, state);
    const arrived = { reader, sighting, ...identity };
    this.#takeCarried(arrived);
    if (!isTap) {
      this.#deps.onBounce(sighting);
      return this.#judge.passOver(arrived);
    }

    // tap → verdict → feedback: from memory, and before any I/O unless the reader is set to audit first
    const judged = this.#judge.judge(arrived);
    const { verdict, unlogged, againAfterMs, checkOut } = judged;
    const verdictMs = clock.preciseMs() - startMs;
    if (reader.audit === "now" || againAfterMs !== null) this.#deps.show(reader, signalFor(judged));
    if (againAfterMs !== null) {
      return this.#deps.onAgain({ sighting, card, phone, verdict, agoMs: againAfterMs, verdictMs });
    }

    // verdict → record → commit
    const brought = verdict._tag === "Unknown" ? [] : this.#deps.carried.newsOf(verdict.device);
    const recorded = await this.#deps.writer.append(this.#record(arrived, judged));
    const diskMs = clock.preciseMs() - startMs;
    if (E.isLeft(recorded)) {
      this.#judge.notRecorded(arrived);
      this.#deps.show(reader, "failed");
    } else if (reader.audit === "first") this.#deps.show(reader, signalFor(judged));
    const device = verdict._tag === "Unknown" ? "" : verdict.device;
    const record = E.isRight(recorded) ? recorded.right : null;
    this.#deps.checkOuts.settle(reader, { device, outcome: checkOut, record });

    // commit → state, link: the store folds what it committed, the writer hands it to the link
    const found = { sighting, card, phone, verdict, brought, unlogged, checkOut };
    this.#deps.onReport({ ...found, recorded, verdictMs, diskMs });
  }

  /** What the card knows of its device from elsewhere. */
  #takeCarried(arrived: Arrived): void {
    const { reader, card } = arrived;
    const bytes = reader.stateOnTag === null ? null : carriedBy(arrived.sighting, arrived.phone);
    if (bytes === null) return;
    const taken = this.#deps.carried.take(card, bytes);
    if (E.isLeft(taken)) this.#deps.onNotCarried(reader.id, taken.left);
  }

  #record({ reader, sighting, card }: Arrived, judged: Judged): PendingRecord {
    const { verdict, operations } = judged;
    const { config, cardHmac } = this.#deps;
    const device = verdict._tag === "Unknown" ? null : verdict.device;
    const rules = verdict._tag === "Accepted" ? rulesFor(reader, judged) : [];
    const place = {
      gateway: config.gateway,
      site: config.site,
      reader: reader.id,
      time: sighting.wallMs,
    };
    const body = (): TapBody => ({
      _tag: "Tap",
      actor: { kind: ACTOR.reader, name: reader.id },
      technology: TECHNOLOGY_NUMBER[sighting.technology],
      card,
      atStart: sighting.atStart,
      simulated: sighting.simulated,
      verdict: verdictNumber(verdict),
      reason: verdict._tag === "Accepted" ? "" : verdict.reason,
      ndef: sighting.ndef === null ? null : cardHmac(sighting.ndef),
      device,
      operations: [
        ...operationsFor(rules, place, (write) => this.#replacedBy(device ?? "", write)),
        ...operations,
      ],
    });
    return { wallMs: sighting.wallMs, monoMs: sighting.monoMs, queries: [], body };
  }

  #replacedBy(device: string, write: NextWrite): ReadonlyArray<WriteName> {
    const { memory, carried, writer } = this.#deps;
    const known = memory.registers.replacedBy(device, write, writer.head?.epoch);
    return [...carried.replacedBy(device, write), ...known].slice(0, REPLACES_COUNT_MAX);
  }
}

const TECHNOLOGY_NUMBER = {
  other: TECHNOLOGY.other,
  type2: TECHNOLOGY.type2,
  type4: TECHNOLOGY.type4,
  "mifare-classic": TECHNOLOGY.mifareClassic,
} as const;

const SIGNAL = { Accepted: "accepted", Unknown: "unknown", Refused: "refused" } as const;

/** What a person at a reader with check-out is to hear in place of "accepted". */
const signalOf = (checkOut: CheckOutOutcome): FeedbackSignal => {
  switch (checkOut._tag) {
    case "CheckedOut":
      return "checked-out";
    case "CheckedIn":
      return "checked-in";
    case "Ended":
    case "TimeOver":
    case "Nothing":
      return "session-over";
    case "Begun":
      return "accepted";
    case "PersonFirst":
      return "refused";
  }
};

const signalFor = ({ verdict, checkOut }: Judged): FeedbackSignal =>
  checkOut === null ? SIGNAL[verdict._tag] : signalOf(checkOut);

/** What an accepted tap does: what the reader is told to do at each, and what the check-out comes to. */
const rulesFor = ({ onTap, checkOut }: ReaderConfig, judged: Judged): ReadonlyArray<TapRule> =>
  checkOut === null || judged.checkOut === null
    ? onTap
    : [...onTap, ...rulesOfCheckOut(checkOut, judged.checkOut)];
