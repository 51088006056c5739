/** The PC/SC adaptor against a real pcscd that is missing or dies, and with its own child killed or frozen. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { emulatedType4 } from "#gateway/reader/emulated/type4.ts";
import { ACR122U, DOOR, firstOf, recover, RECOVERY_MS } from "#test/pcscd/door.ts";
import { ObservedReaders, pcscChildPid } from "#test/pcscd/observed-readers.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";

const childOf = (observed: ObservedReaders): number => {
  const pid = observed.childPid();
  if (pid === undefined) throw new Error("there is no PC/SC child");
  return pid;
};

describe("pcscd", () => {
  test("missing at start: said at once and in words to act on; found when it comes", async () => {
    await using pcscd = await TestPcscd.prepare([ACR122U]);
    await using observed = new ObservedReaders(pcscd, [DOOR]);
    const { reason } = await observed.log.next("ReaderDown");
    expect(reason).toBe("pcscd is not running: sudo systemctl start pcscd.socket");
    expect(observed.childPid()).toBeUndefined(); // nfc-pcsc would spin
    await sleep(1_000);
    expect(observed.log.tags()).toEqual(["ReaderDown"]); // once, not at each try
    await pcscd.start();
    expect(await recover(observed, firstOf(pcscd), performance.now())).toBeLessThan(RECOVERY_MS);
  });

  test("killed and started again without a card", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    await using observed = new ObservedReaders(pcscd, [DOOR]);
    await observed.log.next("ReaderUp");
    const killedMs = performance.now();
    await pcscd.kill();
    await observed.log.next("ReaderDown");
    await pcscd.start();
    expect(await recover(observed, firstOf(pcscd), killedMs)).toBeLessThan(RECOVERY_MS);
  });

  test("killed and started again with a card in the field: it left, and lies there at start", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    await using observed = new ObservedReaders(pcscd, [DOOR]);
    const { log } = observed;
    await log.next("ReaderUp");
    await firstOf(pcscd).insert(emulatedNtag215({}));
    await log.next("CardArrived");
    await pcscd.kill();
    await log.next("ReaderDown");
    expect(log.tags().slice(0, 4)).toEqual(["ReaderUp", "CardArrived", "CardLeft", "ReaderDown"]);
    await pcscd.start({ card: emulatedNtag215({}) });
    const again = await log.next("CardArrived");
    expect(again.sighting.atStart).toBe(true);
    await firstOf(pcscd).remove();
    await log.next("CardLeft");
  });

  test("accepts and hangs up at once, as on a user whom it does not want: nothing spins", async () => {
    await using pcscd = await TestPcscd.prepare([ACR122U]);
    const unwelcoming = createServer((socket) => socket.destroy()).listen(pcscd.socketPath);
    await once(unwelcoming, "listening");
    await using observed = new ObservedReaders(pcscd, [DOOR]);
    const { reason } = await observed.log.next("ReaderDown");
    expect(reason).toContain("polkit");
    expect(observed.childPid()).toBeUndefined();
    unwelcoming.close();
    await once(unwelcoming, "close");
    await pcscd.start();
    expect(await recover(observed, firstOf(pcscd), performance.now())).toBeLessThan(RECOVERY_MS);
  });
});

describe("the child", () => {
  test("killed without a card", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    await using observed = new ObservedReaders(pcscd, [DOOR]);
    await observed.log.next("ReaderUp");
    const killedMs = performance.now();
    process.kill(childOf(observed), "SIGKILL");
    expect((await observed.log.next("ReaderDown")).reason).toContain("SIGKILL");
    expect(await recover(observed, firstOf(pcscd), killedMs)).toBeLessThan(RECOVERY_MS);
  });

  test("killed with a card in the field: it left, and lies there at start", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    await using observed = new ObservedReaders(pcscd, [DOOR]);
    const { log } = observed;
    await log.next("ReaderUp");
    await firstOf(pcscd).insert(emulatedNtag215({}));
    await log.next("CardArrived");
    process.kill(childOf(observed), "SIGKILL");
    const { sighting } = await log.next("CardArrived");
    expect(sighting.atStart).toBe(true);
    expect(log.tags()).toEqual([
      "ReaderUp",
      "CardArrived",
      "CardLeft",
      "ReaderDown",
      "ReaderUp",
      "CardArrived",
    ]);
    await firstOf(pcscd).remove();
    await log.next("CardLeft");
  });

  test("frozen: killed for its silence, and replaced", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    await using observed = new ObservedReaders(pcscd, [DOOR]);
    await observed.log.next("ReaderUp");
    const frozen = childOf(observed);
    const frozenMs = performance.now();
    process.kill(frozen, "SIGSTOP");
    expect((await observed.log.next("ReaderDown")).reason).toContain("hung");
    expect(await recover(observed, firstOf(pcscd), frozenMs)).toBeLessThan(RECOVERY_MS);
    expect(childOf(observed)).not.toBe(frozen);
  });

  test("held up while one card is swapped for another: the first left, the second arrived", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    await using observed = new ObservedReaders(pcscd, [DOOR]);
    const { log } = observed;
    const reader = firstOf(pcscd);
    const [first, second] = [emulatedNtag215({}), emulatedType4({})];
    await log.next("ReaderUp");
    await reader.insert(first);
    await log.next("CardArrived");
    const child = childOf(observed);
    process.kill(child, "SIGSTOP");
    await reader.remove();
    await reader.insertAndWait(second);
    process.kill(child, "SIGCONT");
    await log.next("CardLeft");
    const { sighting } = await log.next("CardArrived");
    expect(sighting.uid).toBe(toHex(second.uid).toUpperCase());
    expect(log.tags()).toEqual(["ReaderUp", "CardArrived", "CardLeft", "CardArrived"]);
  });

  test("ends when its parent is killed", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    const parent = spawn(process.execPath, ["test/pcscd/parent-to-kill.ts"], {
      env: { ...process.env, PCSCLITE_CSOCK_NAME: pcscd.socketPath },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(parent.stdout, "data");
    expect(pcscChildPid(pcscd.socketPath)).toBeDefined();
    parent.kill("SIGKILL");
    await once(parent, "exit");
    await expect.poll(() => pcscChildPid(pcscd.socketPath), { timeout: 5_000 }).toBeUndefined();
  });

  test("can't load nfc-pcsc: said in words to act on", async () => {
    await using pcscd = await TestPcscd.started([ACR122U]);
    const hooks = `import { registerHooks } from "node:module";
      registerHooks({ resolve: (specifier, context, next) => {
        if (specifier === "nfc-pcsc") throw new Error("not built for this Node");
        return next(specifier, context);
      } });`;
    process.env["NODE_OPTIONS"] = `--import=data:text/javascript,${encodeURIComponent(hooks)}`;
    await using observed = new ObservedReaders(pcscd, [DOOR]);
    const { reason } = await observed.log.next("ReaderDown");
    delete process.env["NODE_OPTIONS"];
    expect(reason).toContain("npm rebuild @pokusew/pcsclite");
    expect(observed.journal).toContainEqual({
      code: "pcsc.child-exited",
      fields: { code: 40, signal: null, detail: "not built for this Node", reason },
    });
  });
});
