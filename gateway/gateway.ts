/** A gateway that runs, as its faces (command line, health, console) see it. */
import type { AcceptedRange } from "#core/log/range.ts";
import type { Roster } from "#core/trust/roster.ts";
import type { Alarm } from "#gateway/queries/alarms.ts";
import type { CarriedStates } from "#gateway/carried/carried-states.ts";
import type { CarriedEvent } from "#gateway/carried/tag-carrier.ts";
import type { SessionOver } from "#core/verdict/check-out-view.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import type { Counters } from "#gateway/counters.ts";
import type { FleetMaterial } from "#gateway/fleet/fleet-files.ts";
import type { Link } from "#gateway/link/mqtt-link.ts";
import type { Clock, Journal, ReaderEvent, Store } from "#gateway/ports.ts";
import type { CardFlows } from "#gateway/reader/card-flows.ts";
import type { Readers } from "#gateway/reader/readers.ts";
import type { Risk } from "#gateway/queries/risk.ts";
import type { StateMemory } from "#gateway/state-memory.ts";
import type { StoreNotice } from "#gateway/store/messages.ts";
import type { SyncLoop } from "#gateway/sync/sync-loop.ts";
import type { TapAgain, TapReport } from "#gateway/tap-path.ts";
import type { LogWriter } from "#gateway/writer/log-writer.ts";

/** What happens here, for whoever watches. */
export type GatewayEvent =
  | { readonly _tag: "TapReported"; readonly report: TapReport }
  | { readonly _tag: "TappedAgain"; readonly again: TapAgain }
  | {
      readonly _tag: "PeerRecords";
      readonly author: string;
      readonly accepted: AcceptedRange;
      readonly isLive: boolean;
    }
  /** Nobody tapped in time. */
  | { readonly _tag: "SessionOver"; readonly over: SessionOver }
  | { readonly _tag: "ReaderChanged"; readonly event: ReaderEvent }
  /** A tag was to take along what is known of its device. */
  | ({ readonly _tag: "StateCarried" } & CarriedEvent)
  /** What peers hold of this gateway's records has changed. */
  | { readonly _tag: "Acknowledged" }
  /** A peer has said what it holds of an author. */
  | { readonly _tag: "EpochsHeard"; readonly author: string; readonly from: string }
  | { readonly _tag: "AlarmRaised"; readonly alarm: Alarm };

/** A gateway that runs. */
export interface Gateway {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly material: FleetMaterial;
  readonly roster: () => Roster;
  readonly store: Store;
  readonly notices: ReadonlyArray<StoreNotice>;
  /** What is known of the state without asking the store: cards, standing writes, clocks. */
  readonly memory: StateMemory;
  readonly writer: LogWriter;
  readonly readers: Readers;
  readonly cardFlows: CardFlows;
  /** What tags have brought that no record here says yet. */
  readonly carried: CarriedStates;
  readonly link: Link;
  readonly sync: SyncLoop;
  readonly counters: Counters;
  readonly hasRoom: () => boolean;
  /** What an operator must look at, as it is now. */
  readonly alarms: () => ReadonlyArray<Alarm>;
  /** Own records on this disk alone. */
  readonly risk: () => Promise<Risk>;
  /** The newest tap, for `--last-tap`; null before the first. */
  readonly lastTap: () => TapReport | null;
  /** Calls back for each event until the returned function is called. */
  readonly watch: (listener: (event: GatewayEvent) => void) => () => void;
  /** Stops in order: readers, log (with its `close` record), link, store. */
  readonly stop: () => Promise<void>;
}
