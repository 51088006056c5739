/** Every decoder that bytes of others reach. A reader's own protocol belongs here, too. */
import { CARD_TARGETS } from "#test/fuzz/card-targets.ts";
import { PEER_TARGETS } from "#test/fuzz/peer-targets.ts";
import type { Target } from "#test/fuzz/target.ts";

export const TARGETS: ReadonlyArray<Target> = [...CARD_TARGETS, ...PEER_TARGETS];
