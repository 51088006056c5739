/** A gateway whose pcscd freezes: said by every face it has, mended by its own command, and counted. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually, eventuallyTrue } from "#test/gateway/eventually.ts";
import { TestFleet } from "#test/gateway/fleet.ts";
import { freePort } from "#test/gateway/free-port.ts";
import { commandLine } from "#test/gateway/command-line.ts";
import { ACR122U, DOOR, RECOVERY_MS } from "#test/pcscd/door.ts";
import { TestPcscd } from "#test/pcscd/pcscd.ts";

const WITHIN_MS = 3 * RECOVERY_MS;

/** Programs of these names that only write down what they were asked for. */
const recordingPrograms = (folder: string, names: ReadonlyArray<string>): string => {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const name of names) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >>"${folder}/commands"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
};

const commandsIn = (folder: string): ReadonlyArray<string> => {
  const file = join(folder, "commands");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
};

test("a frozen pcscd: down in status, readyz and watch; restarted by systemctl; counted", async () => {
  await using pcscd = await TestPcscd.started([ACR122U]);
  await using fleet = new TestFleet(["lobby"]);
  const bin = recordingPrograms(fleet.folder, ["systemctl", "sudo"]);
  const port = await freePort();
  const gateway = fleet.gateway("lobby", {
    readers: [],
    lines: [
      `readers: [{ id: door, driver: pcsc, match: "${DOOR.match}" }]`,
      `http: { listen: "127.0.0.1:${port}" }`,
    ],
    env: { PATH: `${bin}:${process.env["PATH"]}`, PCSCLITE_CSOCK_NAME: pcscd.socketPath },
  });
  await gateway.start();
  const door = async () => (await gateway.status()).readers[0];
  const readyz = async () => await (await fetch(`http://127.0.0.1:${port}/readyz`)).json();

  await eventuallyTrue("door is up", async () => (await door())?.up === true, WITHIN_MS);
  expect(await readyz()).toMatchObject({ ready: true, parts: { "reader door": "ok" } });
  pcscd.freeze();
  await eventuallyTrue("door is down", async () => (await door())?.up === false, WITHIN_MS);
  expect(await readyz()).toMatchObject({ ready: false });
  const config = ["--config", gateway.config];
  const shown = await commandLine([...config, "status"]);
  expect(shown.code).toBe(3);
  expect(shown.out).toMatch(/^reader {3}door {3}DOWN .* for \d/m);

  const restart = "systemctl --no-ask-password restart pcscd.socket pcscd.service";
  const isAsked = (): boolean => commandsIn(fleet.folder).includes(restart);
  await eventuallyTrue("systemctl is asked", isAsked, WITHIN_MS);
  await pcscd.kill();
  await pcscd.start(); // what systemctl would have done
  const well = await eventually(
    "door is well",
    async () => {
      const reader = await door();
      return reader?.up === true && reader.failingMs === null ? reader : undefined;
    },
    WITHIN_MS,
  );
  expect(well.steps["restart-pcscd"]).toBe(1);
  expect((await gateway.status()).counters).toMatchObject({
    "reader.failed": 1,
    "reader.recovered": 1,
    "reader.step.restart-pcscd": 1,
  });
  expect((await commandLine([...config, "status"])).out).toContain("restart-pcscd ×1");
  expect(await readyz()).toMatchObject({ ready: true });
});
