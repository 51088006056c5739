/**
 * Lights and a buzzer on the Pi's own GPIO lines, by gpioset of Debian's gpiod: its two majors take other options, so
 * there is a script for each. No native module: a person can try the very same script by hand.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as E from "fp-ts/lib/Either.js";
import { PATTERNS, stepsOf, type FeedbackSignal, type LightStep } from "#core/feedback/patterns.ts";
import type { GpioConfig } from "#gateway/config/config.ts";
import type { FeedbackError } from "#gateway/ports.ts";

type Shown = E.Either<FeedbackError, void>;

const MISSING = "gpioset is missing: sudo apt-get install gpiod";
const TOO_NEW = "this gpiod is neither version 1 nor 2";

const refused = (detail: string): Shown => E.left({ _tag: "FeedbackRefused", detail });

/** The script for the gpiod that is installed; Left: why there is none, in words for an operator. */
const findScript = async (): Promise<E.Either<string, string>> => {
  try {
    const { stdout } = await promisify(execFile)("gpioset", ["--version"], { timeout: 5_000 });
    const major = / v([12])\./.exec(stdout)?.[1];
    if (major === undefined) return E.left(TOO_NEW);
    return E.right(fileURLToPath(new URL(`gpioset-${major}.sh`, import.meta.url)));
  } catch {
    return E.left(MISSING);
  }
};

/** A step as the scripts take it. A line that isn't wired is not named. */
const stepText = ({ green, red, buzzer }: GpioConfig, step: LightStep): string => {
  if (!step.green && !step.red && !step.buzzer) return `${step.ms}:`;
  const lines = [
    [green, step.green],
    [red, step.red],
    [buzzer, step.buzzer],
  ] as const;
  const named = lines.flatMap(([line, isOn]) => (line === null ? [] : [`${line}=${Number(isOn)}`]));
  return `${step.ms}:${named.join(",")}`;
};

export class GpioLights {
  readonly #config: GpioConfig;
  /** Asked again while there is none: it may be installed meanwhile. */
  #script: Promise<E.Either<string, string>> | undefined;
  #showing: ChildProcess | undefined;
  /** The newest signal; an older one that still waits for its turn is dropped. */
  #turn = 0;
  #signal: FeedbackSignal | undefined;

  constructor(config: GpioConfig) {
    this.#config = config;
  }

  /** Shows it in place of what was shown before. Resolves when that is over, by its end or by the next signal. */
  async show(signal: FeedbackSignal): Promise<Shown> {
    this.#turn += 1;
    const turn = this.#turn;
    this.#signal = signal;
    this.#script ??= findScript();
    const script = await this.#script;
    if (E.isLeft(script)) {
      this.#script = undefined;
      return refused(script.left);
    }
    await this.#letGo();
    // A call, because TypeScript takes a field checked before an await for unchanged after it.
    return this.#isNewest(turn) ? this.#run(script.right, signal) : E.right(undefined);
  }

  #isNewest(turn: number): boolean {
    return this.#turn === turn;
  }

  async #run(script: string, signal: FeedbackSignal): Promise<Shown> {
    const steps = stepsOf(PATTERNS[signal]).map((step) => stepText(this.#config, step));
    const child = spawn("sh", [script, this.#config.chip, ...steps], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#showing = child;
    let complaint = "";
    child.stderr.on("data", (text: Buffer) => (complaint += text.toString().slice(0, 500)));
    const [code] = await once(child, "close");
    if (this.#showing === child) this.#showing = undefined;
    return code === 0 ? E.right(undefined) : refused(complaint.trim());
  }

  /** Ends what is shown or about to be; the lines are free when it resolves. */
  stop(): Promise<void> {
    this.#turn += 1;
    this.#signal = undefined;
    return this.#letGo();
  }

  /** The reading is over: puts its signal out, unless a verdict has taken its place. */
  async endReading(): Promise<void> {
    if (this.#signal === "reading") await this.stop();
  }

  async #letGo(): Promise<void> {
    const child = this.#showing;
    if (child === undefined) return;
    this.#showing = undefined;
    child.kill("SIGTERM");
    await once(child, "close");
  }
}
