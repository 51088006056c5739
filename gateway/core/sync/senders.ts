/** Whether a signed statement is its sender's: by the epoch key, which the gateway key vouches for, which the roster has. */
import { fromHex, toHex } from "#core/bytes.ts";
import type { Crypto } from "#core/log/crypto.ts";
import type { SyncState } from "#core/sync/state.ts";
import { isListed } from "#core/trust/roster.ts";

export type Sender =
  | "verified"
  /** Its epoch's `open` is not known yet. */
  | "unknown"
  /** The roster doesn't list it, or has revoked it. */
  | "unlisted"
  /** Not signed by the epoch that it names, or that epoch is another's. */
  | "forged";

/** Whether messages of this name are looked at. */
export const isMember = ({ roster }: SyncState, name: string): boolean =>
  roster.gateways.some((listed) => listed.name === name && listed.status !== "revoked");

export const senderOf = (
  crypto: Crypto,
  state: SyncState,
  signed: {
    readonly from: string;
    readonly gateway: string;
    readonly epoch: Uint8Array;
    readonly text: Uint8Array;
    readonly signature: Uint8Array;
  },
): Sender => {
  if (!isMember(state, signed.from)) return "unlisted";
  if (signed.gateway !== signed.from) return "forged";
  const epoch = state.replica.get(toHex(signed.epoch));
  if (epoch === undefined) return "unknown";
  if (epoch.author !== signed.from) return "forged";
  const gatewayKey = fromHex(epoch.gatewayKey) ?? new Uint8Array(0);
  if (!isListed(state.roster, epoch.author, gatewayKey)) return "unlisted";
  return crypto.verifyEd25519(epoch.head.epochKey, signed.text, signed.signature)
    ? "verified"
    : "forged";
};
