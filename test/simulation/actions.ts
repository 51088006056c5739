/** Everything that can happen to a simulated fleet. A new kind of fault is one more entry in one of these lists. */
import { CLOCK_FAULTS } from "#test/simulation/actions/clock.ts";
import { DISK_FAULTS } from "#test/simulation/actions/disk.ts";
import type { ActionKind } from "#test/simulation/actions/kind.ts";
import { LIES } from "#test/simulation/actions/liar.ts";
import { NETWORK_FAULTS } from "#test/simulation/actions/network.ts";
import { PROCESS_FAULTS } from "#test/simulation/actions/process.ts";
import { ROSTER_CHANGES } from "#test/simulation/actions/roster.ts";
import { VERSIONS } from "#test/simulation/actions/versions.ts";
import { WORK } from "#test/simulation/actions/work.ts";

export const ACTION_KINDS: ReadonlyArray<ActionKind> = [
  ...WORK,
  ...NETWORK_FAULTS,
  ...PROCESS_FAULTS,
  ...DISK_FAULTS,
  ...CLOCK_FAULTS,
  ...ROSTER_CHANGES,
  ...LIES,
  ...VERSIONS,
];
