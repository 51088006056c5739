import { SCOPE_NDEF, SCOPE_UID } from "#core/card/read-card.ts";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeUid } from "#core/card/uid.ts";
import {
  PCSC_HEARTBEAT_TIMEOUT_MS,
  PCSC_RESPAWN_DELAY_FIRST_MS,
  PCSC_RESPAWN_DELAY_MAX_MS,
} from "#gateway/limits.ts";
import type { ReaderEvent } from "#gateway/ports.ts";
import type { ConfiguredReader } from "#gateway/reader/pcsc/bound-readers.ts";
import {
  EXIT_MODULE_UNLOADABLE,
  EXIT_PCSCD_GONE,
  EXIT_PCSCD_REFUSED,
} from "#gateway/reader/pcsc/messages.ts";
import {
  CHILD_START_TIMEOUT_MS,
  CHILD_STEADY_MS,
  type ChildExit,
  type Effect,
  initialSupervision,
  type Input,
  MODULE_RETRY_DELAY_MS,
  READER_MISSING_DELAY_MS,
  type Supervised,
  type Supervision,
  superviseStep,
  tickDueMs,
} from "#gateway/reader/pcsc/supervision.ts";

const DOOR: ConfiguredReader = { id: "door", match: "ACR122U", scope: SCOPE_UID };
const ANY: ConfiguredReader = { id: "any", match: null, scope: SCOPE_NDEF };
const ACR = "ACS ACR122U PICC Interface 00 00";
const ACR_2 = "ACS ACR122U PICC Interface 01 00";
const OMNIKEY = "HID Global OMNIKEY 5022 00 00";

const uid = decodeUid(Uint8Array.of(4, 1, 2, 3, 4, 5, 6));
if (uid._tag === "Left") throw new Error("the test's UID is none");
const nothingRead = { ndef: null, counter: null, signature: null, phone: null } as const;
const read = { technology: "type2", uid: uid.right, ...nothingRead } as const;

/** A supervision at which time passes and things happen. */
class Bench {
  state: Supervision;
  nowMs = 1_000;
  effects: Effect[] = [];

  constructor(configured: ReadonlyArray<ConfiguredReader>) {
    this.state = initialSupervision(configured, this.nowMs);
  }

  /** The effects of this input alone. */
  input(input: Input): ReadonlyArray<Effect> {
    const { state, effects } = superviseStep(this.state, input, this.nowMs);
    this.state = state;
    this.effects.push(...effects);
    return effects;
  }

  tickAfter(ms: number): ReadonlyArray<Effect> {
    this.nowMs += ms;
    return this.input({ _tag: "Tick" });
  }

  say(...messages: ReadonlyArray<Supervised>): ReadonlyArray<Effect> {
    return messages.flatMap((message) => this.input({ _tag: "ChildSaid", message }));
  }

  exit(exit: Partial<ChildExit>): ReadonlyArray<Effect> {
    return this.input({
      _tag: "ChildExited",
      exit: { code: null, signal: null, detail: "", ...exit },
    });
  }

  /** Brings a child up that uses this hardware. */
  run(...hardware: ReadonlyArray<string>): void {
    this.tickAfter(Math.max(0, (tickDueMs(this.state) ?? this.nowMs) - this.nowMs));
    this.input({ _tag: "Probed", probe: "running" });
    this.say({ _tag: "Heartbeat" });
    for (const name of hardware) this.say({ _tag: "HardwareFound", name });
    for (const name of hardware) this.say({ _tag: "ReaderUp", name });
  }
}

const events = (effects: ReadonlyArray<Effect>): ReadonlyArray<ReaderEvent> =>
  effects.flatMap((effect) => (effect._tag === "Emit" ? [effect.event] : []));
const tags = (effects: ReadonlyArray<Effect>): ReadonlyArray<string> =>
  effects.map((effect) => (effect._tag === "Emit" ? effect.event._tag : effect._tag));
const reasons = (effects: ReadonlyArray<Effect>): ReadonlyArray<string> =>
  events(effects).flatMap((event) => (event._tag === "ReaderDown" ? [event.reason] : []));

describe("the child", () => {
  test("is started only once pcscd can be reached", () => {
    const bench = new Bench([DOOR]);
    expect(tags(bench.tickAfter(0))).toEqual(["Probe"]);
    expect(tags(bench.input({ _tag: "Probed", probe: "running" }))).toEqual(["Spawn"]);
  });

  test("is not started without pcscd, which is said once, while the tries slow down", () => {
    const bench = new Bench([DOOR]);
    const delays: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      bench.tickAfter((tickDueMs(bench.state) ?? 0) - bench.nowMs);
      bench.input({ _tag: "Probed", probe: "missing" });
      delays.push((tickDueMs(bench.state) ?? 0) - bench.nowMs);
    }
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    expect(delays[0]).toBe(PCSC_RESPAWN_DELAY_FIRST_MS);
    expect(delays.at(-1)).toBe(PCSC_RESPAWN_DELAY_MAX_MS);
    expect(reasons(bench.effects)).toEqual([
      "pcscd is not running: sudo systemctl start pcscd.socket",
    ]);
    expect(tags(bench.effects)).not.toContain("Spawn");
  });

  test.each([
    { exit: { code: EXIT_PCSCD_GONE }, reason: "pcscd went away", delayMs: 100 },
    { exit: { code: EXIT_PCSCD_REFUSED }, reason: "polkit", delayMs: 100 },
    { exit: { signal: "SIGSEGV" }, reason: "SIGSEGV", delayMs: 100 },
    { exit: { code: 1 }, reason: "exit code 1", delayMs: 100 },
    {
      exit: { code: EXIT_MODULE_UNLOADABLE },
      reason: "npm rebuild @pokusew/pcsclite",
      delayMs: MODULE_RETRY_DELAY_MS,
    },
  ])("that ended with $exit: the reader is down, and the next try is due", (example) => {
    const bench = new Bench([DOOR]);
    bench.run(ACR);
    const effects = bench.exit(example.exit);
    expect(tags(effects)).toEqual(["ReaderDown", "Note"]);
    expect(reasons(effects)[0]).toContain(example.reason);
    expect(tickDueMs(bench.state)).toBe(bench.nowMs + example.delayMs);
  });

  test("is killed when silent, and what it says after that is not believed", () => {
    const bench = new Bench([DOOR]);
    bench.run(ACR);
    expect(bench.tickAfter(PCSC_HEARTBEAT_TIMEOUT_MS - 1)).toEqual([]);
    const killed = bench.tickAfter(1);
    expect(tags(killed)).toEqual(["ReaderDown", "Kill"]);
    expect(bench.say({ _tag: "HardwareFound", name: ACR })).toEqual([]);
    expect(tags(bench.exit({ signal: "SIGKILL" }))).toEqual(["Note"]); // "hung" was the reason
  });

  test("has longer for its first word, and is killed without one", () => {
    const bench = new Bench([DOOR]);
    bench.tickAfter(0);
    bench.input({ _tag: "Probed", probe: "running" });
    expect(bench.tickAfter(CHILD_START_TIMEOUT_MS - 1)).toEqual([]);
    expect(tags(bench.tickAfter(1))).toEqual(["ReaderDown", "Kill"]);
  });

  test("that was up for a while starts again at the shortest delay", () => {
    const bench = new Bench([DOOR]);
    for (let attempt = 0; attempt < 4; attempt += 1) {
      bench.run(ACR);
      bench.exit({ code: EXIT_PCSCD_GONE });
    }
    expect(tickDueMs(bench.state)).toBe(bench.nowMs + 800);
    bench.run(ACR);
    for (let passedMs = 0; passedMs < CHILD_STEADY_MS; passedMs += 500) {
      bench.nowMs += 500;
      bench.say({ _tag: "Heartbeat" });
    }
    bench.exit({ code: EXIT_PCSCD_GONE });
    expect(tickDueMs(bench.state)).toBe(bench.nowMs + 100);
  });
});

describe("hardware", () => {
  test("becomes the first configured reader that is free and matches", () => {
    const bench = new Bench([DOOR, ANY]);
    bench.run(OMNIKEY, ACR_2, ACR);
    const up = events(bench.effects).map((event) => event._tag === "ReaderUp" && event);
    expect(up).toEqual([
      { _tag: "ReaderUp", reader: "any", hardware: OMNIKEY },
      { _tag: "ReaderUp", reader: "door", hardware: ACR_2 },
    ]);
    expect(bench.effects.filter(({ _tag }) => _tag === "Send")).toEqual([
      { _tag: "Send", message: { _tag: "Use", name: OMNIKEY, scope: SCOPE_NDEF } },
      { _tag: "Send", message: { _tag: "Use", name: ACR_2, scope: SCOPE_UID } },
    ]);
  });

  test("that is nobody's is noted once, however often it comes", () => {
    const bench = new Bench([DOOR]);
    bench.run(OMNIKEY);
    bench.exit({ code: EXIT_PCSCD_GONE });
    bench.run(OMNIKEY);
    const notes = bench.effects.filter(
      (effect) => effect._tag === "Note" && effect.code === "pcsc.reader-not-configured",
    );
    expect(notes).toHaveLength(1);
  });

  test("keeps its reader while it is up, and does not take another's when that goes", () => {
    const bench = new Bench([DOOR]);
    bench.run(ACR, ACR_2);
    bench.say({ _tag: "ReaderDown", name: ACR, reason: "unplugged" });
    bench.say({ _tag: "Heartbeat" });
    expect(events(bench.effects).at(-1)).toEqual({
      _tag: "ReaderDown",
      reader: "door",
      reason: "unplugged",
    });
  });

  test("is missed when it was not told of, with what is there instead", () => {
    const bench = new Bench([DOOR]);
    bench.run(OMNIKEY);
    bench.nowMs += READER_MISSING_DELAY_MS - 1;
    expect(bench.say({ _tag: "Heartbeat" })).toEqual([]);
    bench.nowMs += 1;
    expect(reasons(bench.say({ _tag: "Heartbeat" }))).toEqual([
      `no PC/SC reader has "ACR122U" in its name; plugged in and not configured: "${OMNIKEY}"`,
    ]);
    expect(bench.say({ _tag: "Heartbeat" })).toEqual([]);
  });
});

describe("a card in the field", () => {
  const arrive: Supervised = {
    _tag: "CardArrived",
    name: ACR,
    read,
    atStart: false,
    wallMs: 5,
    monoMs: 6,
  };

  test("is told of under the reader's configured name", () => {
    const bench = new Bench([DOOR]);
    bench.run(ACR);
    expect(events(bench.say(arrive))).toEqual([
      {
        _tag: "CardArrived",
        sighting: {
          reader: "door",
          ...read,
          atStart: false,
          simulated: false,
          wallMs: 5,
          monoMs: 6,
        },
      },
    ]);
  });

  test("has left before its reader goes down with the child", () => {
    const bench = new Bench([DOOR]);
    bench.run(ACR);
    bench.say(arrive);
    expect(events(bench.exit({ signal: "SIGKILL" })).slice(0, 2)).toMatchObject([
      { _tag: "CardLeft", reader: "door", monoMs: bench.nowMs },
      { _tag: "ReaderDown", reader: "door" },
    ]);
  });
});

test("whatever happens: one child at a time, and events in an order that makes sense", () => {
  const name = fc.constantFrom(ACR, ACR_2, OMNIKEY);
  const said: fc.Arbitrary<Supervised> = fc.oneof(
    fc.constant<Supervised>({ _tag: "Heartbeat" }),
    fc.record({ _tag: fc.constantFrom("HardwareFound", "ReaderUp"), name }),
    fc.record({ _tag: fc.constant("ReaderDown"), name, reason: fc.constant("unplugged") }),
  );
  const input: fc.Arbitrary<Input> = fc.oneof(
    { weight: 3, arbitrary: fc.constant<Input>({ _tag: "Tick" }) },
    { weight: 3, arbitrary: fc.constant<Input>({ _tag: "Probed", probe: "running" }) },
    { weight: 1, arbitrary: fc.constant<Input>({ _tag: "Probed", probe: "missing" }) },
    { weight: 8, arbitrary: said.map((message): Input => ({ _tag: "ChildSaid", message })) },
  );
  const step = fc.record({ input, afterMs: fc.integer({ min: 0, max: 4_000 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const bench = new Bench([DOOR, ANY]);
      for (const { input: next, afterMs } of steps) {
        bench.nowMs += afterMs;
        const effects = bench.input(next);
        if (tags(effects).includes("Kill")) bench.exit({ signal: "SIGKILL" });
      }
      // S: started; X: ended. U, D: a reader up, down.
      const children = bench.effects.map((effect) => {
        if (effect._tag === "Spawn") return "S";
        return effect._tag === "Note" && effect.code === "pcsc.child-exited" ? "X" : "";
      });
      expect(children.join("")).toMatch(/^(?:SX)*S?$/);
      for (const { id } of [DOOR, ANY]) {
        const of = events(bench.effects).filter(
          (event) => "reader" in event && event.reader === id,
        );
        const story = of.map(({ _tag }) => (_tag === "ReaderUp" ? "U" : "D")).join("");
        expect(story).toMatch(/^D*(?:UD+)*U?$/);
      }
    }),
  );
});
