/**
 * A program: injects so many faults into one PC/SC reader and everything below it, and sees after each that it was
 * told of and that the next card is read. Prints one line of JSON. Arguments: seed, count.
 */
import { toHex } from "#core/bytes.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import type { ReaderEvent } from "#gateway/ports.ts";
import { eventually, eventuallyTrue } from "#test/gateway/eventually.ts";
import { CaredReaders } from "#test/pcscd/cared-readers.ts";
import { ACR122U, DOOR, firstOf, RECOVERY_MS } from "#test/pcscd/door.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { SCOPE_NDEF } from "#core/card/read-card.ts";

/** What one run saw. */
export interface FaultRun {
  /** Fault → how long each took from its injection to the next card read, ms. */
  readonly tookMs: Readonly<Record<string, ReadonlyArray<number>>>;
  /** What must not be, in words; empty if all was well. */
  readonly wrong: ReadonlyArray<string>;
  readonly counters: Readonly<Record<string, number>>;
}

/** A deadline is tested at three times itself. */
const WITHIN_MS = 3 * RECOVERY_MS;

/** Random numbers from a seed: a run that went wrong can be run again. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

interface Rig {
  readonly pcscd: TestPcscd;
  readonly cared: CaredReaders;
  readonly random: () => number;
}

type Inject = (rig: Rig) => Promise<void> | void;

const signalChild = ({ cared }: Rig, signal: NodeJS.Signals): void => {
  const pid = cared.childPid();
  if (pid !== undefined) process.kill(pid, signal);
};

/** Bytes that end otherwise than any success does. Two at least: an empty answer is beyond vpcd, which hangs. */
const garbage = (random: () => number): Uint8Array =>
  Uint8Array.from({ length: 2 + Math.floor(random() * 40) }, () => 1 + Math.floor(random() * 255));

/** Those that take the reader away, and those that spoil one card alone. */
const FAULTS: Readonly<Record<string, { readonly told: ReaderEvent["_tag"]; inject: Inject }>> = {
  "child killed": { told: "ReaderDown", inject: (rig) => signalChild(rig, "SIGKILL") },
  "child frozen": { told: "ReaderDown", inject: (rig) => signalChild(rig, "SIGSTOP") },
  "pcscd killed": { told: "ReaderDown", inject: ({ pcscd }) => pcscd.kill() },
  "pcscd frozen": { told: "ReaderDown", inject: ({ pcscd }) => pcscd.freeze() },
  "reader unplugged": {
    told: "ReaderDown",
    inject: async ({ pcscd }) => {
      pcscd.setReachable(false);
      await sleep(300);
      pcscd.setReachable(true);
    },
  },
  "card pulled": {
    told: "CardUnread",
    inject: async ({ pcscd, random }) => {
      // Of the three that such a card is read with.
      const pullAfterApduCount = Math.floor(random() * 3);
      await firstOf(pcscd).insert(emulatedNtag215({}), { pullAfterApduCount });
    },
  },
  "garbage answers": {
    told: "CardUnread",
    inject: async ({ pcscd, random }) => {
      await firstOf(pcscd).insert(emulatedNtag215({}), { garbage: () => garbage(random) });
    },
  },
};

/** A card of its own for each fault. */
const uidOf = (index: number): Uint8Array =>
  Uint8Array.of(0x04, 0x77, 0x22, 0x33, index >> 16, (index >> 8) & 0xff, index & 0xff);

const upAndWell = ({ cared }: Rig): Promise<void> =>
  eventuallyTrue(
    "the reader is up",
    () => {
      const { up, failingMs } = cared.care.health(DOOR.id);
      return up && failingMs === null;
    },
    WITHIN_MS,
  );

/** Injects one fault; resolves to how long the reader took to read a card again. */
const suffer = async (rig: Rig, name: string, index: number): Promise<number> => {
  const fault = FAULTS[name];
  const { cared, pcscd } = rig;
  const before = cared.log.events.length;
  const failedBefore = cared.counters.all()["reader.failed"] ?? 0;
  const startMs = performance.now();
  await fault?.inject(rig);
  const told = (): boolean =>
    cared.log.events.slice(before).some(({ _tag }) => _tag === fault?.told);
  await eventuallyTrue(`${name} is told of`, told, WITHIN_MS);
  if (fault?.told === "CardUnread") await firstOf(pcscd).remove();
  else if ((cared.counters.all()["reader.failed"] ?? 0) === failedBefore) {
    throw new Error(`${name} was not counted`);
  }
  await upAndWell(rig);
  const from = cared.log.events.length;
  await firstOf(pcscd).insert(emulatedNtag215({ uid: uidOf(index) }));
  const arrived = await eventually(
    `a card is read after: ${name}`,
    () => cared.log.events.slice(from).find((event) => event._tag === "CardArrived"),
    WITHIN_MS,
  );
  const tookMs = performance.now() - startMs;
  if (arrived.sighting.atStart) throw new Error(`after ${name} a tap came as no tap`);
  await firstOf(pcscd).remove();
  const left = (): boolean => cared.log.events.slice(from).some(({ _tag }) => _tag === "CardLeft");
  await eventuallyTrue("the card has left", left, WITHIN_MS);
  return Math.round(tookMs);
};

/** Every card that was held arrived once, in its order, and nothing else did; nothing arrived at a reader that was down. */
const wrongIn = (events: ReadonlyArray<ReaderEvent>, held: number): ReadonlyArray<string> => {
  const arrived = events.flatMap((event) =>
    event._tag === "CardArrived" ? [event.sighting.uid.toLowerCase()] : [],
  );
  const expected = Array.from({ length: held }, (_, index) => toHex(uidOf(index)));
  const wrong: string[] = [];
  if (arrived.join() !== expected.join()) {
    wrong.push(
      `held ${held} cards, ${arrived.length} arrived (${new Set(arrived).size} different)`,
    );
  }
  const story = events.map(({ _tag }) => LETTER[_tag]).join("");
  if (!/^(?:D*U(?:rx|rAL)*r?)*D*$/.test(story))
    wrong.push(`events in an order that makes no sense: ${story}`);
  return wrong;
};

const LETTER: Readonly<Record<ReaderEvent["_tag"], string>> = {
  ReaderUp: "U",
  ReaderDown: "D",
  CardReading: "r",
  CardArrived: "A",
  CardLeft: "L",
  CardUnread: "x",
  CardsTogether: "2",
};

const run = async (seed: number, count: number): Promise<FaultRun> => {
  await using pcscd = await TestPcscd.started([ACR122U]);
  await using cared = new CaredReaders(pcscd, { pcsc: [{ ...DOOR, scope: SCOPE_NDEF }] });
  const rig: Rig = { pcscd, cared, random: randomFrom(seed) };
  await upAndWell(rig);
  const names = Object.keys(FAULTS);
  const tookMs: Record<string, number[]> = {};
  const wrong: string[] = [];
  let index = 0;
  for (; index < count && wrong.length === 0; index += 1) {
    // Every kind in its turn, from a place of this run's own: chance alone would leave some out of a short run.
    const name = names[(seed + index) % names.length] ?? "";
    try {
      (tookMs[name] ??= []).push(await suffer(rig, name, index));
    } catch (error) {
      const said = JSON.stringify([cared.log.tags().slice(-8), cared.journal.slice(-5)]);
      wrong.push(`fault ${index} of seed ${seed}, ${name}: ${String(error)}; last: ${said}`);
    }
  }
  wrong.push(...wrongIn(cared.log.events, index));
  return { tookMs, wrong, counters: cared.counters.all() };
};

const [seed = "1", count = "7"] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await run(Number(seed), Number(count)))}\n`);
process.exit(0);
