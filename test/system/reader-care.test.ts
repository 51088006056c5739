/** Readers that die while no card lies on them: noticed, told of, and brought back by the step that fits. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { CaredReaders } from "#test/pcscd/cared-readers.ts";
import { ACR122U, DOOR, firstOf, GATE, OMNIKEY, RECOVERY_MS } from "#test/pcscd/door.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";
import { eventually, eventuallyTrue } from "#test/gateway/eventually.ts";

/** A deadline is tested at three times itself: the machine may have other things to do. */
const WITHIN_MS = 3 * RECOVERY_MS;

/** Up, and known to be well. */
const untilUp = (cared: CaredReaders, id: string): Promise<void> => {
  const isWell = (): boolean => {
    const { up, failingMs } = cared.care.health(id);
    return up && failingMs === null;
  };
  return eventuallyTrue(`${id} is up`, isWell, WITHIN_MS);
};

const untilDown = (cared: CaredReaders, id: string): Promise<string> =>
  eventually(
    `${id} is down`,
    () => {
      const { up, detail } = cared.care.health(id);
      return up ? undefined : detail;
    },
    WITHIN_MS,
  );

const isReopened = ({ care }: CaredReaders): boolean => care.health("desk").steps.reopen === 1;

describe("without any card", () => {
  test("a pcscd that is frozen but alive is noticed and restarted, a simulated reader that hangs reopened", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    await using cared = new CaredReaders(pcscd, { pcsc: [DOOR], simulated: ["desk"] });
    await untilUp(cared, "door");
    cared.simulated.hang("desk");
    const frozenMs = performance.now();
    pcscd.freeze();
    expect(await untilDown(cared, "door")).toContain("did not answer");
    await untilUp(cared, "door");
    expect(performance.now() - frozenMs).toBeLessThan(WITHIN_MS);
    // And nothing milder: it was found that it could not help.
    expect(cared.care.health("door").steps).toEqual({ "restart-pcscd": 1 });
    await firstOf(pcscd).insert(emulatedNtag215({}));
    expect((await cared.log.next("CardArrived")).sighting).toMatchObject({ atStart: false });
    await eventuallyTrue("desk was reopened", () => isReopened(cared), WITHIN_MS);
    await untilUp(cared, "desk");
    expect(cared.counters.all()).toEqual({
      "reader.failed": 2,
      "reader.recovered": 2,
      "reader.step.restart-pcscd": 1,
      "reader.step.reopen": 1,
    });
  });

  test("one reader that hangs is noticed; the other one goes on; it is back when it answers", async () => {
    await using pcscd = await TestPcscd.started([ACR122U, OMNIKEY]);
    await using cared = new CaredReaders(pcscd, { pcsc: [DOOR, GATE] });
    await untilUp(cared, "door");
    await untilUp(cared, "gate");
    pcscd.setHung(0);
    await untilDown(cared, "door");
    await eventuallyTrue("no step has helped", () => cared.care.health("door").gaveUp, WITHIN_MS);
    expect(cared.alarms).toEqual(["door"]);
    // pcscd is not restarted over the head of a reader that answers.
    expect(cared.care.health("door").steps).toEqual({
      "restart-child": 1,
      "usb-rebind": 1,
      "port-power": 1,
    });
    await untilUp(cared, "gate");
    await pcscd.readers[1]?.insert(emulatedNtag215({}));
    expect((await cared.log.next("CardArrived")).sighting.reader).toBe("gate");
    pcscd.setHung();
    await untilUp(cared, "door");
    expect(cared.care.health("door")).toMatchObject({ gaveUp: false, alarm: false });
  });
});

test("a reader that is well is left alone, card or no card", async () => {
  await using pcscd = await TestPcscd.started([ACR122U]);
  await using cared = new CaredReaders(pcscd, { pcsc: [DOOR] });
  await untilUp(cared, "door");
  await firstOf(pcscd).insert(emulatedNtag215({}));
  await cared.log.next("CardArrived");
  await sleep(2_500);
  expect(cared.care.health("door").answeredAgoMs).toBeLessThan(2_500);
  expect(cared.counters.all()).toEqual({});
  expect(cared.log.tags()).toEqual(["ReaderUp", "CardArrived"]);
});
