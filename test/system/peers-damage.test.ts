/** Damaged files on one of three gateways: what its peers have comes back, whatever was hit. */
import { rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as E from "fp-ts/lib/Either.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeBody, VERDICT } from "#core/log/body.ts";
import { KIND, type RecordBytes } from "#core/log/record.ts";
import { LogFile } from "#gateway/store/log-file.ts";
import { openLogFileReadOnly } from "#gateway/store/schema.ts";
import { right, TestFleet } from "#test/gateway/fleet.ts";
import type { GatewayProcess } from "#test/gateway/gateway-process.ts";
import { TapWitness } from "#test/gateway/tap-witness.ts";
import { untilEqual } from "#test/gateway/taps.ts";
import { rounds } from "#test/long.ts";
import { flipByte } from "#test/unit/store/data-folder.ts";

/** Asks are given up after 3 s, and heads come every 30 s. */
const EQUAL_MS = 45_000;
const TAPS = rounds(10, 300);

type File = "log" | "mirror" | "state";

/** Changes a file of a gateway that has stopped. */
type Damage = (folder: string, file: File) => void;

const pathOf = (folder: string, file: File): string => join(folder, `${file}.db`);

const remove: Damage = (folder, file) => {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(pathOf(folder, file) + suffix, { force: true });
};

/** The newest tap that the state counts. */
const countedTap = (folder: string, file: File): RecordBytes => {
  const database = right(openLogFileReadOnly(pathOf(folder, file)));
  try {
    const log = new LogFile(database);
    for (const { head } of log.epochs().toReversed()) {
      for (const record of [...log.records(head.epoch, 0, head.range.size)].toReversed()) {
        const body = record.body === null ? null : decodeBody(KIND.tap, record.body);
        if (body === null || E.isLeft(body) || body.right._tag !== "Tap") continue;
        if (body.right.verdict === VERDICT.accepted) return record;
      }
    }
    throw new Error("no tap");
  } finally {
    database.close();
  }
};

/** The state goes too: it would hide what the log has lost. */
const flipInHeader: Damage = (folder, file) => {
  flipByte(pathOf(folder, file), countedTap(folder, file).header, 50);
  remove(folder, "state");
};

const flipInBody: Damage = (folder, file) => {
  flipByte(pathOf(folder, file), countedTap(folder, file).body ?? new Uint8Array(0), 25);
  remove(folder, "state");
};

const writeGarbage: Damage = (folder, file) =>
  writeFileSync(pathOf(folder, file), "garbage ".repeat(1_000));

const cutShort: Damage = (folder, file) =>
  truncateSync(pathOf(folder, file), Math.floor(statSync(pathOf(folder, file)).size / 2));

const CASES: ReadonlyArray<readonly [file: File, what: string, damage: Damage]> = [
  ...(["log", "mirror", "state"] as const).flatMap((file) => [
    [file, "is gone", remove] as const,
    [file, "is garbage", writeGarbage] as const,
    [file, "is cut short", cutShort] as const,
  ]),
  ["log", "has a flipped bit in a header", flipInHeader],
  ["mirror", "has a flipped bit in a header", flipInHeader],
];

interface Scene {
  readonly witness: TapWitness;
  readonly all: ReadonlyArray<GatewayProcess>;
  readonly lobby: GatewayProcess;
  readonly yard: GatewayProcess;
}

const sceneIn = async (fleet: TestFleet): Promise<Scene> => {
  const brokers = [await fleet.broker()];
  const [lobby, dock, yard] = ["lobby", "dock", "yard"].map((name) =>
    fleet.gateway(name, { brokers }),
  );
  if (lobby === undefined || dock === undefined || yard === undefined) throw new Error("names");
  const scene = { witness: new TapWitness(fleet), all: [lobby, dock, yard], lobby, yard };
  await scene.witness.startAll(scene.all);
  return scene;
};

/** One gateway's file is hit between a stop and a start; all are equal before and afterwards. */
const hit = async ({ witness, all, lobby, yard }: Scene, damage: () => void): Promise<void> => {
  await witness.tap(all, TAPS);
  await untilEqual(all, EQUAL_MS);
  await yard.stop();
  damage();
  await witness.tap([lobby], TAPS);
  await yard.start();
  await witness.tap([yard], 1);
  await untilEqual(all, EQUAL_MS);
};

describe("one fleet, one file after the other", () => {
  let fleet: TestFleet;
  let scene: Scene;

  beforeAll(async () => {
    fleet = new TestFleet(["lobby", "dock", "yard"]);
    scene = await sceneIn(fleet);
  }, 60_000);

  afterAll(() => fleet[Symbol.asyncDispose]());

  test.each(CASES)(
    "%s.db %s",
    async (file, _what, damage) => {
      await hit(scene, () => damage(scene.yard.dataDir, file));
      expect(await scene.witness.missingAt(scene.yard)).toEqual([]);
    },
    120_000,
  );

  test("and in the end everything is everywhere, and verifies", async () => {
    expect(await scene.witness.contradictionsOf(scene.all)).toEqual([]);
  }, 60_000);
});

test.each(["log", "mirror"] as const)(
  "%s.db has a flipped bit in a body: a peer has it, and it comes back",
  async (file) => {
    await using fleet = new TestFleet(["lobby", "dock", "yard"]);
    const scene = await sceneIn(fleet);
    await hit(scene, () => flipInBody(scene.yard.dataDir, file));
    expect(await scene.witness.contradictionsOf(scene.all)).toEqual([]);
  },
  120_000,
);
