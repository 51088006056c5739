/**
 * Bugs to be planted into the product's sources, so that the simulator is seen to fail. Each says which promise it
 * breaks. An edit that doesn't fit any more throws: then the product has moved on, and the plant has to follow.
 */
import type { SourceEdit } from "#test/simulation/bundle.ts";

export interface Plant {
  readonly name: string;
  readonly edits: ReadonlyArray<SourceEdit>;
}

const plant = (
  name: string,
  file: string,
  ...changes: ReadonlyArray<readonly [find: string, replace: string]>
): Plant => ({ name, edits: changes.map(([find, replace]) => ({ file, find, replace })) });

const COMMIT =
  "    const committed = await store.commit({ ...group, gateway: author.gateway, proof: [] });\n";
const MIRROR = "const result = await store.mirror(addition, stored.kept);";

/** The five that every run of the tests plants. */
export const NAMED_PLANTS: ReadonlyArray<Plant> = [
  plant("records are published before they are on disk", "gateway/writer/log-writer.ts", [
    COMMIT,
    `    this.#deps.onCommitted(group);\n${COMMIT}`,
  ]),
  plant(
    "a restored card continues its epochs with a key that is on it",
    "gateway/writer/drafts.ts",
    ["const key = entropy.generateSigningKey();", "const key = author.gatewayKey;"],
  ),
  plant("writes of one moment are ordered by their arrival", "gateway/core/state/reading.ts", [
    "trueTime(a) - trueTime(b) || compareNames(a, b)",
    "trueTime(a) - trueTime(b) || 1",
  ]),
  plant("records are acknowledged before they are on disk", "gateway/sync/sync-store.ts", [
    MIRROR,
    "const result = E.right(undefined);\n    void store.mirror(addition, stored.kept);",
  ]),
  plant(
    "a Range is taken though records before it are missing",
    "gateway/core/log/range.ts",
    [
      'if (range.from > head.range.size)\n    return E.left({ _tag: "RangeGap", known: head.range.size, size });',
      "",
    ],
    [
      "const skipped = Math.min(head.range.size - range.from, range.items.length);",
      "const skipped = Math.max(0, Math.min(head.range.size - range.from, range.items.length));",
    ],
    [
      "const extended = extendHead(crypto, head, added);",
      `const first = decodeHeader(added[0]?.header ?? new Uint8Array(0));
  const isGap = E.isRight(first) && first.right.seq > head.range.size;
  const extended = isGap
    ? E.right({ head, blocks: [], records: added.map((item) => ({ ...item, decoded: first.right, leaf: first.right.prev })) })
    : extendHead(crypto, head, added);`,
    ],
    [
      "    !isCovered(crypto, extended.right.head",
      "    !isGap && !isCovered(crypto, extended.right.head",
    ],
    [
      'import { leafOf, type RecordBytes } from "#core/log/record.ts";',
      'import { decodeHeader, leafOf, type RecordBytes } from "#core/log/record.ts";',
    ],
  ),
];

export const OTHER_PLANTS: ReadonlyArray<Plant> = [
  plant("a failed commit is tried again in the same epoch", "gateway/writer/log-writer.ts", [
    "    this.#leaveEpoch(stands ? group.head : before, OPEN_REASON.fault);",
    "    if (stands) this.#leaveEpoch(group.head, OPEN_REASON.fault);",
  ]),
  plant("what the card refused counts as stored", "gateway/sync/sync-store.ts", [
    'journal.error("sync.store-failed", { detail: result.left.detail });\n      return NOTHING;',
    'journal.error("sync.store-failed", { detail: result.left.detail });',
  ]),
  plant("a write that was replaced before it was seen comes back", "gateway/core/state/fold.ts", [
    "const wasReplaced = before.awaited.some((name) => isSameName(name, write));",
    "const wasReplaced = false;",
  ]),
  plant("who is revoked can be reinstated", "gateway/core/state/fold.ts", [
    "operation.type === TYPE.safety && write.value === SAFETY.revoked;",
    "operation.type === TYPE.safety && write.value === SAFETY.lost;",
  ]),
  plant("an ask that is not answered is waited for for ever", "gateway/core/sync/wants.ts", [
    ".filter(([, until]) => until <= context.nowMs)",
    ".filter(([, until]) => until < 0)",
  ]),
  plant("a newer roster of a peer is passed over", "gateway/core/sync/rosters.ts", [
    "if (version <= state.roster.version || nowMs",
    "if (version > 0 || nowMs",
  ]),
  plant("a proved fork is recorded and has no consequence", "gateway/core/sync/cuts.ts", [
    "const cuts = leastCuts(roster.cuts, revokedCuts(roster, replica.values()), forks);",
    "const cuts = leastCuts(roster.cuts, revokedCuts(roster, replica.values()));",
  ]),
  plant("what a revoked key signs goes on counting", "gateway/core/sync/cuts.ts", [
    "const cuts = leastCuts(roster.cuts, revokedCuts(roster, replica.values()), forks);",
    "const cuts = leastCuts(forks);",
  ]),
  plant("a tap whose record failed is reported to nobody", "gateway/tap-path.ts", [
    "    this.#deps.onReport({",
    "    if (E.isRight(recorded)) this.#deps.onReport({",
  ]),
];
