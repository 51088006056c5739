/** The pseudo-APDUs of the ACR122U's light and buzzer. Source: ACS, ACR122U API 2.04, section 6. */
import { PATTERNS, type FeedbackSignal } from "#core/feedback/patterns.ts";

/** Both lights' final state is written (bits 2, 3). */
const UPDATE = 0b0000_1100;
/** Both blink masks are set (bits 6, 7); bits 4 and 5 say which light begins. */
const BLINK = 0b1100_0000;
const RED = 0b01;
const GREEN = 0b10;

/** The reader's unit of time. */
const TICK_MS = 100;

/** The buzzer sounds while the light is on (T1), not in the gaps. */
const BUZZER_DURING_T1 = 0x01;

/** Whether the reader of this name takes the commands below. */
export const isAcr122u = (hardware: string): boolean => /acr122/i.test(hardware);

const NO_BUZZER = 0x00;

/**
 * `FF 00 40 P2 04 T1 T2 times link`: blinks and beeps, then leaves the signal's light on until the
 * card leaves. The reader answers only when it is done, so this is also how long the reader is deaf;
 * where nothing blinks it answers at once.
 */
export const feedbackApdu = (signal: FeedbackSignal): Uint8Array => {
  const { red, green, onMs, offMs, times } = PATTERNS[signal];
  const lights = (red ? RED : 0) | (green ? GREEN : 0);
  const p2 = UPDATE | lights | (times === 0 ? 0 : BLINK | (lights << 4));
  const link = times === 0 ? NO_BUZZER : BUZZER_DURING_T1;
  const [on, off] = [onMs / TICK_MS, offMs / TICK_MS];
  return Uint8Array.of(0xff, 0x00, 0x40, p2, 0x04, on, off, times, link);
};

/** Both lights off, without a blink. */
export const LIGHTS_OFF: Uint8Array = Uint8Array.of(0xff, 0x00, 0x40, UPDATE, 0x04, 0, 0, 0, 0);

/** Success is SW1 = 90; SW2 is then the state of the lights. 6300 is the reader's "failed". */
export const isAcr122uSuccess = (response: Uint8Array): boolean => response.at(-2) === 0x90;

/** Switches off the reader's own beep for each card: here only a verdict beeps. */
export const DETECTION_BEEP_OFF: Uint8Array = Uint8Array.of(0xff, 0x00, 0x52, 0x00, 0x00);
