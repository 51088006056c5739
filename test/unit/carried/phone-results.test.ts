/** What a phone is told after its tap, at a reader where it may leave, come back, or be another. */
import { setTimeout as delay } from "node:timers/promises";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { SCOPE_UID } from "#core/card/read-card.ts";
import type { Sighting } from "#core/card/sighting.ts";
import type { PhoneStanding, Verdict } from "#core/verdict/decide.ts";
import { PhoneResults } from "#gateway/carried/phone-results.ts";
import { type EmulatedPhoneApp, emulatedPhoneApp } from "#gateway/reader/emulated/phone-app.ts";
import { type CardInReader, inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { readEmulated } from "#gateway/reader/emulated/read-emulated.ts";
import { CardFlows } from "#gateway/reader/card-flows.ts";
import type { TapReport } from "#gateway/tap-path.ts";
import { right } from "#test/gateway/fleet.ts";

const ACCEPTED: Verdict = { _tag: "Accepted", device: "cart-7" };
const CARD = "ca".repeat(16);
const STATE = new Uint8Array(500).fill(3);
const NOT_RECORDED = E.left({ _tag: "LogClosed" } as const);

/** One reader, with a hand at it. */
class Bench {
  readonly counts: string[] = [];
  readonly asked: string[] = [];
  #lying: CardInReader | undefined;
  /** What is carried out before the phone answers the command of that number. */
  readonly before = new Map<number, () => void>();
  #commandCount = 0;
  readonly cardFlows: CardFlows = new CardFlows({
    exchange: async (_reader, apdu) => {
      await delay(0);
      this.before.get(this.#commandCount)?.();
      this.#commandCount += 1;
      return this.#lying?.transmit(apdu) ?? new Uint8Array(0);
    },
  });
  readonly results: PhoneResults = new PhoneResults({
    counters: { count: (code) => void this.counts.push(code) },
    state: ({ reader, device, card }, byteCountMax) => {
      this.asked.push(`${reader} ${device} ${card.length} ${byteCountMax}`);
      return Promise.resolve(STATE);
    },
    cardFlows: this.cardFlows,
  });

  hold(phone: EmulatedPhoneApp): Sighting {
    this.#lying = inPcscReader(phone);
    const scope = { ...SCOPE_UID, phones: { gateway: "lobby", state: false } };
    const read = right(readEmulated(this.#lying, scope));
    const when = { atStart: false, simulated: true, wallMs: 0, monoMs: 0 };
    const sighting = { ...read, ...when, reader: "door" };
    this.cardFlows.onReaderEvent({ _tag: "CardArrived", sighting });
    return sighting;
  }

  take(): void {
    this.#lying = undefined;
  }
}

const reportOf = (
  sighting: Sighting,
  verdict: Verdict,
  more: { readonly phone?: PhoneStanding; readonly recorded?: TapReport["recorded"] } = {},
): TapReport => ({
  sighting,
  card: CARD,
  phone: "proven",
  verdict,
  brought: [],
  unlogged: 0,
  checkOut: null,
  recorded: E.right({ epoch: new Uint8Array(16), seq: 1 }),
  verdictMs: 0,
  diskMs: 0,
  ...more,
});

/** What was counted, once nothing is under way any more. */
const quiet = async (bench: Bench): Promise<ReadonlyArray<string>> => {
  await delay(20);
  return bench.counts;
};

const settled = async (bench: Bench, count: number): Promise<ReadonlyArray<string>> => {
  for (let turn = 0; turn < 200 && bench.counts.length < count; turn += 1) await delay(1);
  return bench.counts;
};

describe("a phone that has proven itself", () => {
  test.each<readonly [Verdict, number, boolean]>([
    [ACCEPTED, 0, true],
    [{ _tag: "Unknown", reason: "not-enrolled" }, 1, false],
    [{ _tag: "Refused", device: "cart-7", reason: "outside-schedule" }, 2, false],
    [{ _tag: "Refused", device: "cart-7", reason: "device-lost" }, 2, true],
  ])("is told the verdict %o, and carries state for %s", async (verdict, number, carries) => {
    const [bench, phone] = [new Bench(), emulatedPhoneApp({})];
    bench.results.onReport(reportOf(bench.hold(phone), verdict));
    expect(await settled(bench, 1)).toEqual(["phone.told"]);
    expect([phone.verdict, phone.state.length]).toEqual([number, carries ? STATE.length : 0]);
    expect(bench.asked).toEqual(carries ? ["door cart-7 16 1024"] : []);
  });

  test("is told that its tap was not recorded, whatever the verdict", async () => {
    const [bench, phone] = [new Bench(), emulatedPhoneApp({})];
    bench.results.onReport(reportOf(bench.hold(phone), ACCEPTED, { recorded: NOT_RECORDED }));
    expect(await settled(bench, 1)).toEqual(["phone.told"]);
    expect([phone.verdict, phone.state.length]).toEqual([0xff, 0]);
  });

  test("is told once more where it is accepted again within the hold-off", async () => {
    const [bench, phone] = [new Bench(), emulatedPhoneApp({})];
    const again = {
      card: CARD,
      phone: "proven",
      verdict: ACCEPTED,
      agoMs: 1,
      verdictMs: 0,
    } as const;
    bench.results.onAgain({ ...again, sighting: bench.hold(phone) });
    expect(await settled(bench, 1)).toEqual(["phone.told"]);
    expect([phone.verdict, phone.state.length]).toEqual([0, STATE.length]);
  });

  test("and leaves half-way is told when it comes back, and then no more", async () => {
    for (let goneAt = 0; goneAt < 4; goneAt += 1) {
      const [bench, phone] = [new Bench(), emulatedPhoneApp({})];
      bench.before.set(goneAt, () => bench.take());
      bench.results.onReport(reportOf(bench.hold(phone), ACCEPTED));
      expect(await settled(bench, 1)).toEqual(["phone.not-told"]);
      expect([phone.verdict, phone.state.length]).toEqual([null, 0]);
      bench.before.clear();
      bench.results.onBounce(bench.hold(phone));
      expect(await settled(bench, 2)).toEqual(["phone.not-told", "phone.told"]);
      expect([phone.verdict, phone.state.length]).toEqual([0, STATE.length]);
      bench.results.onBounce(bench.hold(phone));
      expect(await quiet(bench)).toHaveLength(2);
    }
  });

  test("and is back before the first try has ended is told all the same", async () => {
    const [bench, phone] = [new Bench(), emulatedPhoneApp({})];
    bench.before.set(1, () => {
      bench.take();
      bench.results.onBounce(bench.hold(phone));
    });
    bench.results.onReport(reportOf(bench.hold(phone), ACCEPTED));
    expect((await settled(bench, 2)).at(-1)).toBe("phone.told");
    expect(phone.state).toHaveLength(STATE.length);
  });
});

test("a phone at a reader where somebody works with the card is told when it comes back", async () => {
  const [bench, phone] = [new Bench(), emulatedPhoneApp({})];
  const { promise: work, resolve: end } = Promise.withResolvers<void>();
  const worked = bench.cardFlows.alone("door", () => work);
  bench.results.onReport(reportOf(bench.hold(phone), ACCEPTED));
  expect(await settled(bench, 1)).toEqual(["phone.not-told"]);
  end();
  await worked;
  bench.results.onBounce(bench.hold(phone));
  expect((await settled(bench, 2)).at(-1)).toBe("phone.told");
});

describe("nobody else is told", () => {
  test.each(["unproven", "other-version"] as const)("not one that is %s", async (phone) => {
    const [bench, app] = [new Bench(), emulatedPhoneApp({})];
    bench.results.onReport(reportOf(bench.hold(app), ACCEPTED, { phone }));
    expect(await quiet(bench)).toEqual([]);
    expect(app.verdict).toBeNull();
  });

  test("not another phone that has taken its place, before or at whatever command", async () => {
    const commandCount = 4; // the first answer is still the phone's own, whose place is taken behind it
    for (let swapAt = -1; swapAt < commandCount; swapAt += 1) {
      const bench = new Bench();
      const [phone, other] = [emulatedPhoneApp({}), emulatedPhoneApp({ seed: Uint8Array.of(9) })];
      const report = reportOf(bench.hold(phone), ACCEPTED);
      const swap = (): void => void bench.hold(other);
      if (swapAt < 0) swap();
      else bench.before.set(swapAt, swap);
      bench.results.onReport(report);
      expect(await settled(bench, 1)).toEqual(["phone.not-told"]);
      expect([swapAt, other.state.length, other.verdict]).toEqual([swapAt, 0, null]);
      bench.results.onBounce(bench.hold(other));
      expect(await quiet(bench)).toHaveLength(1);
    }
  });
});
