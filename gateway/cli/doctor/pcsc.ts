/** What keeps a PC/SC reader from its gateway: kernel modules, pcscd, polkit, the cable. */
import { fileURLToPath } from "node:url";
import { commands, type Cure, type Finding, ok, wrong } from "#gateway/cli/doctor/finding.ts";
import type { World } from "#gateway/cli/doctor/world.ts";

const MODULES_IN_THE_WAY = ["pn533_usb", "pn533", "nfc"];
const MODPROBE_FILE = "/etc/modprobe.d/tapmesh.conf";
const POLKIT_FOLDERS = ["/etc/polkit-1/rules.d", "/usr/share/polkit-1/rules.d"];
const POLKIT_FILE = "/etc/polkit-1/rules.d/50-tapmesh.rules";
const POLKIT_ACTION = "org.debian.pcsc-lite.access_pcsc";
const PCSCD = "/usr/sbin/pcscd";

const packaged = (name: string): string =>
  fileURLToPath(new URL(`../../../systemd/${name}`, import.meta.url));

const examineModules = (world: World): Finding => {
  const lines = (world.read("/proc/modules") ?? "").split("\n");
  const loaded = MODULES_IN_THE_WAY.filter((name) =>
    lines.some((line) => line.startsWith(`${name} `)),
  );
  if (loaded.length === 0) return ok("modules", "no kernel module takes the reader");
  const list = loaded.join(" ");
  const remove = commands(`unload ${list} and keep them out by ${MODPROBE_FILE}`, [
    "modprobe",
    "-r",
    ...loaded,
  ]);
  const cure: Cure = {
    ...remove,
    apply: async (machine) => {
      const blacklist = MODULES_IN_THE_WAY.map((name) => `blacklist ${name}\n`).join("");
      return machine.write(MODPROBE_FILE, blacklist) ?? (await remove.apply(machine));
    },
  };
  return wrong("modules", `the kernel's own NFC driver holds the reader (${list})`, {
    advice: `sudo modprobe -r ${list}, and for good: printf '${MODULES_IN_THE_WAY.map((name) => `blacklist ${name}\\n`).join("")}' | sudo tee ${MODPROBE_FILE}`,
    cure,
  });
};

const hasPolkitRule = (world: World): boolean =>
  POLKIT_FOLDERS.some((folder) =>
    world
      .list(folder)
      .some((name) => world.read(`${folder}/${name}`)?.includes(POLKIT_ACTION) === true),
  );

const refused = (world: World): Finding => {
  if (hasPolkitRule(world)) {
    return wrong("pcscd", "refuses this user, although there is a polkit rule", {
      advice: `run as the gateway's user; the rule names whom it lets in: grep -r ${POLKIT_ACTION} ${POLKIT_FOLDERS[0]}`,
    });
  }
  const source = packaged("50-tapmesh.rules");
  const cure: Cure = {
    does: `write ${POLKIT_FILE}, which lets the user tapmesh use pcscd`,
    needsRoot: true,
    apply: (machine) => {
      const rule = machine.read(source);
      return Promise.resolve(
        rule === null ? `${source} can't be read` : machine.write(POLKIT_FILE, rule),
      );
    },
  };
  return wrong("pcscd", "refuses this user: there is no polkit rule for pcscd", {
    advice: `sudo install -m 644 ${source} ${POLKIT_FILE}`,
    cure,
  });
};

const RESTART = commands(
  "restart pcscd",
  ["systemctl", "kill", "--signal=KILL", "pcscd.service"],
  ["systemctl", "restart", "pcscd.socket", "pcscd.service"],
);

const examinePcscd = async (world: World): Promise<Finding> => {
  const state = await world.pcscd();
  switch (state) {
    case "running":
      return ok("pcscd", "running");
    case "refused":
      return refused(world);
    case "frozen":
      return wrong("pcscd", "is there and does not answer", {
        advice:
          "sudo systemctl kill --signal=KILL pcscd.service && sudo systemctl restart pcscd.socket pcscd.service",
        cure: RESTART,
      });
    case "missing":
      if (!world.exists(PCSCD)) {
        return wrong("pcscd", "is not installed", {
          advice: "sudo apt-get install -y pcscd libccid",
        });
      }
      return wrong("pcscd", "is installed and not running", {
        advice: "sudo systemctl enable --now pcscd.socket",
        cure: commands("start pcscd", ["systemctl", "enable", "--now", "pcscd.socket"]),
      });
  }
};

/** USB vendors of readers that people use: ACS, HID Omnikey, Identiv, NXP. */
const READER_VENDORS = new Set(["072f", "076b", "04e6", "1fc9"]);

const usbReaders = (world: World): ReadonlyArray<string> => {
  const devices = "/sys/bus/usb/devices";
  return world.list(devices).flatMap((port) => {
    const vendor = world.read(`${devices}/${port}/idVendor`)?.trim() ?? "";
    const product = world.read(`${devices}/${port}/product`)?.trim() ?? "";
    const isReader = READER_VENDORS.has(vendor) || /\b(?:nfc|acr\d|smart ?card)/i.test(product);
    return isReader ? [`${product === "" ? vendor : product} (USB ${port})`] : [];
  });
};

const examineUsb = (world: World): Finding => {
  const readers = usbReaders(world);
  if (readers.length > 0) return ok("usb", readers.join(", "));
  return wrong("usb", "no reader is plugged in", {
    advice: "plug it in, with a short cable straight into the Pi; then: lsusb",
  });
};

/** Everything between a PC/SC reader and the gateway. `isUp`: one is in use, however it is wired. */
export const examinePcsc = async (world: World, isUp: boolean): Promise<ReadonlyArray<Finding>> => [
  examineModules(world),
  await examinePcscd(world),
  ...(isUp ? [] : [examineUsb(world)]),
];
