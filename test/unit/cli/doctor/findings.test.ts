/** Every finding, on a made-up machine that has just this wrong; and none on one that has nothing. */
import { describe, expect, test } from "vitest";
import type { Finding } from "#gateway/cli/doctor/finding.ts";
import { examineMachine } from "#gateway/cli/doctor/machine.ts";
import { examinePcsc } from "#gateway/cli/doctor/pcsc.ts";
import { examinePn532, type Wiring } from "#gateway/cli/doctor/pn532.ts";
import { systemWorld } from "#gateway/cli/doctor/world.ts";
import { demoConfig } from "#gateway/config/parse.ts";
import {
  type FakeMachine,
  type FakeWorld,
  healthyPi,
  worldOf,
} from "#test/unit/cli/doctor/fake-world.ts";

const CONFIG = {
  ...demoConfig("/srv"),
  dataDir: "/var/lib/tapmesh",
  broker: null,
  linkBrokers: ["mqtt://gate:hunter2@hub.site:1884"],
};

const WIRING: Wiring = {
  id: "door",
  transport: "uart",
  device: "/dev/serial0",
  baud: 115_200,
  state: { up: true, detail: "PN532 1.6" },
};

const machineWith = (change: (machine: FakeMachine) => void): FakeMachine => {
  const machine = healthyPi();
  change(machine);
  return machine;
};

const problems = (findings: ReadonlyArray<Finding>): ReadonlyArray<Finding> =>
  findings.filter(({ advice }) => advice !== null);

const lookAtAll = async (world: FakeWorld): Promise<ReadonlyArray<Finding>> => [
  ...(await examinePcsc(world, false)),
  ...examinePn532(world, WIRING),
  ...(await examineMachine(world, CONFIG, false)),
];

test("a healthy Pi has nothing wrong, and is told what was looked at", async () => {
  const findings = await lookAtAll(worldOf(healthyPi()));
  expect(problems(findings)).toEqual([]);
  expect(findings.map(({ what, found }) => `${what}: ${found}`)).toEqual([
    "modules: no kernel module takes the reader",
    "pcscd: running",
    "usb: ACR122U PICC Interface (USB 1-1.3)",
    "reader door: PN532 1.6",
    "disk: 8000 MiB free for /var/lib/tapmesh",
    "wear: mmcblk0 has used up to 10 % of its life",
    "clock: 2026-11-22T12:00:00.000Z (ntp)",
    "broker: hub.site:1884 can be reached",
  ]);
});

test("the real machine can be looked at, whatever it is", async () => {
  const world = systemWorld("tester");
  const findings = [
    ...(await examinePcsc(world, true)),
    ...(await examineMachine(world, { ...CONFIG, dataDir: "/tmp", linkBrokers: [] }, false)),
    ...examinePn532(world, { ...WIRING, device: "/dev/null" }),
  ];
  expect(findings.map(({ what }) => what)).toEqual(
    expect.arrayContaining(["modules", "pcscd", "disk", "clock", "reader door"]),
  );
  expect(findings.find(({ what }) => what === "disk")?.found).toMatch(/^\d+ MiB free/);
  expect(await world.reach("127.0.0.1", 1)).toContain("ECONNREFUSED");
  expect(await world.run("sh", "-c", "echo x; exit 3")).toEqual({ code: 3, out: "x" });
  expect((await world.run("no-such-program")).code).toBeNull();
  expect(world.write("/dev/null/x", "")).not.toBeNull();
});

/** Each change makes exactly one finding, with this in its words and this command in its advice. */
const FAULTS: ReadonlyArray<{
  readonly fault: string;
  readonly change: (machine: FakeMachine) => void;
  readonly found: string;
  readonly advice: string;
}> = [
  {
    fault: "the kernel's driver holds the reader",
    change: ({ files }) => (files["/proc/modules"] = "nfc 1 1 pn533\npn533 1 0\npn533_usb 1 0\n"),
    found: "kernel's own NFC driver holds the reader (pn533_usb pn533 nfc)",
    advice: "sudo modprobe -r pn533_usb pn533 nfc",
  },
  {
    fault: "pcscd is not installed",
    change: (machine) => {
      machine.pcscd = "missing";
      delete machine.files["/usr/sbin/pcscd"];
    },
    found: "not installed",
    advice: "sudo apt-get install -y pcscd",
  },
  {
    fault: "pcscd is not running",
    change: (machine) => (machine.pcscd = "missing"),
    found: "installed and not running",
    advice: "sudo systemctl enable --now pcscd.socket",
  },
  {
    fault: "pcscd is frozen",
    change: (machine) => (machine.pcscd = "frozen"),
    found: "does not answer",
    advice: "sudo systemctl kill --signal=KILL pcscd.service",
  },
  {
    fault: "there is no polkit rule",
    change: (machine) => (machine.pcscd = "refused"),
    found: "there is no polkit rule",
    advice: "/etc/polkit-1/rules.d/50-tapmesh.rules",
  },
  {
    fault: "the polkit rule names another user",
    change: (machine) => {
      machine.pcscd = "refused";
      machine.files["/etc/polkit-1/rules.d/9.rules"] = "org.debian.pcsc-lite.access_pcsc";
    },
    found: "although there is a polkit rule",
    advice: "grep -r org.debian.pcsc-lite.access_pcsc",
  },
  {
    fault: "no reader is plugged in",
    change: ({ files }) => {
      files["/sys/bus/usb/devices/1-1.3/idVendor"] = "05e3\n";
      files["/sys/bus/usb/devices/1-1.3/product"] = "USB2.0 Hub\n";
    },
    found: "no reader is plugged in",
    advice: "lsusb",
  },
  {
    fault: "the UART is off",
    change: ({ files }) => {
      delete files["/dev/serial0"];
      files["/boot/firmware/config.txt"] = "#enable_uart=1\ndtparam=i2c_arm=on,spi=on\n";
    },
    found: "the UART is switched off",
    advice: "sudo raspi-config nonint do_serial_hw 0 && sudo reboot",
  },
  {
    fault: "the console is on the UART",
    change: ({ files }) =>
      (files["/boot/firmware/cmdline.txt"] = "console=serial0,115200 console=tty1 rootwait"),
    found: "console talks on the UART",
    advice: "sudo raspi-config nonint do_serial_cons 1",
  },
  {
    fault: "the device belongs to a group",
    change: (machine) => (machine.forbidden = ["/dev/serial0"]),
    found: "tapmesh may not use /dev/serial0",
    advice: "sudo usermod -aG dialout tapmesh",
  },
  {
    fault: "the disk is read-only",
    change: ({ files }) =>
      (files["/proc/mounts"] =
        "/dev/mmcblk0p2 / ext4 rw 0 0\n/dev/mmcblk0p3 /var/lib ext4 ro,noatime 0 0\n"),
    found: "mounted read-only",
    advice: "dmesg",
  },
  {
    fault: "the disk is nearly full",
    change: (machine) => (machine.freeBytes = 100 * 1_048_576),
    found: "100 MiB free",
    advice: "it will be full soon",
  },
  {
    fault: "the disk is full",
    change: (machine) => (machine.freeBytes = 1_048_576),
    found: "1 MiB free",
    advice: "nothing can be recorded",
  },
  {
    fault: "the card is worn",
    change: ({ files }) => (files["/sys/block/mmcblk0/device/life_time"] = "0x02 0x0a\n"),
    found: "100 % of its life",
    advice: "tapmesh restore",
  },
  {
    fault: "the clock was never set",
    change: (machine) => (machine.wallMs = Date.UTC(1970, 0, 1)),
    found: "1970-01-01",
    advice: "NTP",
  },
  {
    fault: "the broker can't be reached",
    change: (machine) => (machine.unreachable = { "hub.site:1884": "no answer within 2 s" }),
    found: "hub.site:1884 can't be reached: no answer",
    advice: "ping hub.site",
  },
];

describe("each fault is found alone, with what mends it", () => {
  test.each(FAULTS)("$fault", async ({ change, found, advice }) => {
    const wrong = problems(await lookAtAll(worldOf(machineWith(change))));
    expect(wrong).toHaveLength(1);
    expect(wrong[0]?.found).toContain(found);
    expect(wrong[0]?.advice).toContain(advice);
    expect(JSON.stringify(wrong)).not.toContain("hunter2");
  });

  test.each([
    { transport: "i2c", device: "/dev/i2c-1", line: "dtparam=i2c_arm=on", command: "do_i2c 0" },
    { transport: "spi", device: "/dev/spidev0.0", line: "dtparam=spi=on", command: "do_spi 0" },
  ] as const)("$transport is off, or on since the last start", ({ transport, ...bus }) => {
    const wiring: Wiring = { ...WIRING, transport, device: bus.device };
    const machine = healthyPi();
    delete machine.files[bus.device];
    machine.files["/boot/firmware/config.txt"] = "enable_uart=1\n";
    expect(examinePn532(worldOf(machine), wiring)[0]?.advice).toContain(bus.command);
    machine.files["/boot/firmware/config.txt"] = `${bus.line}\n`;
    expect(examinePn532(worldOf(machine), wiring)[0]?.advice).toContain("sudo reboot");
  });

  test("a PN532 that gives no answer, or is of another rate", () => {
    const state = { up: false, detail: "no answer" };
    const [finding] = examinePn532(worldOf(healthyPi()), { ...WIRING, baud: 9_600, state });
    expect(finding?.found).toContain("no answer at 9600 baud");
    expect(finding?.advice).toContain("set baud: 115200");
    expect(finding?.advice).toContain("TX goes to the Pi's RX");
    const [unknown] = examinePn532(worldOf(healthyPi()), { ...WIRING, state: null });
    expect(unknown?.advice).toBeNull();
  });

  test("a device that is nowhere, on a machine that is no Pi", () => {
    const machine = machineWith(({ files }) => {
      delete files["/boot/firmware/config.txt"];
      delete files["/dev/serial0"];
    });
    const [finding] = examinePn532(worldOf(machine), WIRING);
    expect(finding?.found).toBe("/dev/serial0 is not there");
    expect(finding?.advice).toContain("ls -l /dev/serial*");
  });

  test("a running gateway's brokers are its own to tell", async () => {
    const machine = machineWith((pi) => (pi.unreachable = { "hub.site:1884": "refused" }));
    expect(problems(await examineMachine(worldOf(machine), CONFIG, true))).toEqual([]);
  });
});
