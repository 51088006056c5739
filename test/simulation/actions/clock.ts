/** What goes wrong with clocks. */
import { later, type ActionKind, type Scene } from "#test/simulation/actions/kind.ts";

const TEN_YEARS_MS = 10 * 365 * 24 * 3_600_000;
const WHILE_MS = [1_000, 300_000] as const;

const jump = ({ gateway, random }: Scene): void =>
  gateway.clock.jump(random.between(-TEN_YEARS_MS, TEN_YEARS_MS));

const smallJump = ({ gateway, random }: Scene): void =>
  gateway.clock.jump(random.between(-5_000, 5_000));

/** NTP answers, some time later: what was recorded meanwhile carries the wrong time. */
const jumpUntilNtp = (scene: Scene): void => {
  jump(scene);
  later(scene, WHILE_MS, () => scene.gateway.clock.correct());
};

const clock = (name: string, weight: number, act: (scene: Scene) => void): ActionKind => ({
  name,
  group: "clock",
  weight,
  act,
});

export const CLOCK_FAULTS: ReadonlyArray<ActionKind> = [
  clock("clock-jump", 2, jump),
  clock("clock-off", 3, smallJump),
  clock("clock-jump-until-ntp", 3, jumpUntilNtp),
];
