/** The pseudo-APDUs of the ACR122U's light and buzzer. Source: ACS, ACR122U API 2.04, section 6. */
import type { FeedbackSignal } from "#gateway/ports.ts";

/** Both lights' final state is written (bits 2, 3), and both blink masks are set (bits 6, 7). */
const UPDATE_AND_BLINK = 0b1100_1100;
const RED = 0b01;
const GREEN = 0b10;

/** Durations in the reader's unit of 100 ms: on, off, and how often. Lights as RED | GREEN. */
interface Blink {
  readonly lights: number;
  readonly on: number;
  readonly off: number;
  readonly times: number;
}

/** Told apart with closed eyes: one short, two short, three short, one long. */
const BLINKS: Readonly<Record<FeedbackSignal, Blink>> = {
  accepted: { lights: GREEN, on: 1, off: 0, times: 1 },
  unknown: { lights: RED | GREEN, on: 1, off: 1, times: 2 },
  refused: { lights: RED, on: 1, off: 1, times: 3 },
  failed: { lights: RED, on: 6, off: 0, times: 1 },
};

/** The buzzer sounds while the light is on (T1), not in the gaps. */
const BUZZER_DURING_T1 = 0x01;

/** Whether the reader of this name takes the commands below. */
export const isAcr122u = (hardware: string): boolean => /acr122/i.test(hardware);

/**
 * `FF 00 40 P2 04 T1 T2 times link`: blinks and beeps, then leaves the signal's light on until the
 * card leaves. The reader answers only when it is done, so this is also how long the reader is deaf.
 */
export const feedbackApdu = (signal: FeedbackSignal): Uint8Array => {
  const { lights, on, off, times } = BLINKS[signal];
  const p2 = UPDATE_AND_BLINK | lights | (lights << 4);
  return Uint8Array.of(0xff, 0x00, 0x40, p2, 0x04, on, off, times, BUZZER_DURING_T1);
};

/** How long the signal takes. */
export const feedbackMs = (signal: FeedbackSignal): number => {
  const { on, off, times } = BLINKS[signal];
  return (on + off) * times * 100;
};

/** Success is SW1 = 90; SW2 is then the state of the lights. 6300 is the reader's "failed". */
export const isAcr122uSuccess = (response: Uint8Array): boolean => response.at(-2) === 0x90;

/** Switches off the reader's own beep for each card: here only a verdict beeps. */
export const DETECTION_BEEP_OFF: Uint8Array = Uint8Array.of(0xff, 0x00, 0x52, 0x00, 0x00);
