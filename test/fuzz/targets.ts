/** Every decoder that bytes of others reach. */
import { CARD_TARGETS } from "#test/fuzz/card-targets.ts";
import { PEER_TARGETS } from "#test/fuzz/peer-targets.ts";
import { PHONE_TARGETS } from "#test/fuzz/phone-targets.ts";
import { READER_TARGETS } from "#test/fuzz/reader-targets.ts";
import type { Target } from "#test/fuzz/target.ts";

export const TARGETS: ReadonlyArray<Target> = [
  ...CARD_TARGETS,
  ...PHONE_TARGETS,
  ...READER_TARGETS,
  ...PEER_TARGETS,
];
