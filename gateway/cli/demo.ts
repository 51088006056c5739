/** `tapmesh demo`: a small fleet at work on this machine, with keys to break it. */
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { EXIT, type ExitCode, type Io } from "#gateway/cli/io.ts";
import { startDemoFleet, statusOf, untilReady, type DemoFleet } from "#gateway/demo/demo-fleet.ts";
import { DemoTaps, visitsAt } from "#gateway/demo/demo-taps.ts";

const TAP_PERIOD_MS = 200;
const TAPS_PER_LINE = 5;
const BURST_TAPS = 30;
const READY_TIMEOUT_MS = 10_000;
const QUIET_TIMEOUT_MS = 15_000;
const HELP =
  "keys: [k] kill -9 a gateway  [b] broker off/on  [n] cut/mend a network  [t] 30 taps  [q] quit";

interface Standing {
  readonly text: string;
  readonly equal: boolean;
  readonly lost: number;
  readonly invented: number;
}

/** Where the fleet stands: each gateway's digest, and whether all taps are accounted for. */
const standingOf = async (fleet: DemoFleet, taps: DemoTaps): Promise<Standing> => {
  const cells: string[] = [];
  const digests = new Set<string>();
  const visits: number[] = [];
  for (const gateway of fleet.gateways) {
    const status = await statusOf(gateway);
    const counted = await visitsAt(gateway);
    const mark = gateway.wire.isCut() ? " (cut)" : "";
    cells.push(
      `${gateway.name} ${status === null ? "dead" : `${status.digest.slice(0, 4)}…`}${mark}`,
    );
    digests.add(status?.digest ?? gateway.name);
    if (counted !== null) visits.push(counted);
  }
  const equal = digests.size === 1;
  const invented = Math.max(0, Math.max(0, ...visits) - taps.recorded - taps.unanswered);
  const lost = equal ? Math.max(0, taps.recorded - Math.max(0, ...visits)) : 0;
  const broker = fleet.broker.isUp ? "" : "   broker off";
  const account = `${taps.recorded} taps, ${lost} lost, ${invented} invented`;
  const text = `${cells.join("  ")}   ${equal ? "equal" : "apart"}   ${account}${broker}`;
  return { text, equal, lost, invented };
};

const toggleBroker = async (fleet: DemoFleet): Promise<string> => {
  if (fleet.broker.isUp) {
    await fleet.broker.down();
    return "broker off";
  }
  fleet.broker.up();
  return "broker on";
};

const toggleWire = (fleet: DemoFleet): string => {
  const cut = fleet.gateways.find(({ wire }) => wire.isCut());
  const gateway = cut ?? fleet.gateways[Math.floor(Math.random() * fleet.gateways.length)];
  gateway?.wire.setCut(cut === undefined);
  return `${gateway?.name ?? ""}: network ${cut === undefined ? "cut" : "mended"}`;
};

const killOne = (fleet: DemoFleet): string => {
  const gateway = fleet.gateways[Math.floor(Math.random() * fleet.gateways.length)];
  gateway?.process.kill();
  return `${gateway?.name ?? ""}: kill -9, back in a second`;
};

const onKey = async (key: string, fleet: DemoFleet, taps: DemoTaps): Promise<string> => {
  switch (key) {
    case "k":
      return killOne(fleet);
    case "b":
      return toggleBroker(fleet);
    case "n":
      return toggleWire(fleet);
    case "t":
      for (let i = 0; i < BURST_TAPS; i += 1) await taps.tap();
      return `${BURST_TAPS} taps`;
    default:
      return HELP;
  }
};

/** Mends everything and waits until all gateways agree and every tap is accounted for. */
const settle = async (fleet: DemoFleet, taps: DemoTaps): Promise<Standing> => {
  for (const { wire } of fleet.gateways) wire.setCut(false);
  fleet.broker.up();
  const until = performance.now() + QUIET_TIMEOUT_MS;
  for (;;) {
    const standing = await standingOf(fleet, taps);
    const isDone = standing.equal && standing.lost === 0;
    if (isDone || performance.now() > until) return standing;
    await delay(200);
  }
};

const listenToKeys = (io: Io, onKeyPressed: (key: string) => void): (() => void) => {
  const { stdin } = process;
  if (!io.isTerminal || !stdin.isTTY) return () => undefined;
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.on("data", (chunk: string) => {
    for (const key of chunk) onKeyPressed(key);
  });
  return () => {
    stdin.setRawMode(false);
    stdin.pause();
  };
};

const demo = async (io: Io, seconds: number | null): Promise<ExitCode> => {
  const mainFile = fileURLToPath(new URL("../main.ts", import.meta.url));
  const folder = resolve(io.cwd, "var/demo");
  const fleet = await startDemoFleet(folder, mainFile);
  const ender = new AbortController();
  const end = (): void => ender.abort();
  io.signal.addEventListener("abort", end);
  if (seconds !== null) setTimeout(end, seconds * 1_000).unref();
  const taps = new DemoTaps(fleet);
  const stopKeys = listenToKeys(io, (key) => {
    if (key === "q" || key === "\u0003") end();
    else void onKey(key, fleet, taps).then((said) => io.out(said));
  });
  try {
    if (!(await untilReady(fleet, READY_TIMEOUT_MS))) {
      io.err(`the gateways did not start: look at ${folder}/*.log`);
      return EXIT.failure;
    }
    io.out(HELP);
    await taps.enrol();
    await tapUntil(io, { fleet, taps, signal: ender.signal });
    const last = await settle(fleet, taps);
    io.out(last.text);
    return last.equal && last.lost + last.invented === 0 ? EXIT.ok : EXIT.failure;
  } finally {
    stopKeys();
    await fleet.stop();
  }
};

/** A tap every so often, and once a second a line that says where the fleet stands. */
const tapUntil = async (
  io: Io,
  running: { readonly fleet: DemoFleet; readonly taps: DemoTaps; readonly signal: AbortSignal },
): Promise<void> => {
  const { fleet, taps, signal } = running;
  for (let turn = 1; !signal.aborted; turn += 1) {
    await taps.tap();
    await delay(TAP_PERIOD_MS);
    if (turn % TAPS_PER_LINE === 0) io.out((await standingOf(fleet, taps)).text);
  }
};

export const registerDemo = (program: Command, io: Io, end: (code: ExitCode) => void): void => {
  program
    .command("demo")
    .description("three gateways and a broker on this machine, with keys to break them")
    .option("--seconds <n>", "end by itself after so long")
    .addHelpText("after", "\nExample:\n  tapmesh demo --seconds 20")
    .action(async ({ seconds }: { seconds?: string }) => {
      const limit = seconds === undefined ? null : Number(seconds);
      if (limit !== null && !(limit > 0)) {
        io.err(`--seconds must be a number above 0, not "${seconds ?? ""}"`);
        end(EXIT.usage);
      } else end(await demo(io, limit));
    });
};
