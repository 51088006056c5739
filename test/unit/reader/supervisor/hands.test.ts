/** The steps beyond the gateway's own process, against a /sys of files and with programs that are only written down. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { type RunProgram, systemHands } from "#gateway/reader/supervisor/hands.ts";

const ACR = "ACS ACR122U PICC Interface 00 00";

/** A folder that looks like / to the helper: /sys with a hub 1-1, and on its port 3 a reader. */
class FakeRoot implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "tapmesh-sys-"));
  readonly usb = join(this.root, "sys/bus/usb");
  readonly #written: string[] = [];

  constructor() {
    this.put("drivers/usb/unbind", "");
    this.put("drivers/usb/bind", "");
    this.device("1-1", { product: "USB2.0 Hub", bDeviceClass: "09" });
    this.device("1-1.3", { product: "ACR122U PICC Interface", bDeviceClass: "00" });
    this.put("devices/1-1:1.0/1-1-port3/disable", "");
    this.put("devices/1-0:1.0/usb1-port1/disable", "");
  }

  put(name: string, text: string): void {
    const file = join(this.usb, name);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, text);
  }

  device(port: string, facts: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(facts)) this.put(`devices/${port}/${name}`, text);
  }

  remove(port: string): void {
    rmSync(join(this.usb, "devices", port), { recursive: true });
  }

  /** What was written where, in its order; each write stays for longer than it takes to see it. */
  get written(): ReadonlyArray<string> {
    return this.#written;
  }

  async run(...args: ReadonlyArray<string>): Promise<{ code: number | null; stderr: string }> {
    const seen = new Map<string, string>();
    const look = setInterval(() => {
      for (const name of FILES) {
        const text = readFileSync(join(this.usb, name), "utf8").trim();
        if (text === "" || seen.get(name) === text) continue;
        seen.set(name, text);
        this.#written.push(`${text} > ${name}`);
      }
    }, 10);
    const helper = spawn("systemd/tapmesh-usb", args, {
      env: { TAPMESH_USB_ROOT: this.root },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    helper.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const code = await new Promise<number | null>((resolve) => helper.once("close", resolve));
    await new Promise((resolve) => setTimeout(resolve, 30));
    clearInterval(look);
    return { code, stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }
}

const FILES = [
  "drivers/usb/unbind",
  "drivers/usb/bind",
  "devices/1-1:1.0/1-1-port3/disable",
  "devices/1-0:1.0/usb1-port1/disable",
];

describe.concurrent("tapmesh-usb", () => {
  test("rebind lets the kernel go of the device and take it again", async () => {
    using fake = new FakeRoot();
    expect(await fake.run("rebind", "1-1.3")).toEqual({ code: 0, stderr: "" });
    expect(fake.written).toEqual(["1-1.3 > drivers/usb/unbind", "1-1.3 > drivers/usb/bind"]);
  });

  test.each([
    { port: "1-1.3", file: "devices/1-1:1.0/1-1-port3/disable" },
    { port: "1-1", file: "devices/1-0:1.0/usb1-port1/disable" },
  ])("power switches the port of $port off and on", async ({ port, file }) => {
    using fake = new FakeRoot();
    if (port === "1-1") fake.put("devices/1-1/bDeviceClass", "00");
    expect(await fake.run("power", port)).toEqual({ code: 0, stderr: "" });
    expect(fake.written).toEqual([`1 > ${file}`, `0 > ${file}`]);
  });

  test("power also works where the device has fallen off the bus", async () => {
    using fake = new FakeRoot();
    fake.remove("1-1.3");
    expect((await fake.run("power", "1-1.3")).code).toBe(0);
    expect(fake.written).toHaveLength(2);
  });

  test.each([
    { args: [] },
    { args: ["rebind"] },
    { args: ["rebind", ""] },
    { args: ["rebind", "1-1.3", "more"] },
    { args: ["rebind", "../../etc"] },
    { args: ["rebind", "1-1.3/../1-1"] },
    { args: ["rebind", "1-1.3\n1-1"] },
    { args: ["rebind", "1-1.3 1-1"] },
    { args: ["rebind", "1-1;reboot"] },
    { args: ["rebind", "1.2-3"] },
    { args: ["rebind", "1-1..3"] },
    { args: ["rebind", "1-"] },
    { args: ["rebind", "-1"] },
    { args: ["rebind", "usb1"] },
    { args: ["rebind", `1-1${".1".repeat(20)}`] },
    { args: ["explode", "1-1.3"] },
  ])("refuses $args and writes nothing", async ({ args }) => {
    using fake = new FakeRoot();
    expect((await fake.run(...args)).code).toBe(2);
    expect(fake.written).toEqual([]);
  });

  test.each([
    { args: ["rebind", "1-1"], why: "is a hub" },
    { args: ["power", "1-1"], why: "is a hub" },
    { args: ["rebind", "1-1.4"], why: "nothing is plugged in" },
    { args: ["power", "2-1"], why: "no power switch" },
  ])("$args can't be: $why", async ({ args, why }) => {
    using fake = new FakeRoot();
    const { code, stderr } = await fake.run(...args);
    expect(code).toBe(3);
    expect(stderr).toContain(why);
    expect(fake.written).toEqual([]);
  });
});

/** Programs that are only written down. */
const recorded = (answer: E.Either<string, void> = E.right(undefined)) => {
  const commands: string[] = [];
  const run: RunProgram = (file, args) => {
    commands.push([file, ...args].join(" "));
    return Promise.resolve(answer);
  };
  return { commands, run };
};

describe("the steps beyond this process", () => {
  test("restart pcscd without waiting for one that hangs", async () => {
    const { commands, run } = recorded();
    expect(await systemHands("/sys", run).restartPcscd()).toEqual(E.right(undefined));
    expect(commands).toEqual([
      "systemctl --no-ask-password kill --signal=KILL pcscd.service",
      "systemctl --no-ask-password restart pcscd.socket pcscd.service",
    ]);
  });

  test("find the reader's port by the product's name", async () => {
    using fake = new FakeRoot();
    const { commands, run } = recorded();
    const hands = systemHands(join(fake.root, "sys"), run);
    expect(await hands.rebindUsb(ACR)).toEqual(E.right(undefined));
    expect(await hands.cyclePortPower("ACR122U")).toEqual(E.right(undefined));
    expect(commands).toEqual([
      "sudo -n /usr/lib/tapmesh/tapmesh-usb rebind 1-1.3",
      "sudo -n /usr/lib/tapmesh/tapmesh-usb power 1-1.3",
    ]);
  });

  test("touch nothing where the port is not known for sure", async () => {
    using fake = new FakeRoot();
    const { commands, run } = recorded();
    const hands = systemHands(join(fake.root, "sys"), run);
    fake.device("1-1.4", { product: "ACR122U PICC Interface" });
    const ambiguous = await hands.rebindUsb(ACR);
    expect(E.isLeft(ambiguous) && ambiguous.left.detail).toContain("2 USB devices are a");
    const absent = await hands.rebindUsb("HID Global OMNIKEY 5022");
    expect(E.isLeft(absent) && absent.left.detail).toContain("no USB device is a");
    const noUsb = await systemHands(join(fake.root, "nowhere"), run).rebindUsb(ACR);
    expect(E.isLeft(noUsb)).toBe(true);
    expect(commands).toEqual([]);
  });

  test("say why they failed", async () => {
    const { run } = recorded(E.left("Access denied"));
    expect(await systemHands("/sys", run).restartPcscd()).toEqual(
      E.left({ _tag: "StepFailed", detail: "Access denied" }),
    );
  });
});
