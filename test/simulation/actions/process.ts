/** What ends a gateway's process, and how it comes back. */
import { later, type ActionKind, type Scene } from "#test/simulation/actions/kind.ts";

const SOON_MS = [200, 5_000] as const;
const LATER_MS = [5_000, 180_000] as const;

/** kill -9; systemd starts it again within the same boot. */
const kill = (scene: Scene): void => {
  const { gateway } = scene;
  gateway.kill();
  later(scene, SOON_MS, () => gateway.start());
};

const powerCut = (scene: Scene): void => {
  const { gateway, random } = scene;
  gateway.kill();
  const startsIn1970 = random.chance(0.3);
  later(scene, random.chance(0.5) ? SOON_MS : LATER_MS, () => gateway.start({ startsIn1970 }));
};

const siteDark = (scene: Scene): void => {
  const { world, random } = scene;
  for (const gateway of world.gateways) {
    gateway.kill();
    later({ ...scene, gateway }, SOON_MS, () =>
      gateway.start({ startsIn1970: random.chance(0.2) }),
    );
  }
};

const restart = (scene: Scene): void => {
  const { gateway } = scene;
  gateway.stop();
  later(scene, SOON_MS, () => gateway.start());
};

/** Starts again and again, faster than anything can settle. */
const crashLoop = (scene: Scene): void => {
  const { gateway, world, random } = scene;
  const count = random.between(3, 8);
  for (let i = 0; i < count; i += 1) {
    world.scheduler.after(i * 700, `${gateway.machine} crashes`, () => {
      if (world.isHealed) return;
      gateway.kill();
      gateway.start();
    });
  }
};

const process = (name: string, weight: number, act: (scene: Scene) => void): ActionKind => ({
  name,
  group: "process",
  weight,
  act,
});

export const PROCESS_FAULTS: ReadonlyArray<ActionKind> = [
  process("kill", 3, kill),
  process("power-cut", 4, powerCut),
  process("site-dark", 1, siteDark),
  process("restart", 2, restart),
  process("crash-loop", 1, crashLoop),
];
