/**
 * What the CLI and the process say to each other over the Unix socket: one JSON object a line. A request is
 * `{verb, …}`; the answers are `{result}` or `{error}`, and for `watch` many `{event}` lines. A `revert` has
 * `{progress}` lines before its answer, one for each device.
 */
import type { CheckOutView, SessionOver } from "#core/verdict/check-out-view.ts";
import type { AuthorHeads } from "#gateway/queries/held-heads.ts";
import type { DeviceRow, DeviceView } from "#gateway/queries/devices.ts";
import type { RecordName } from "#gateway/queries/known.ts";
import type { AskedMoment } from "#gateway/queries/moments.ts";
import type { RecordView } from "#gateway/queries/records.ts";
import type { JsonScalar, JsonValue } from "#gateway/queries/values.ts";
import type { TagView, TagWritten } from "#gateway/control/tag-views.ts";
import type { BroughtView } from "#gateway/queries/brought.ts";
import type { ReaderStatus } from "#gateway/reader/readers.ts";
import type { BrokerStatus } from "#gateway/link/mqtt-link.ts";
import type { Risk } from "#gateway/queries/risk.ts";

export type ControlRequest =
  | { readonly verb: "status" }
  | { readonly verb: "watch" }
  | {
      readonly verb: "tap";
      readonly card: string;
      readonly uid: string | null;
      readonly reader: string | null;
    }
  /** What lies on the reader, or comes in that time; null: the only reader there is. */
  | { readonly verb: "tag-info"; readonly reader: string | null; readonly waitMs: number }
  | {
      readonly verb: "tag-write";
      readonly reader: string | null;
      readonly waitMs: number;
      /** Hex of a whole NDEF message; empty: none. */
      readonly message: string;
      readonly force: boolean;
    }
  | {
      readonly verb: "enrol";
      readonly device: string;
      readonly uid: string | null;
      readonly user: string;
    }
  | {
      readonly verb: "set";
      readonly device: string;
      readonly key: string;
      readonly value: JsonScalar;
      /** Null: as the key is, else a register. */
      readonly type: ValueType | null;
      readonly user: string;
    }
  | {
      /** Adds to or removes from a set. */
      readonly verb: "member";
      readonly device: string;
      readonly key: string;
      readonly value: JsonScalar;
      readonly isToStay: boolean;
      readonly user: string;
    }
  | {
      readonly verb: "revert";
      /** Null: all. */
      readonly device: string | null;
      readonly to: AskedMoment;
      readonly change: ChangeWish;
      readonly user: string;
    }
  | {
      readonly verb: "void";
      readonly record: RecordName;
      readonly change: ChangeWish;
      readonly user: string;
    }
  | {
      readonly verb: "import";
      readonly rows: ReadonlyArray<ImportRow>;
      readonly dryRun: boolean;
      readonly user: string;
    }
  /** What is held anywhere of that gateway's records. */
  | { readonly verb: "author-heads"; readonly gateway: string }
  | { readonly verb: "devices"; readonly after: string }
  | { readonly verb: "device"; readonly device: string; readonly at: AskedMoment | null }
  | {
      readonly verb: "records";
      readonly gateway: string | null;
      readonly epoch: string | null;
      readonly count: number;
    };

/** What `device set --type` takes; sets have verbs of their own, and safety is a key. */
export const VALUE_TYPES = ["register", "exclusive", "counter", "max", "min"] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

/** Whether to do it, or only to say what it would do. */
export interface ChangeWish {
  readonly isToApply: boolean;
  /** The `shown` of the answer that a person has agreed to: refused if it would be another by now. */
  readonly shown: string | null;
}

/** The request of one verb. */
export type RequestOf<Verb extends ControlRequest["verb"]> = Extract<
  ControlRequest,
  { readonly verb: Verb }
>;

export interface ImportRow {
  /** Line of the file, for messages. */
  readonly line: number;
  readonly device: string;
  readonly uid: string;
  readonly values: Readonly<Record<string, JsonScalar>>;
}

/** A refusal in words for an operator: what is wrong, and what to do. */
export interface ControlError {
  readonly code: string;
  readonly message: string;
}

export interface StatusView {
  readonly gateway: string;
  readonly fleet: string;
  readonly site: string;
  readonly running: boolean;
  readonly key: string;
  readonly inRoster: boolean;
  readonly rosterVersion: number;
  readonly epoch: string | null;
  readonly records: number;
  readonly hasRoom: boolean;
  readonly digest: string;
  readonly cards: number;
  readonly readers: ReadonlyArray<ReaderStatus>;
  readonly brokers: ReadonlyArray<BrokerStatus>;
  readonly authors: ReadonlyArray<{
    readonly gateway: string;
    readonly epochs: number;
    readonly records: number;
  }>;
  readonly risk: Risk;
  readonly alarms: ReadonlyArray<{
    readonly code: string;
    readonly gateway: string;
    readonly message: string;
  }>;
  readonly counters: Readonly<Record<string, number>>;
}

export interface TapView {
  /** `already`: accepted a moment ago, and neither recorded nor counted again. */
  readonly verdict: "accepted" | "already" | "unknown" | "refused";
  readonly reason: string | null;
  readonly device: string | null;
  /** The UID's last digits; of a phone with the app (`phone`) those of its card id. */
  readonly card: string;
  readonly phone: boolean;
  readonly reader: string;
  readonly simulated: boolean;
  readonly atStart: boolean;
  readonly wallMs: number;
  readonly verdictMs: number;
  readonly diskMs: number;
  readonly record: { readonly epoch: string; readonly seq: number } | null;
  /** Why it could not be recorded; null if it was. */
  readonly notRecorded: string | null;
  /** Counts of the card's own counter before this tap that no log known here has. */
  readonly unlogged: number;
  readonly checkOut: CheckOutView | null;
  /** URIs and texts of the NDEF message, where the reader is set to read it. */
  readonly content: ReadonlyArray<string>;
  /** The device's values after the tap. */
  readonly values: DeviceRow["values"];
  /** What its tag has brought, and no record here says yet. */
  readonly brought: ReadonlyArray<BroughtView>;
}

/** A key that reads otherwise than it will. */
export interface DifferenceView {
  readonly key: string;
  readonly type: string;
  readonly now: JsonValue;
  readonly after: JsonValue;
  /** Null, or why it stays as it is. */
  readonly stays: string | null;
}

/** What a revert does to one device. */
export interface DeviceRevert {
  readonly device: string;
  readonly differences: ReadonlyArray<DifferenceView>;
  /** Null, or why nothing of it is done. */
  readonly refused: string | null;
  /** Records that it takes. */
  readonly records: number;
}

export interface RevertResult {
  readonly applied: boolean;
  /** Devices that differ from then, those among them that are refused, and records that it takes or took. */
  readonly devices: number;
  readonly refused: number;
  readonly records: number;
  /** Stands for all that was shown. */
  readonly shown: string;
}

export interface VoidResult {
  readonly applied: boolean;
  readonly record: RecordView;
  readonly device: string | null;
  readonly differences: ReadonlyArray<DifferenceView>;
  readonly shown: string;
}

export type WatchEvent =
  | { readonly event: "tap"; readonly tap: TapView }
  | {
      readonly event: "peer";
      readonly records: ReadonlyArray<RecordView>;
      readonly replay: boolean;
    }
  /** A card was there but could not be read whole: no tap, and what to do. */
  | { readonly event: "unread"; readonly reader: string; readonly message: string }
  /** What became of putting onto a tag what is known of its device. */
  | {
      readonly event: "carried";
      readonly reader: string;
      readonly device: string;
      readonly outcome: string;
      readonly message: string;
    }
  /** Refused without being a tap, so there is no record. */
  | { readonly event: "refused"; readonly reader: string; readonly reason: "one-card-only" }
  | ({ readonly event: "session-over" } & SessionOver)
  /** Peers hold more, or less, of this gateway's records. */
  | { readonly event: "risk"; readonly risk: Risk }
  | {
      readonly event: "alarm";
      readonly code: string;
      readonly gateway: string;
      readonly message: string;
    }
  | {
      readonly event: "reader";
      readonly reader: string;
      readonly up: boolean;
      readonly detail: string;
    };

export interface ControlResults {
  readonly status: StatusView;
  readonly tap: TapView;
  readonly "tag-info": TagView;
  readonly "tag-write": TagWritten;
  readonly enrol: { readonly device: string; readonly card: string };
  /** What the key reads as by now. */
  readonly set: { readonly device: string; readonly type: string; readonly value: JsonValue };
  /** `changed`: false where it was a member already. */
  readonly member: {
    readonly device: string;
    readonly changed: boolean;
    readonly members: JsonValue;
  };
  readonly revert: RevertResult;
  readonly void: VoidResult;
  readonly import: { readonly rows: number; readonly written: number };
  readonly devices: ReadonlyArray<DeviceRow>;
  readonly device: DeviceView;
  readonly records: ReadonlyArray<RecordView>;
  readonly "author-heads": AuthorHeads;
  readonly watch: never;
}

/** Longer requests are refused: the largest honest one is an import of some ten thousand rows. */
export const REQUEST_BYTES_MAX: number = 4 * 1024 * 1024;
/** A list of a million devices fits. */
export const ANSWER_BYTES_MAX: number = 256 * 1024 * 1024;
