/** The PC/SC adaptor on a private pcscd with everything that cares for it, and a simulated reader beside it. */
import * as E from "fp-ts/lib/Either.js";
import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import { type LadderPlan, planOf } from "#core/reader/rungs.ts";
import { Counters } from "#gateway/counters.ts";
import type { Journal, ReaderEvent } from "#gateway/ports.ts";
import {
  createSimulatedReader,
  type SimulatedReaders,
} from "#gateway/reader/emulated/simulated-reader.ts";
import type { ConfiguredReader } from "#gateway/reader/pcsc/bound-readers.ts";
import { createPcscReaders, type PcscReaders } from "#gateway/reader/pcsc/pcsc-readers.ts";
import type { Hands } from "#gateway/reader/supervisor/hands.ts";
import { ReaderCare } from "#gateway/reader/supervisor/reader-care.ts";
import { systemClock as clock } from "#gateway/system.ts";
import { EventLog } from "#test/pcscd/event-log.ts";
import { pcscChildPid } from "#test/pcscd/observed-readers.ts";
import type { TestPcscd } from "#test/pcscd/pcscd.ts";

/** What a technician would do at this private pcscd; its readers have no USB. */
const handsFor = (pcscd: TestPcscd): Hands => {
  const cant = { _tag: "StepFailed", detail: "a virtual reader has no USB" } as const;
  return {
    restartPcscd: async () => {
      try {
        await pcscd.kill();
        await pcscd.start();
        return E.right(undefined);
      } catch (error) {
        return E.left({ _tag: "StepFailed", detail: String(error) }); // the test has ended
      }
    },
    rebindUsb: () => Promise.resolve(E.left(cant)),
    cyclePortPower: () => Promise.resolve(E.left(cant)),
  };
};

/** A step may be taken again as soon as the next fault comes: rests are the laws' affair. */
export const withoutRests = (plan: LadderPlan): LadderPlan => ({
  ...plan,
  rungs: plan.rungs.map((rung) => ({ ...rung, restMs: 0 })),
  steadyMs: 1,
});

export class CaredReaders implements AsyncDisposable {
  readonly log: EventLog = new EventLog();
  readonly journal: { readonly code: string; readonly fields: unknown }[] = [];
  readonly counters: Counters = new Counters();
  readonly alarms: string[] = [];
  readonly pcsc: PcscReaders;
  readonly simulated: SimulatedReaders;
  readonly care: ReaderCare;
  readonly #socketPath: string;

  constructor(
    pcscd: TestPcscd,
    readers: {
      readonly pcsc: ReadonlyArray<ConfiguredReader>;
      readonly simulated?: ReadonlyArray<string>;
      /** What the simulated ones read. */
      readonly read?: "uid" | "ndef";
    },
    plan: (plan: LadderPlan) => LadderPlan = withoutRests,
  ) {
    this.#socketPath = pcscd.socketPath;
    process.env["PCSCLITE_CSOCK_NAME"] = this.#socketPath;
    const note: Journal["info"] = (code, fields) => this.journal.push({ code, fields });
    const journal: Journal = { info: note, warn: note, error: note };
    this.pcsc = createPcscReaders({ clock, journal, hands: handsFor(pcscd) }, readers.pcsc);
    const simulated = readers.simulated ?? [];
    this.simulated = createSimulatedReader(
      { clock, journal },
      simulated.map((id) => ({ id, scope: readers.read === "ndef" ? SCOPE_NDEF : SCOPE_UID })),
    );
    this.care = new ReaderCare(
      {
        clock,
        journal,
        counters: this.counters,
        onEvent: this.log.onEvent,
        onAlarm: (reader) => this.alarms.push(reader),
      },
      [
        ...readers.pcsc.map(({ id }) => ({ id, driver: "pcsc", adaptor: this.pcsc })),
        ...simulated.map((id) => ({ id, driver: "simulated", adaptor: this.simulated })),
      ].map((reader) => ({ ...reader, optional: false })),
      (steps) => plan(planOf(steps)),
    );
    this.care.start();
    const onEvent = (event: ReaderEvent): void => {
      this.log.onEvent(event);
      this.care.onEvent(event);
    };
    this.pcsc.start(onEvent);
    this.simulated.start(onEvent);
  }

  childPid(): number | undefined {
    return pcscChildPid(this.#socketPath);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.care.stop();
    await this.pcsc.stop();
    await this.simulated.stop();
  }
}
