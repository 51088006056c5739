/** A machine that is made up of files and programs' answers. */
import type { World } from "#gateway/cli/doctor/world.ts";

export interface FakeMachine {
  files: Record<string, string>;
  /** Command line → what it says; all others are not there. */
  programs: Record<string, { readonly code: number; readonly out: string }>;
  pcscd: Awaited<ReturnType<World["pcscd"]>>;
  isRoot: boolean;
  freeBytes: number | null;
  forbidden: ReadonlyArray<string>;
  unreachable: Record<string, string>;
  wallMs: number;
}

/** A Pi on which nothing is wrong. */
export const healthyPi = (): FakeMachine => ({
  files: {
    "/proc/modules": "snd_bcm2835 16384 0 - Live 0x0\n",
    "/proc/mounts": "/dev/mmcblk0p2 / ext4 rw,noatime 0 0\n",
    "/usr/sbin/pcscd": "",
    "/sys/bus/usb/devices/1-1.3/idVendor": "072f\n",
    "/sys/bus/usb/devices/1-1.3/product": "ACR122U PICC Interface\n",
    "/sys/block/mmcblk0/device/life_time": "0x01 0x01\n",
    "/run/systemd/timesync/synchronized": "",
    "/boot/firmware/config.txt": "enable_uart=1\ndtparam=i2c_arm=on,spi=on\n",
    "/boot/firmware/cmdline.txt": "console=tty1 root=PARTUUID=x rootwait\n",
    "/dev/serial0": "",
    "/dev/i2c-1": "",
    "/dev/spidev0.0": "",
    "/var/lib/tapmesh/log.db": "",
  },
  programs: {},
  pcscd: "running",
  isRoot: false,
  freeBytes: 8_000 * 1_048_576,
  forbidden: [],
  unreachable: {},
  wallMs: Date.UTC(2026, 10, 22, 12),
});

export interface FakeWorld extends World {
  /** Programs that were run, as command lines. */
  readonly ran: ReadonlyArray<string>;
}

export const worldOf = (machine: FakeMachine): FakeWorld => {
  const ran: string[] = [];
  const names = (): ReadonlyArray<string> => Object.keys(machine.files);
  return {
    ran,
    user: "tapmesh",
    isRoot: machine.isRoot,
    wallMs: () => machine.wallMs,
    read: (file) => machine.files[file] ?? null,
    exists: (path) => names().some((name) => name === path || name.startsWith(`${path}/`)),
    mayUse: (path) => !machine.forbidden.includes(path),
    list: (folder) => {
      const inside = names().filter((name) => name.startsWith(`${folder}/`));
      return [...new Set(inside.map((name) => name.slice(folder.length + 1).split("/")[0] ?? ""))];
    },
    freeBytes: () => machine.freeBytes,
    run: (...line) => {
      ran.push(line.join(" "));
      return Promise.resolve(machine.programs[line.join(" ")] ?? { code: null, out: "not found" });
    },
    write: (file, text) => {
      if (!machine.isRoot) return "EACCES: permission denied";
      machine.files[file] = text;
      return null;
    },
    pcscd: () => Promise.resolve(machine.pcscd),
    reach: (host, port) => Promise.resolve(machine.unreachable[`${host}:${port}`] ?? null),
  };
};
