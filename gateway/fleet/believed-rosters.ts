/** The roster that this gateway believes: at first the one on its disk, then whatever follows it, by file or by peers. */
import * as E from "fp-ts/lib/Either.js";
import { fromUtf8, utf8 } from "#core/bytes.ts";
import type { Roster } from "#core/trust/roster.ts";
import type { BelievedRoster } from "#core/trust/roster-chain.ts";
import type { GatewayConfig } from "#gateway/config/config.ts";
import { acceptRosterNote } from "#gateway/fleet/roster-store.ts";
import { watchRoster } from "#gateway/fleet/roster-watch.ts";
import type { Journal } from "#gateway/ports.ts";

export class BelievedRosters {
  readonly #config: GatewayConfig;
  readonly #journal: Journal;
  readonly #onRoster: (roster: Roster) => void;
  #believed: BelievedRoster;
  #stopWatch: () => void = () => undefined;

  constructor(
    deps: {
      readonly config: GatewayConfig;
      readonly journal: Journal;
      readonly onRoster: (roster: Roster) => void;
    },
    first: BelievedRoster,
  ) {
    this.#config = deps.config;
    this.#journal = deps.journal;
    this.#onRoster = deps.onRoster;
    this.#believed = first;
  }

  get current(): Roster {
    return this.#believed.roster;
  }

  /** As it was signed, for peers. */
  note(): Uint8Array {
    return utf8(this.#believed.note);
  }

  /** Looks at the file in the fleet's folder from now on. */
  start(): void {
    this.#stopWatch = watchRoster(this.#config, this.#journal, {
      believed: () => this.#believed,
      onAccepted: (believed) => this.#believe(believed),
    });
  }

  stop(): void {
    this.#stopWatch();
  }

  /** A roster of a peer's, which proves itself. */
  take(note: Uint8Array, from: string): void {
    const accepted = acceptRosterNote(this.#config.dataDir, this.#believed, fromUtf8(note) ?? "");
    if (E.isRight(accepted)) this.#believe(accepted.right);
    else this.#journal.error("roster.refused", { from, tag: accepted.left._tag });
  }

  #believe(believed: BelievedRoster): void {
    this.#believed = believed;
    this.#journal.info("roster.accepted", { version: believed.roster.version });
    this.#onRoster(believed.roster);
  }
}
