/** What a kind of action is. */
import type { SimGateway } from "#test/simulation/gateway.ts";
import type { Random } from "#test/simulation/random.ts";
import type { World } from "#test/simulation/world.ts";

/** A run has some of the groups of faults; work always. */
export type ActionGroup =
  "work" | "network" | "process" | "disk" | "clock" | "roster" | "liar" | "versions";

/** What an action has to do with. It draws only from `random`, so that leaving out one action leaves the others alone. */
export interface Scene {
  readonly world: World;
  readonly gateway: SimGateway;
  readonly random: Random;
}

export interface ActionKind {
  readonly name: string;
  readonly group: ActionGroup;
  /** How often it is drawn, compared with the others of its group. */
  readonly weight: number;
  /** Happens now. What ends it later is scheduled here too; healing ends everything. */
  readonly act: (scene: Scene) => void;
}

/** Does something some time later, if nothing has been healed by then. */
export const later = (
  { world, gateway, random }: Scene,
  between: readonly [number, number],
  run: () => void,
): void => {
  const what = `${gateway.machine} recovers`;
  world.scheduler.after(random.between(between[0], between[1]), what, () => {
    if (!world.isHealed) run();
  });
};
