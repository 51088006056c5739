/** What the operating system tells: time, boot, clock, room on the disk. */
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { fromHex } from "#core/bytes.ts";
import { classifyClock, type ClockSigns } from "#core/clock/clock-class.ts";
import type { Clock } from "#gateway/ports.ts";

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monoMs: () => Number(process.hrtime.bigint() / 1_000_000n),
  preciseMs: () => performance.now(),
};

/** The kernel's name for this boot: 16 bytes; zeros where the kernel gives none. */
export const readBootId = (): Uint8Array => {
  const path = "/proc/sys/kernel/random/boot_id";
  const hex = existsSync(path) ? readFileSync(path, "utf8").trim().replaceAll("-", "") : "";
  const bytes = fromHex(hex);
  return bytes?.length === 16 ? bytes : new Uint8Array(16);
};

/** systemd-timesyncd leaves this file once it has set the clock; chrony is asked for nothing here. */
const NTP_SYNCHRONIZED = "/run/systemd/timesync/synchronized";

export const readClockSigns = (): ClockSigns => ({
  ntpSynchronized: existsSync(NTP_SYNCHRONIZED),
  hasHardwareClock: existsSync("/dev/rtc0"),
  wallMs: Date.now(),
});

export const currentClockClass = (): number => classifyClock(readClockSigns());

/** Bytes that this process may still write to the file system of that folder. */
export const freeBytes = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};
