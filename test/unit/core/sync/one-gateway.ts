/** One gateway that holds something of its peers, and what it does with a message. */
import { toHex } from "#core/bytes.ts";
import {
  encodeHeadPayload,
  encodeSigned,
  endedHash,
  headText,
  type Head,
} from "#core/message/envelopes.ts";
import { expect } from "vitest";
import { verifyOpen } from "#core/log/verify-epoch.ts";
import type { SyncChannel } from "#core/message/topics.ts";
import { replicaEpochOf } from "#core/sync/replica.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import { initialSync } from "#core/sync/initial.ts";
import type { SyncState } from "#core/sync/state.ts";
import { step } from "#core/sync/step.ts";
import type { Roster } from "#core/trust/roster.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { at, rightOf } from "#test/unit/core/log/either.ts";
import { keyOf, sampleEpoch, type SampleEpoch } from "#test/unit/core/log/sample-epoch.ts";
import { FLEET, gatewayKeyOf, rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";

export const NOW_MS = 1_000_000;

const ROSTER: Roster = {
  ...rosterOf(["lobby", "dock", "yard"]),
  gateways: rosterOf(["lobby", "dock", "yard", "gate"]).gateways.map((gateway) =>
    gateway.name === "gate" ? { ...gateway, status: "revoked" } : gateway,
  ),
};

export const epochBy = (gateway: string, gatewayKey: number, epochKey: number): SampleEpoch =>
  sampleEpoch(12, {
    fleet: FLEET,
    gateway,
    gatewayKey: gatewayKeyOf(gatewayKey),
    epochKey: keyOf(epochKey),
  });
export const DOCK: SampleEpoch = epochBy("dock", 1, 500);
export const YARD: SampleEpoch = epochBy("yard", 2, 501);

/** The lobby, which holds 8 of the dock's 12 records and all of the yard's. */
export const STATE: SyncState = initialSync(nodeCrypto, {
  self: "lobby",
  roster: ROSTER,
  forks: new Map(),
  holes: new Map(),
  replica: new Map(
    [DOCK, YARD].map((epoch, i) => {
      const open = rightOf(verifyOpen(nodeCrypto, at(epoch.records, 0), epoch.empty.epoch));
      const head = epoch.headAt(i === 0 ? 8 : 12);
      return [toHex(epoch.empty.epoch), replicaEpochOf(open, head, true)];
    }),
  ),
});

export interface Taken {
  readonly state: SyncState;
  readonly effects: ReadonlyArray<SyncEffect>;
  readonly tags: ReadonlyArray<SyncEffect["_tag"]>;
  readonly codes: ReadonlyArray<string>;
}

export const take = (
  message: { readonly from: string; readonly channel: SyncChannel; readonly payload: Uint8Array },
  before: SyncState = STATE,
): Taken => {
  const context = { crypto: nodeCrypto, nowMs: NOW_MS };
  const { state, effects } = step(context, before, { _tag: "Received", ...message });
  expect(state.replica).toBe(before.replica);
  return {
    state,
    effects,
    tags: effects.map(({ _tag }) => _tag),
    codes: effects.flatMap((effect) => (effect._tag === "Refuse" ? [effect.code] : [])),
  };
};

export const signedHead = (epoch: SampleEpoch, change: Partial<Head> = {}): Uint8Array => {
  const authors = [
    {
      author: "dock",
      live: [{ epoch: DOCK.empty.epoch, size: 12 }],
      ended: endedHash(sha256, []),
      content: null,
    },
  ];
  const { gateway, epochKey } = epoch.names;
  const payload = encodeHeadPayload({
    gateway,
    epoch: epoch.empty.epoch,
    rosterVersion: 1,
    authors,
    ...change,
  });
  return encodeSigned(payload, epochKey.sign(headText(payload)));
};
