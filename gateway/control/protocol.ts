/**
 * What the CLI and the process say to each other over the Unix socket: one JSON object a line. A request is
 * `{verb, …}`; the answers are `{result}` or `{error}`, and for `watch` many `{event}` lines.
 */
import type { DeviceRow, DeviceView, JsonScalar, RecordView } from "#gateway/queries.ts";
import type { ReaderStatus } from "#gateway/reader/readers.ts";
import type { BrokerStatus } from "#gateway/link/mqtt-link.ts";

export type ControlRequest =
  | { readonly verb: "status" }
  | { readonly verb: "watch" }
  | {
      readonly verb: "tap";
      readonly card: string;
      readonly uid: string | null;
      readonly reader: string | null;
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
      readonly user: string;
    }
  | {
      readonly verb: "import";
      readonly rows: ReadonlyArray<ImportRow>;
      readonly dryRun: boolean;
      readonly user: string;
    }
  | { readonly verb: "devices"; readonly after: string }
  | { readonly verb: "device"; readonly device: string }
  | {
      readonly verb: "records";
      readonly gateway: string | null;
      readonly epoch: string | null;
      readonly count: number;
    };

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
  readonly counters: Readonly<Record<string, number>>;
}

export interface TapView {
  readonly verdict: "accepted" | "unknown" | "refused";
  readonly reason: string | null;
  readonly device: string | null;
  /** The UID's last digits. */
  readonly card: string;
  readonly reader: string;
  readonly simulated: boolean;
  readonly atStart: boolean;
  readonly wallMs: number;
  readonly verdictMs: number;
  readonly diskMs: number;
  readonly record: { readonly epoch: string; readonly seq: number } | null;
  /** Why it could not be recorded; null if it was. */
  readonly notRecorded: string | null;
  /** URIs and texts of the NDEF message, where the reader is set to read it. */
  readonly content: ReadonlyArray<string>;
  /** The device's values after the tap. */
  readonly values: Readonly<Record<string, JsonScalar>>;
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
  | {
      readonly event: "reader";
      readonly reader: string;
      readonly up: boolean;
      readonly detail: string;
    };

export interface ControlResults {
  readonly status: StatusView;
  readonly tap: TapView;
  readonly enrol: { readonly device: string; readonly card: string };
  readonly set: { readonly device: string };
  readonly import: { readonly rows: number; readonly written: number };
  readonly devices: ReadonlyArray<DeviceRow>;
  readonly device: DeviceView;
  readonly records: ReadonlyArray<RecordView>;
  readonly watch: never;
}

/** Longer lines are refused: the largest honest one is an import of some ten thousand rows. */
export const CONTROL_LINE_BYTES_MAX: number = 4 * 1024 * 1024;
