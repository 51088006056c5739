/**
 * Patterns on GPIO lines: our two scripts with a gpioset that only notes what it is told, and, for its options, with the
 * machine's own. No GPIO chip is needed.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { GpioConfig } from "#gateway/config/config.ts";
import { GpioLights } from "#gateway/reader/gpio/gpio-lights.ts";
import { PiLights } from "#gateway/reader/gpio/pi-lights.ts";

const LIGHTS: GpioConfig = { chip: "gpiochip0", green: 17, red: 27, buzzer: 22 };
const SHOWN = E.right(undefined);

let folder = "";

beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "tapmesh-gpio-"))));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Says that it is this version, notes its arguments, and holds the lines for so long. */
const installGpioset = (version: string, holdS: number): void => {
  const path = join(folder, "gpioset");
  const script = `#!/bin/sh
case $1 in --version) echo "gpioset (libgpiod) v${version}"; exit 0 ;; esac
echo "$@" >>${folder}/calls
trap 'kill $!; echo let go >>${folder}/calls; exit 0' TERM
sleep ${holdS} & wait $!
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  vi.stubEnv("PATH", `${folder}:${process.env["PATH"] ?? ""}`);
};

const calls = (): ReadonlyArray<string> =>
  readFileSync(join(folder, "calls"), "utf8").trim().split("\n");

test("a script that can't be started is no light, and no harm; the next signal tries again", async () => {
  installGpioset("1.6.3", 0);
  const lights = new GpioLights(LIGHTS);
  await lights.show("reading"); // which script it is, is known from here on
  const path = process.env["PATH"] ?? "";
  vi.stubEnv("PATH", folder); // there is no sh
  expect(await lights.show("accepted")).toEqual(
    E.left({ _tag: "FeedbackRefused", detail: expect.stringContaining("ENOENT") }),
  );
  await lights.stop();
  vi.stubEnv("PATH", path);
  expect(await lights.show("accepted")).toEqual(SHOWN);
});

describe.each([
  [
    "1.6.3",
    "--mode=time --sec=0 --usec=100000 gpiochip0",
    "--mode=time --sec=1 --usec=0 gpiochip0",
  ],
  [
    "2.2.1",
    "--chip gpiochip0 --hold-period 100ms --toggle 0",
    "--chip gpiochip0 --hold-period 1000ms --toggle 0",
  ],
])("with libgpiod %s", (version, shortly, long) => {
  test("two beeps and the light of a card that nobody knows", async () => {
    installGpioset(version, 0);
    expect(await new GpioLights(LIGHTS).show("unknown")).toEqual(SHOWN);
    expect(calls()).toEqual([
      `${shortly} 17=1 27=1 22=1`,
      `${shortly} 17=1 27=1 22=1`,
      `${long} 17=1 27=1 22=0`,
    ]);
  });

  test("a line that isn't wired is not touched", async () => {
    installGpioset(version, 0);
    await new GpioLights({ ...LIGHTS, red: null, buzzer: null }).show("accepted");
    expect(calls()).toEqual([`${shortly} 17=1`, `${long} 17=1`]);
  });

  test("the next signal takes the place of the one before, whose lines are free by then", async () => {
    installGpioset(version, 10);
    const lights = new GpioLights(LIGHTS);
    const first = lights.show("accepted");
    await expect.poll(() => calls()).toHaveLength(1);
    const second = lights.show("refused");
    expect(await first).toEqual(SHOWN);
    await expect.poll(() => calls()).toHaveLength(3);
    await lights.stop();
    expect(await second).toEqual(SHOWN);
    expect(calls()).toEqual([
      `${shortly} 17=1 27=0 22=1`,
      "let go",
      `${shortly} 17=0 27=1 22=1`,
      "let go",
    ]);
  });

  test("of several at once only the newest is shown", async () => {
    installGpioset(version, 0);
    const lights = new GpioLights(LIGHTS);
    const all = [lights.show("accepted"), lights.show("unknown"), lights.show("failed")];
    expect(await Promise.all(all)).toEqual([SHOWN, SHOWN, SHOWN]);
    expect(calls()).toHaveLength(2);
    expect(calls()[1]).toBe(`${long} 17=0 27=1 22=0`);
  });
});

const piLights = (failed: unknown[] = []): PiLights =>
  new PiLights(
    [
      { id: "door", gpio: LIGHTS },
      { id: "gate", gpio: null },
    ],
    (...args) => void failed.push(args),
  );

describe("that a card is being read", () => {
  const steadily = "--mode=time --sec=3 --usec=0 gpiochip0 17=1 27=1 22=0";
  const showsReading = async (lights: PiLights): Promise<void> => {
    lights.onEvent({ _tag: "CardReading", reader: "door" });
    await expect.poll(() => calls(), { timeout: 5_000 }).toEqual([steadily]);
  };
  const unread = {
    _tag: "CardUnread",
    reader: "door",
    technology: "type2",
    error: { _tag: "CardGone", command: "READ page" },
  } as const;

  test("shows both lights, without a beep, until the verdict takes their place", async () => {
    installGpioset("1.6.3", 10);
    const lights = piLights();
    await showsReading(lights);
    void lights.show("door", "accepted");
    await expect.poll(() => calls(), { timeout: 5_000 }).toHaveLength(3);
    expect(calls()[2]).toContain("17=1 27=0 22=1");
    lights.onEvent({ _tag: "CardLeft", reader: "door", monoMs: 0 }); // the verdict stays
    await delay(100);
    expect(calls()).toHaveLength(3);
    await lights.stop();
    expect(calls().at(-1)).toBe("let go");
  });

  test.each([
    unread,
    { _tag: "CardLeft", reader: "door", monoMs: 0 } as const,
    { _tag: "ReaderDown", reader: "door", reason: "unplugged" } as const,
  ])("$_tag: no light stays on", async (event) => {
    installGpioset("1.6.3", 10);
    const lights = piLights();
    await showsReading(lights);
    lights.onEvent(event);
    await expect.poll(() => calls(), { timeout: 5_000 }).toEqual([steadily, "let go"]);
  });

  test("a card gone before its light was on: it does not come on", async () => {
    installGpioset("1.6.3", 10);
    writeFileSync(join(folder, "calls"), "");
    const lights = piLights();
    lights.onEvent({ _tag: "CardReading", reader: "door" });
    lights.onEvent(unread);
    lights.onEvent({ _tag: "CardReading", reader: "gate" }); // has none
    await delay(300);
    expect(calls()).toEqual([""]);
  });

  test("what fails is told of, with the signal", async () => {
    vi.stubEnv("PATH", folder);
    const failed: unknown[] = [];
    piLights(failed).onEvent({ _tag: "CardReading", reader: "door" });
    await expect.poll(() => failed).toHaveLength(1);
    expect(failed[0]).toMatchObject(["door", "reading", { _tag: "FeedbackRefused" }]);
  });
});

test("without gpiod it says what to install, and looks again the next time", async () => {
  vi.stubEnv("PATH", folder);
  const lights = new GpioLights(LIGHTS);
  const detail = "gpioset is missing: sudo apt-get install gpiod";
  expect(await lights.show("accepted")).toEqual(E.left({ _tag: "FeedbackRefused", detail }));
  vi.unstubAllEnvs();
  installGpioset("1.6.3", 0);
  expect(await lights.show("accepted")).toEqual(SHOWN);
});

test("a gpiod of another major is refused, not guessed at", async () => {
  installGpioset("3.0", 0);
  const detail = "this gpiod is neither version 1 nor 2";
  expect(await new GpioLights(LIGHTS).show("accepted")).toEqual(
    E.left({ _tag: "FeedbackRefused", detail }),
  );
});

test("the machine's own gpioset takes our options: only the chip is not there", async () => {
  const shown = await new GpioLights({ ...LIGHTS, chip: "no-such-chip" }).show("accepted");
  expect(shown).toEqual(
    E.left({
      _tag: "FeedbackRefused",
      detail: expect.stringMatching(/no such|cannot find|unable to open/i),
    }),
  );
});
