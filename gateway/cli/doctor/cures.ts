/** `tapmesh doctor --fix`: does what is safe, and says what it did. */
import type { Finding } from "#gateway/cli/doctor/finding.ts";
import type { World } from "#gateway/cli/doctor/world.ts";
import type { Io } from "#gateway/cli/io.ts";

type Voice = Pick<Io, "ask" | "err">;

/** Asks where somebody is there to answer, and otherwise says what it does. */
const applyCure = async (
  io: Voice,
  world: World,
  { what, cure: found }: Finding,
): Promise<boolean> => {
  if (found === null) return false;
  if (found.needsRoot && !world.isRoot) {
    io.err(`not fixed  ${what}: needs root: sudo tapmesh doctor --fix   (it would ${found.does})`);
    return false;
  }
  if (io.ask !== null && !/^y/i.test(await io.ask(`${what}: ${found.does}? [y/N] `))) return false;
  const failed = await found.apply(world);
  if (failed === null) io.err(`fixed      ${what}: ${found.does}`);
  else io.err(`not fixed  ${what}: ${failed}`);
  return failed === null;
};

/** True: at least one of them was applied, and it is worth looking again. */
export const applyCures = async (
  io: Voice,
  world: World,
  findings: ReadonlyArray<Finding>,
): Promise<boolean> => {
  let count = 0;
  for (const finding of findings) count += (await applyCure(io, world, finding)) ? 1 : 0;
  return count > 0;
};
