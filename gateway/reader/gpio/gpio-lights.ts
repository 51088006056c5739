/**
 * Lights and a buzzer on the Pi's own GPIO lines, by gpioset of Debian's gpiod: its two majors take other options, so
 * there is a script for each. No native module: a person can try the very same script by hand.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
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

/** A script that runs. */
interface Showing {
  readonly child: ChildProcess;
  /** Its lines are free; what it complained of, or undefined. Never rejects. */
  readonly ended: Promise<string | undefined>;
}

const begin = (script: string, args: ReadonlyArray<string>): Showing => {
  const child = spawn("sh", [script, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (text: Buffer) => (complaint += text.toString().slice(0, 500)));
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("close", (code) => resolve(code === 0 ? undefined : complaint.trim()));
    child.once("error", (error) => resolve(error.message)); // no process, no memory: no light
  });
  return { child, ended };
};

export class GpioLights {
  readonly #config: GpioConfig;
  /** Asked again while there is none: it may be installed meanwhile. */
  #script: Promise<E.Either<string, string>> | undefined;
  #showing: Showing | undefined;
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
    const showing = begin(script, [this.#config.chip, ...steps]);
    this.#showing = showing;
    const complaint = await showing.ended;
    if (this.#showing !== showing) return E.right(undefined); // another has taken its place
    this.#showing = undefined;
    return complaint === undefined ? E.right(undefined) : refused(complaint);
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
    const showing = this.#showing;
    if (showing === undefined) return;
    showing.child.kill("SIGTERM");
    await showing.ended;
    if (this.#showing === showing) this.#showing = undefined;
  }
}
