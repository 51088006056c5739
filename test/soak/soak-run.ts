/**
 * A program: so many taps at one kind of reader, with its memory watched. Prints one line of JSON. Arguments: kind, taps,
 * and "leak" for a planted one, which must show. To be run with --expose-gc.
 */
import { randomBytes } from "node:crypto";
import { SCOPE_NDEF } from "#core/card/read-card.ts";
import type { ReaderConfig } from "#gateway/config/config.ts";
import { demoConfig } from "#gateway/config/parse.ts";
import { Counters } from "#gateway/counters.ts";
import type { Journal, ReaderEvent } from "#gateway/ports.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { createReaders, type Readers } from "#gateway/reader/readers.ts";
import { systemClock as clock } from "#gateway/system.ts";
import { childrenOf, growthInSecondHalf, residentMb } from "#test/bench/proc.ts";
import { ACR122U, firstOf } from "#test/pcscd/door.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";
import { FakePn532 } from "#test/pn532/fake-pn532.ts";

/** What one soak saw. */
export interface SoakRun {
  readonly kind: string;
  readonly taps: number;
  readonly arrived: number;
  /** How far the gateway's side rose in the second half of the taps: live objects after a collection, MB. */
  readonly heapRiseMb: number;
  /** The same of the PC/SC child's resident memory; null: there is none. */
  readonly childRiseMb: number | null;
}

/** Samples in all, whatever the number of taps. */
const SAMPLE_COUNT = 100;
/** Empty arrays that a planted leak keeps of each tap, some hundred bytes each. */
const LEAK_OBJECTS = 16;
/** In the child: 4 kB of each message that it sends. */
const CHILD_LEAK = `import "node:process"; const kept = []; const send = process.send.bind(process);
process.send = (...args) => { kept.push(new Array(512).fill(kept.length)); return send(...args); };`;
/** Simulated readers at work side by side. */
const SIMULATED_COUNT = 20;

const isKept = (process.argv[4] ?? "") === "leak";
const kept: Uint8Array[][] = [];

const ignore: Journal["info"] = () => undefined;
const journal: Journal = { info: ignore, warn: ignore, error: ignore };

/** Counts what comes, and keeps nothing of it. */
class Tally {
  arrived = 0;
  left = 0;
  up = 0;
  #wake: (() => void) | undefined;

  /** A tap that never comes hangs the soak, which whoever started it ends. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  readonly onEvent = (event: ReaderEvent): void => {
    setImmediate(() => this.#wake?.());
    if (event._tag === "ReaderUp") this.up += 1;
    if (event._tag === "CardLeft") this.left += 1;
    if (event._tag !== "CardArrived") return;
    this.arrived += 1;
    if (isKept) kept.push(Array.from({ length: LEAK_OBJECTS }, () => new Uint8Array(0)));
  };
}

const heapMb = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1e6;
};

interface Samples {
  readonly heap: number[];
  readonly child: number[];
}

const sample = ({ heap, child }: Samples): void => {
  heap.push(heapMb());
  if (pcscChild !== undefined) child.push(residentMb(pcscChild));
};

let pcscChild: number | undefined;

const readersOf = (
  kind: Pick<ReaderConfig, "driver" | "pn532">,
  count: number,
  tally: Tally,
): Readers => {
  const [model] = demoConfig("/tmp").readers;
  if (model === undefined) throw new Error("the demonstration has no reader");
  const configs = Array.from({ length: count }, (_, index) => ({
    ...model,
    id: `r${index}`,
    ...kind,
    optional: false,
    scope: SCOPE_NDEF,
  }));
  const deps = {
    gateway: "soak",
    clock,
    journal,
    counters: new Counters(),
    onAlarm: () => undefined,
  };
  const readers = createReaders(deps, configs);
  readers.start(tally.onEvent);
  return readers;
};

const uid = (): Uint8Array => Uint8Array.of(0x04, ...randomBytes(6));

/** Taps in equal parts, with a sample after each. */
const inParts = async (
  taps: number,
  samples: Samples,
  tapSome: (count: number) => Promise<void>,
): Promise<void> => {
  for (let part = 0; part < SAMPLE_COUNT; part += 1) {
    await tapSome(taps / SAMPLE_COUNT);
    sample(samples);
  }
};

const soakSimulated = async (taps: number, tally: Tally, samples: Samples): Promise<void> => {
  const readers = readersOf({ driver: "simulated", pn532: null }, SIMULATED_COUNT, tally);
  const { simulated } = readers;
  await inParts(taps, samples, async (count) => {
    for (let done = 0; done < count; done += SIMULATED_COUNT) {
      const before = tally.left;
      for (let at = 0; at < SIMULATED_COUNT; at += 1) {
        simulated.tap(`r${at}`, emulatedNtag215({ uid: uid() }), 1);
      }
      await tally.until(() => tally.left === before + SIMULATED_COUNT);
    }
  });
  await readers.stop();
};

const soakPcsc = async (taps: number, tally: Tally, samples: Samples): Promise<void> => {
  await using pcscd = await TestPcscd.started([ACR122U]);
  process.env["PCSCLITE_CSOCK_NAME"] = pcscd.socketPath;
  if (isKept) {
    process.env["NODE_OPTIONS"] = `--import=data:text/javascript,${encodeURIComponent(CHILD_LEAK)}`;
  }
  const before = new Set(childrenOf(process.pid));
  const readers = readersOf({ driver: "pcsc", pn532: null }, 1, tally);
  await tally.until(() => tally.up === 1);
  pcscChild = childrenOf(process.pid).find((pid) => !before.has(pid));
  const reader = firstOf(pcscd);
  await inParts(taps, samples, async (count) => {
    for (let done = 0; done < count; done += 1) {
      const { arrived, left } = tally;
      await reader.insert(emulatedNtag215({ uid: uid() }));
      await tally.until(() => tally.arrived === arrived + 1);
      reader.unplug();
      await tally.until(() => tally.left === left + 1);
    }
  });
  await readers.stop();
};

/** The chip's own side lives in this process too, so its heap counts. */
const soakPn532 = async (taps: number, tally: Tally, samples: Samples): Promise<void> => {
  await using fake = await FakePn532.started();
  const wiring = { transport: "uart", device: fake.device, baud: 115_200 } as const;
  const pn532 = { ...wiring, pollMs: 10, fieldOff: false, pins: null };
  const readers = readersOf({ driver: "pn532", pn532 }, 1, tally);
  await tally.until(() => tally.up === 1);
  await inParts(taps, samples, async (count) => {
    for (let done = 0; done < count; done += 1) {
      const { arrived, left } = tally;
      const card = emulatedNtag215({ uid: uid() });
      fake.hold(card);
      await tally.until(() => tally.arrived === arrived + 1);
      fake.take(card);
      await tally.until(() => tally.left === left + 1);
    }
    fake.chip.commands.length = 0; // the chip's own diary, some of each tap
  });
  await readers.stop();
};

const SOAKS = { simulated: soakSimulated, pcsc: soakPcsc, pn532: soakPn532 } as const;

const run = async (kind: keyof typeof SOAKS, taps: number): Promise<SoakRun> => {
  const tally = new Tally();
  const samples: Samples = { heap: [], child: [] };
  await SOAKS[kind](taps, tally, samples);
  const { heap, child } = samples;
  return {
    kind,
    taps,
    arrived: tally.arrived,
    heapRiseMb: growthInSecondHalf(heap),
    childRiseMb: child.length === 0 ? null : growthInSecondHalf(child),
  };
};

const [name, taps = "2000"] = process.argv.slice(2);
const kind = name === "pcsc" || name === "pn532" ? name : "simulated";
process.stdout.write(`${JSON.stringify(await run(kind, Number(taps)))}\n`);
process.exit(kept.length === -1 ? 1 : 0); // looked at last, so that it is kept till then
