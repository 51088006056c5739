/** The ways to a PN532 that can't be opened: in words that say what mends it. And none is loaded without need. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import type { Pn532Settings } from "#gateway/config/config.ts";
import type { Line } from "#gateway/reader/pn532/line.ts";
import { TRANSPORTS } from "#gateway/reader/pn532/transports.ts";
import { TestPty } from "#test/pn532/pty.ts";

const LISTENER = { onBytes: (): void => undefined, onLost: (): void => undefined };

const opened = async (
  transport: Pn532Settings["transport"],
  device: string,
): Promise<Line | string> => {
  const open = await TRANSPORTS[transport].load();
  if (E.isLeft(open)) return open.left.reason;
  const line = await open.right({ device, baud: 115_200 }, LISTENER);
  return E.isRight(line) ? line.right : line.left.reason;
};

test("a UART that is not there, is no UART, or is in use", async () => {
  expect(await opened("uart", "/dev/ttyNONE0")).toBe(
    "/dev/ttyNONE0 is not there: plug the adapter in, or switch the UART on (sudo raspi-config nonint do_serial_hw 0, then reboot)",
  );
  expect(await opened("uart", "/dev/null")).toContain("can't be opened as a serial line");
  await using pty = new TestPty(() => undefined);
  await pty.plug();
  const line = await opened("uart", pty.device);
  expect(line).toHaveProperty("write");
  expect(await opened("uart", pty.device)).toContain(`sudo fuser -v ${pty.device}`);
  if (typeof line !== "string") await line.close();
});

// Whether the modules are built is up to whoever runs this; a bus there isn't.
test.each<{ transport: Pn532Settings["transport"]; device: string }>([
  { transport: "i2c", device: "/dev/i2c-987" },
  { transport: "spi", device: "/dev/spidev987.0" },
])("no $transport here: said with what to run", async ({ transport, device }) => {
  expect(await opened(transport, device)).toMatch(
    /is not there: switch it on \(sudo raspi-config nonint do_|build-bus-modules\.sh/,
  );
});

test("a gateway without PN532 loads no library for one", async () => {
  const program = [
    'import { createRequire } from "node:module";',
    'await import("#gateway/reader/readers.ts");',
    "const loaded = () => Object.keys(createRequire(import.meta.url).cache).filter((file) => /serialport|i2c-bus|spi-device/.test(file)).length;",
    "const before = loaded();",
    'await import("#gateway/reader/pn532/uart.ts");',
    "console.log(before, loaded() > 0);",
  ].join("\n");
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "--eval",
    program,
  ]);
  expect(stdout.trim()).toBe("0 true");
});
