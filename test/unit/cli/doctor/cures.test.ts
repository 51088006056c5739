/** `tapmesh doctor --fix`, on made-up machines. */
import { describe, expect, test } from "vitest";
import { applyCures } from "#gateway/cli/doctor/cures.ts";
import { examinePcsc } from "#gateway/cli/doctor/pcsc.ts";
import { systemWorld } from "#gateway/cli/doctor/world.ts";
import { type FakeMachine, healthyPi, worldOf } from "#test/unit/cli/doctor/fake-world.ts";

const machineWith = (change: (machine: FakeMachine) => void): FakeMachine => {
  const machine = healthyPi();
  change(machine);
  return machine;
};

const heal = async (
  machine: FakeMachine,
  ask: ((question: string) => Promise<string>) | null = null,
): Promise<{ readonly said: string; readonly ran: ReadonlyArray<string> }> => {
  const world = worldOf(machine);
  const said: string[] = [];
  const voice = { ask, err: (text: string) => void said.push(text) };
  await applyCures(voice, world, await examinePcsc(world, false));
  return { said: said.join("\n"), ran: world.ran };
};
const inTheWay = ({ files }: FakeMachine): void => {
  files["/proc/modules"] = "pn533 1 0\n";
};

describe("--fix", () => {
  test("does what is safe, says so, and then nothing is wrong", async () => {
    const machine = machineWith(inTheWay);
    machine.isRoot = true;
    machine.programs["modprobe -r pn533"] = { code: 0, out: "" };
    const { said, ran } = await heal(machine);
    expect(ran).toEqual(["modprobe -r pn533"]);
    expect(machine.files["/etc/modprobe.d/tapmesh.conf"]).toContain("blacklist pn533_usb\n");
    expect(said).toContain("fixed      modules: unload pn533");
  });

  test("without root does nothing, and says what it would do", async () => {
    const machine = machineWith(inTheWay);
    const { said, ran } = await heal(machine);
    expect(ran).toEqual([]);
    expect(said).toContain("needs root: sudo tapmesh doctor --fix");
    expect(Object.keys(machine.files)).toEqual(Object.keys(healthyPi().files));
  });

  test("asks where somebody is there, and takes no for an answer", async () => {
    const machine = machineWith((pi) => {
      pi.pcscd = "missing";
      pi.isRoot = true;
    });
    const questions: string[] = [];
    const answer = (text: string) => (question: string) => {
      questions.push(question);
      return Promise.resolve(text);
    };
    expect((await heal(machine, answer(""))).ran).toEqual([]);
    expect(questions).toEqual(["pcscd: start pcscd? [y/N] "]);
    expect((await heal(machine, answer("yes"))).ran).toEqual([
      "systemctl enable --now pcscd.socket",
    ]);
  });

  test("says why it could not", async () => {
    const machine = machineWith((pi) => {
      pi.pcscd = "frozen";
      pi.isRoot = true;
    });
    expect((await heal(machine)).said).toBe(
      "not fixed  pcscd: systemctl kill --signal=KILL pcscd.service: not found",
    );
  });

  test("writes the polkit rule as it is packaged", async () => {
    const machine = machineWith((pi) => {
      pi.pcscd = "refused";
      pi.isRoot = true;
    });
    const world = worldOf(machine);
    const real = systemWorld("tester");
    const voice = { ask: null, err: () => undefined };
    const mixed = { ...world, read: (file: string) => world.read(file) ?? real.read(file) };
    await applyCures(voice, mixed, await examinePcsc(world, true));
    expect(machine.files["/etc/polkit-1/rules.d/50-tapmesh.rules"]).toContain("access_card");
    // A person who has to do it by hand has the command; one who asks again finds the rule.
    machine.pcscd = "refused";
    const [, pcscd] = await examinePcsc(worldOf(machine), true);
    expect(pcscd?.found).toContain("although there is a polkit rule");
  });
});
