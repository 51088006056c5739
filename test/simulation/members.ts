/** The line of a gateway in a roster. */
import type { SigningKey } from "#core/log/crypto.ts";
import type { RosterGateway } from "#core/trust/roster.ts";

export const lineOf = (name: string, { publicKey }: SigningKey): RosterGateway => ({
  name,
  site: "hq",
  key: publicKey,
  status: "active",
});
