/** What can be done for a reader on PC/SC that does not answer. */
import * as E from "fp-ts/lib/Either.js";
import type { RecoveryStep } from "#core/reader/rungs.ts";
import type { RecoveryError } from "#gateway/ports.ts";
import type { ParentMessage } from "#gateway/reader/pcsc/messages.ts";
import type { Hands } from "#gateway/reader/supervisor/hands.ts";

/** A reader can't be reopened in a child that lives on: nfc-pcsc deadlocks. Another child is its reopening. */
export const PCSC_STEPS: ReadonlyArray<RecoveryStep> = [
  "reselect",
  "restart-child",
  "restart-pcscd",
  "usb-rebind",
  "port-power",
];

type Taken = E.Either<RecoveryError, void>;

const TAKEN: Taken = E.right(undefined);
const notTaken = (detail: string): Taken => E.left({ _tag: "StepFailed", detail });

interface Patient {
  readonly hands: Hands;
  /** What PC/SC called it last; null: it was never there. */
  readonly hardware: string | null;
  readonly match: string | null;
  /** To the child; null: there is none. */
  readonly send: ((message: ParentMessage) => void) | null;
  /** Another child. */
  readonly restart: (reason: string) => void;
}

const reselect = ({ hardware, send }: Patient): Taken => {
  if (hardware === null || send === null) return notTaken("there is nothing to take anew");
  send({ _tag: "Reselect", name: hardware });
  return TAKEN;
};

const restartPcscd = async ({ hands, restart }: Patient): Promise<Taken> => {
  const restarted = await hands.restartPcscd();
  if (E.isRight(restarted)) restart("pcscd was restarted; connecting again");
  return restarted;
};

const onUsb = async (
  { hardware, match }: Patient,
  take: (name: string) => Promise<Taken>,
): Promise<Taken> => {
  const name = hardware ?? match;
  return name === null ? notTaken("it is not known what reader it is") : await take(name);
};

export const takeStep = async (step: RecoveryStep, patient: Patient): Promise<Taken> => {
  switch (step) {
    case "reselect":
      return reselect(patient);
    case "restart-child":
      patient.restart("the PC/SC process is started anew, because a reader does not answer");
      return TAKEN;
    case "restart-pcscd":
      return await restartPcscd(patient);
    case "usb-rebind":
      return await onUsb(patient, patient.hands.rebindUsb);
    case "port-power":
      return await onUsb(patient, patient.hands.cyclePortPower);
    case "reopen":
      return notTaken("not a step for a PC/SC reader");
  }
};
