/** What keeps a PN532 on the Pi's own pins from its gateway: the boot configuration, the console, permission, the chip. */
import { type Finding, ok, wrong } from "#gateway/cli/doctor/finding.ts";
import type { World } from "#gateway/cli/doctor/world.ts";

/** How a PN532 is wired. */
export interface Wiring {
  readonly id: string;
  readonly transport: "uart" | "i2c" | "spi";
  readonly device: string;
  /** Of a UART. */
  readonly baud: number;
  /** What the gateway says of it; null: the gateway doesn't run. */
  readonly state: { readonly up: boolean; readonly detail: string } | null;
}

const BOOT_FOLDERS = ["/boot/firmware", "/boot"];

const bootText = (world: World, name: string): string | null => {
  for (const folder of BOOT_FOLDERS) {
    const text = world.read(`${folder}/${name}`);
    if (text !== null) return text;
  }
  return null;
};

/** What switches the bus on in config.txt, and the commands that put it there. */
const BUS = {
  uart: {
    line: /^\s*enable_uart=1\b/m,
    name: "the UART",
    command: "sudo raspi-config nonint do_serial_hw 0",
    group: "dialout",
  },
  i2c: {
    line: /^\s*dtparam=(?:.*,)?i2c(?:_arm)?=on\b/m,
    name: "I2C",
    command: "sudo raspi-config nonint do_i2c 0",
    group: "i2c",
  },
  spi: {
    line: /^\s*dtparam=(?:.*,)?spi=on\b/m,
    name: "SPI",
    command: "sudo raspi-config nonint do_spi 0",
    group: "spi",
  },
} as const;

const examineBus = (world: World, { transport, device }: Wiring): Finding | undefined => {
  const bus = BUS[transport];
  const config = bootText(world, "config.txt");
  if (world.exists(device) || config === null) return undefined;
  if (bus.line.test(config)) {
    return wrong("bus", `${bus.name} is switched on, but ${device} is not there`, {
      advice: "sudo reboot (it was switched on since the last start), and check the device's name",
    });
  }
  return wrong("bus", `${bus.name} is switched off in config.txt`, {
    advice: `${bus.command} && sudo reboot`,
  });
};

const examineConsole = (world: World, { transport }: Wiring): Finding | undefined => {
  if (transport !== "uart") return undefined;
  const line = bootText(world, "cmdline.txt") ?? "";
  if (!/\bconsole=(?:serial0|ttyAMA\d+|ttyS\d+)\b/.test(line)) return undefined;
  return wrong("console", "the kernel's console talks on the UART, and the PN532 hears it", {
    advice: "sudo raspi-config nonint do_serial_cons 1 && sudo reboot",
  });
};

const examineDevice = (world: World, { id, transport, device }: Wiring): Finding | undefined => {
  if (!world.exists(device)) {
    return wrong(`reader ${id}`, `${device} is not there`, {
      advice: `look for it: ls -l /dev/serial* /dev/ttyUSB* /dev/i2c-* /dev/spidev*`,
    });
  }
  if (world.mayUse(device)) return undefined;
  const { group } = BUS[transport];
  return wrong(`reader ${id}`, `${world.user} may not use ${device}`, {
    advice: `sudo usermod -aG ${group} ${world.user}, then start the gateway again`,
  });
};

const WIRES = {
  uart: "the PN532's TX goes to the Pi's RX and its RX to TX, and its switches stand on HSU (UART)",
  i2c: "SDA and SCL are not swapped, and its switches stand on I2C: i2cdetect -y 1 shows 24",
  spi: "SCK, MISO, MOSI and NSS are where they belong, and its switches stand on SPI",
} as const;

const examineChip = ({ id, transport, baud, state }: Wiring): Finding => {
  if (state === null) return ok(`reader ${id}`, "can be asked when the gateway runs");
  if (state.up) return ok(`reader ${id}`, state.detail);
  const speed = transport === "uart" ? ` at ${baud} baud` : "";
  const orBaud = transport === "uart" ? "; or it speaks at another rate: set baud: 115200" : "";
  return wrong(`reader ${id}`, `no answer${speed}: ${state.detail}`, {
    advice: `switch the Pi off and look at the wires: ${WIRES[transport]}, and it has 3.3 V${orBaud}`,
  });
};

/** Everything between one PN532 and the gateway; what is wrong first hides what would follow from it. */
export const examinePn532 = (world: World, wiring: Wiring): ReadonlyArray<Finding> => {
  const found = [
    examineBus(world, wiring) ?? examineDevice(world, wiring),
    examineConsole(world, wiring),
  ].filter((finding) => finding !== undefined);
  return found.length > 0 ? found : [examineChip(wiring)];
};
