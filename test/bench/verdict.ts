/** Rows of the verdict: how long it takes, and what it keeps in memory. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { SCOPE_UID } from "#core/card/read-card.ts";
import { parseUid } from "#core/card/uid.ts";
import { recordedTime } from "#core/clock/true-time.ts";
import { TYPE } from "#core/log/operation.ts";
import { CardCounters } from "#core/verdict/card-counters.ts";
import { encodeMark, markAfter, markKey } from "#core/verdict/counter-mark.ts";
import { DeviceTraits } from "#core/verdict/device-traits.ts";
import { localTimeIn } from "#gateway/local-time.ts";
import { TapJudge, type Arrived } from "#gateway/tap-judge.ts";
import { CHECKOUT } from "#test/bench/bundle.ts";
import { nowMs, rest } from "#test/bench/clock.ts";
import { rowOf, type Row } from "#test/bench/row.ts";
import { cardOf, deviceOf, indexOfTags, TAGS } from "#test/bench/verdict-child.ts";
import { right } from "#test/gateway/fleet.ts";
import { nothingCarried } from "#test/gateway/nothing-carried.ts";

const INDEX_MAX_MB = 5;
const JUDGE_MAX_MS = 2;
const PROCESSES = 3;
const WARM_UP = 200;
const SAMPLES = 2_000;
const GATEWAYS = ["lobby", "dock", "yard"];
/** What the tags' counters stand at. */
const COUNT = 40;

const CONDITIONS = [
  { key: "kind", values: ["tool", "cart"] },
  { key: "floor", values: [1, 2, 3] },
];

/** In a process of its own, so that nothing else's memory is counted. */
const indexMb = (): number => {
  const child = join(CHECKOUT, "test/bench/verdict-child.ts");
  const printed = execFileSync(process.execPath, ["--expose-gc", child, "memory"]);
  return Number(printed.toString()) / 1e6;
};

/** Every tag is a tool on some floor, and three gateways have seen it. */
const judgeOfTags = (): TapJudge => {
  const index = indexOfTags();
  const traits = new DeviceTraits(recordedTime, CONDITIONS);
  const counters = new CardCounters();
  const place = { epoch: new Uint8Array(16), seq: 0, wallMs: 0, monoMs: 0 };
  for (let tag = 0; tag < TAGS; tag += 1) {
    const device = deviceOf(tag);
    for (const [key, value] of [
      ["kind", "tool"],
      ["floor", 1 + (tag % 3)],
    ] as const) {
      const content = { _tag: "Survivors", writes: [{ ...place, value }], awaited: [] } as const;
      traits.apply({ device, key, type: TYPE.register, content });
    }
    for (const [at, gateway] of GATEWAYS.entries()) {
      const value = encodeMark(markAfter(undefined, COUNT - at));
      const key = markKey({ card: cardOf(tag), gateway });
      const content = { _tag: "Extreme", write: { ...place, value } } as const;
      counters.apply({ device, key, type: TYPE.max, content });
    }
  }
  return new TapJudge({
    gateway: "lobby",
    memory: { index, traits, counters },
    carried: nothingCarried(),
    checkOuts: { take: () => null },
    hasRoom: () => true,
    localTime: localTimeIn("Europe/Berlin"),
    isOriginal: () => true,
    readSun: () => E.left({ _tag: "SunMissing" }),
  });
};

/** A tap at a reader with a policy of everything. */
const arrivalOf = (tag: number): Arrived => ({
  card: cardOf(tag),
  phone: null,
  reader: {
    id: "door",
    driver: "simulated",
    match: null,
    pn532: null,
    optional: false,
    scope: SCOPE_UID,
    audit: "now",
    onTap: [],
    checkOut: null,
    gpio: null,
    stateOnTag: null,
    policy: {
      allow: CONDITIONS,
      deny: [{ key: "device", values: ["tag-x"] }],
      schedules: [{ days: [0, 1, 2, 3, 4, 5, 6], fromMinute: 0, toMinute: 1_440 }],
      whenTimeUnknown: "refuse",
      holdOffMs: 3_000,
      level: "counter",
    },
  },
  sighting: {
    reader: "door",
    technology: "type2",
    uid: right(parseUid("04A1B2C3D46C80")),
    ndef: null,
    counter: COUNT + 1,
    signature: null,
    phone: null,
    atStart: false,
    simulated: true,
    wallMs: Date.now(),
    monoMs: 0,
  },
});

const judgeRow = async (): Promise<Row> => {
  const judge = judgeOfTags();
  const samples: number[] = [];
  for (let at = -WARM_UP; at < SAMPLES; at += 1) {
    const arrived = arrivalOf(((at + WARM_UP) * 7_919) % TAGS);
    await rest();
    const startMs = nowMs();
    const { verdict } = judge.judge(arrived);
    const tookMs = nowMs() - startMs;
    if (verdict._tag !== "Accepted") throw new Error(JSON.stringify(verdict));
    if (at >= 0) samples.push(tookMs);
  }
  return rowOf({
    name: "verdict by a policy, 100,000 cards",
    unit: "ms",
    samples,
    bound: { text: `p99 < ${JUDGE_MAX_MS}`, p99Max: JUDGE_MAX_MS },
  });
};

export const verdictRows = async (): Promise<ReadonlyArray<Row>> => [
  await judgeRow(),
  rowOf({
    name: "memory, card index, 100,000 cards",
    unit: "MB",
    samples: Array.from({ length: PROCESSES }, indexMb),
    bound: { text: `< ${INDEX_MAX_MB}`, p50Max: INDEX_MAX_MB },
  }),
];
