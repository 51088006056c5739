/** A PN532 on a serial line: the Pi's UART, or a USB bridge. */
import * as E from "fp-ts/lib/Either.js";
import { SerialPort } from "serialport";
import type { Line, LineUnavailable, OpenLine } from "#gateway/reader/pn532/line.ts";

/** How serialport tells one failure from another: by its words alone. */
const adviceFor = (device: string, message: string): string => {
  if (/no such file/i.test(message)) {
    return `${device} is not there: plug the adapter in, or switch the UART on (sudo raspi-config nonint do_serial_hw 0, then reboot)`;
  }
  if (/permission denied/i.test(message)) {
    return `no permission for ${device}: sudo usermod -aG dialout with the gateway's user, then start it again`;
  }
  if (/lock|busy/i.test(message)) {
    return `${device} is in use by another program: sudo fuser -v ${device} names it`;
  }
  return `${device} can't be opened as a serial line (${message})`;
};

const opened = (port: SerialPort): Promise<Error | null> =>
  new Promise((resolve) => port.open(resolve));

const closed = (port: SerialPort): Promise<void> =>
  new Promise((resolve) => {
    if (port.isOpen) port.close(() => resolve());
    else resolve();
  });

export const openUart: OpenLine = async (settings, listener) => {
  const { device, baud } = settings;
  const port = new SerialPort({ path: device, baudRate: baud, autoOpen: false });
  let isOver = false;
  const lose = (detail: string): void => {
    if (isOver) return;
    isOver = true;
    listener.onLost(`${device} went away: plug the adapter in again${detail}`);
  };
  // Before opening: an error without listener would end the process.
  port.on("error", ({ message }: Error) => lose(` (${message})`));
  const failure = await opened(port);
  if (failure !== null) {
    isOver = true;
    const error: LineUnavailable = {
      _tag: "LineUnavailable",
      reason: adviceFor(device, failure.message),
    };
    return E.left(error);
  }
  port.on("data", (bytes: Uint8Array) => {
    if (!isOver) listener.onBytes(bytes);
  });
  port.on("close", () => lose(""));
  const line: Line = {
    write: (bytes) => {
      port.write(bytes);
    },
    rest: () => undefined,
    close: async () => {
      isOver = true;
      await closed(port);
    },
  };
  return E.right(line);
};
