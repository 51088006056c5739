/** The steps that need more than the gateway's own process: other programs, run as whom the machine lets it. */
import { execFile } from "node:child_process";
import * as E from "fp-ts/lib/Either.js";
import type { RecoveryError } from "#gateway/ports.ts";
import { usbPortsOf } from "#gateway/reader/supervisor/usb-port.ts";

/** A port that goes off and on takes 2 s, a unit that hangs longer. */
const COMMAND_TIMEOUT_MS = 15_000;

const USB_PROGRAM = "/usr/lib/tapmesh/tapmesh-usb";

type Outcome = E.Either<RecoveryError, void>;

export interface Hands {
  readonly restartPcscd: () => Promise<Outcome>;
  /** `name`: what PC/SC calls the reader, or what the configuration looks for in that. */
  readonly rebindUsb: (name: string) => Promise<Outcome>;
  readonly cyclePortPower: (name: string) => Promise<Outcome>;
}

/** Runs a program to its end. Left: why it could not, or what it said when it failed. */
export type RunProgram = (
  file: string,
  args: ReadonlyArray<string>,
) => Promise<E.Either<string, void>>;

export const runProgram: RunProgram = (file, args) =>
  new Promise((resolve) => {
    execFile(file, [...args], { timeout: COMMAND_TIMEOUT_MS }, (error, _stdout, stderr) => {
      if (error === null) resolve(E.right(undefined));
      else resolve(E.left(stderr.trim() === "" ? error.message : stderr.trim()));
    });
  });

const cant = (detail: string): Outcome => E.left({ _tag: "StepFailed", detail });

/** `sysRoot` is /sys; `run` starts programs. Both are others in tests. */
export const systemHands = (sysRoot = "/sys", run: RunProgram = runProgram): Hands => {
  const outcomeOf = async (file: string, ...args: ReadonlyArray<string>): Promise<Outcome> => {
    const ended = await run(file, args);
    return E.isRight(ended) ? ended : cant(ended.left);
  };

  const usb = async (verb: "rebind" | "power", name: string): Promise<Outcome> => {
    const ports = usbPortsOf(sysRoot, name);
    const [port] = ports;
    if (port === undefined) return cant(`no USB device is a "${name}"`);
    if (ports.length > 1) {
      return cant(
        `${ports.length} USB devices are a "${name}" (${ports.join(", ")}): which is it?`,
      );
    }
    return await outcomeOf("sudo", "-n", USB_PROGRAM, verb, port);
  };

  return {
    // Killed first: a daemon that hangs would be waited for a minute and a half, and it has nothing to save.
    restartPcscd: async () => {
      const systemctl = ["systemctl", "--no-ask-password"] as const;
      await outcomeOf(...systemctl, "kill", "--signal=KILL", "pcscd.service");
      return await outcomeOf(...systemctl, "restart", "pcscd.socket", "pcscd.service");
    },
    rebindUsb: (name) => usb("rebind", name),
    cyclePortPower: (name) => usb("power", name),
  };
};
