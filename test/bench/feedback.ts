/** Rows of what a person at a PN532 waits for: from the card in the field to a light, the period of the poll included. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fromHex } from "#core/bytes.ts";
import { askGateway } from "#gateway/control/client.ts";
import { type EmulatedCard, uriMessage } from "#gateway/reader/emulated/emulated-card.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { CHECKOUT } from "#test/bench/bundle.ts";
import { nowMs, until } from "#test/bench/clock.ts";
import { importRows, makeFleet, rightOrThrow, uidOf, type BenchConfig } from "#test/bench/fleet.ts";
import { GatewayProcess } from "#test/bench/gateway-process.ts";
import { median, rowOf, type Row } from "#test/bench/row.ts";
import { type Exchanged, FakePn532 } from "#test/pn532/fake-pn532.ts";

const SAMPLES = 300;
const WARM_UP = 10;
const POLL_MS = 50;
const BOUND_MS = 100;
const MESSAGE_BYTES = 40;
/** The gateway has seen the card leave by then, and its beep is over; a bare poll needs less. */
const LEAVE_MS = 250;
const LEAVE_BARE_MS = 80;

const READING = "P30+P31";
const ACCEPTED = "P30+P33";
const FOUND = "P30";

/** A model, no measurement: 115,200 baud with 10 bits a byte, and guesses at what chip and field take. */
const BYTE_MS = 0.087;
const CHIP_MS: Readonly<Record<number, number>> = { 0x4a: 5, 0x40: 1, 0x42: 1, 0x54: 1 };
/** What the fake takes for a list by itself. */
const FAKE_LIST_MS = 3;
const LIST = 0x4a;
const modelled = ({ code, byteCount }: Exchanged): number =>
  Math.ceil(byteCount * BYTE_MS + (CHIP_MS[code] ?? 0) - (code === LIST ? FAKE_LIST_MS : 0));

/** From the card in the field to each of these combinations of pins, ms. */
type Waited = Readonly<Record<string, number[]>>;

const bytesOf = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(0);

/** Holds one card after the other, each at a random phase of the poll. */
const hold = async (
  fake: FakePn532,
  awaited: ReadonlyArray<string>,
  { ndef, leaveMs }: { readonly ndef: Uint8Array; readonly leaveMs: number },
): Promise<Waited> => {
  const waited: Record<string, number[]> = Object.fromEntries(awaited.map((pins) => [pins, []]));
  const { pinChanges } = fake.chip;
  for (let at = -WARM_UP; at < SAMPLES; at += 1) {
    const card: EmulatedCard = emulatedNtag215({ uid: bytesOf(uidOf(at + WARM_UP)), ndef });
    await sleep(Math.random() * POLL_MS);
    pinChanges.length = 0;
    const heldMs = nowMs();
    fake.hold(card);
    const changed = (pins: string) => pinChanges.find(({ low }) => low.join("+") === pins);
    await until(awaited.join(), () => awaited.every((pins) => changed(pins) !== undefined));
    for (const pins of awaited) {
      if (at >= 0) waited[pins]?.push((changed(pins)?.atMs ?? 0) - heldMs);
    }
    fake.take();
    await sleep(leaveMs);
    await until("other lights", () => !awaited.includes(fake.chip.lowPins.join("+")));
  }
  return waited;
};

/** p50 of the bare poll. */
const floorOf = async (fake: FakePn532): Promise<number> => {
  const script = join(CHECKOUT, "test/bench/bare-poll.ts");
  const bare = spawn(process.execPath, [script, fake.device], { stdio: "inherit" });
  try {
    await until("the bare poll", () => fake.chip.lowPins.includes("P31"));
    const { [FOUND]: waited = [] } = await hold(fake, [FOUND], {
      ndef: new Uint8Array(0),
      leaveMs: LEAVE_BARE_MS,
    });
    return median(waited);
  } finally {
    bare.kill("SIGKILL");
    await once(bare, "exit");
    fake.reset();
  }
};

const tapAt = async (
  fake: FakePn532,
  { file, config }: BenchConfig,
  awaited: ReadonlyArray<string>,
): Promise<Waited> => {
  await using _gateway = await GatewayProcess.start(join(CHECKOUT, "gateway/main.ts"), file);
  const rows = importRows(0, WARM_UP + SAMPLES);
  const request = { verb: "import", rows, dryRun: false, user: "bench" } as const;
  rightOrThrow(await askGateway(config.controlSocket, request));
  await until("the reader", async () => {
    const status = rightOrThrow(await askGateway(config.controlSocket, { verb: "status" }));
    return status.readers.some(({ driver, up }) => driver === "pn532" && up);
  });
  const ndef = uriMessage("example.org/".padEnd(MESSAGE_BYTES - uriMessage("").length, "x"));
  if (ndef.length !== MESSAGE_BYTES) throw new Error(`the message has ${ndef.length} bytes`);
  return await hold(fake, awaited, { ndef, leaveMs: LEAVE_MS });
};

const readerLine = (device: string, read: string): string =>
  `  - { id: door, driver: pn532, device: ${device}, poll_ms: ${POLL_MS}, read: ${read}, ` +
  "pins: { green: P30, red: P31, buzzer: P33 } }";

const rowsOn = async (
  folder: string,
  chip: string,
  slowness: FakePn532["slowness"],
): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  await using fake = await FakePn532.started();
  fake.slowness = slowness;
  const [uid, ndef] = makeFleet(folder, [
    { name: "uid", readerLines: [readerLine(fake.device, "uid")] },
    { name: "ndef", readerLines: [readerLine(fake.device, "ndef")] },
  ]);
  if (uid === undefined || ndef === undefined) throw new Error("no configuration");
  const floor = await floorOf(fake);
  const atUid = await tapAt(fake, uid, [ACCEPTED]);
  const atNdef = await tapAt(fake, ndef, [READING, ACCEPTED]);
  const row = (what: string, samples: ReadonlyArray<number> = []): Row =>
    rowOf({
      name: `card in field -> ${what}, ${chip}`,
      unit: "ms",
      samples,
      floor,
      bound: { text: `p99 < ${BOUND_MS}`, p99Max: BOUND_MS },
    });
  return [
    row("verdict, read: uid", atUid[ACCEPTED]),
    row('"reading", read: ndef', atNdef[READING]),
    row("verdict, read: ndef", atNdef[ACCEPTED]),
  ];
};

export const feedbackRows = async (folder: string): Promise<ReadonlyArray<Row>> => {
  mkdirSync(folder);
  return [
    ...(await rowsOn(join(folder, "at-once"), "chip that answers at once", () => 0)),
    ...(await rowsOn(join(folder, "modelled"), "modelled chip", modelled)),
  ];
};
