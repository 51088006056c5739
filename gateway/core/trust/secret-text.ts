/**
 * How a 32-byte secret stands in a file: one line, `tapmesh-secret-v1 <what> <base64>`. The word in the middle keeps
 * one kind of key from being used as another.
 */
import { fromBase64, toBase64 } from "#core/bytes.ts";

export type SecretKind = "fleet-key" | "successor-key" | "gateway-key" | "card-key" | "sun-key";

export const formatSecret = (kind: SecretKind, secret: Uint8Array): string =>
  `tapmesh-secret-v1 ${kind} ${toBase64(secret)}\n`;

/** Undefined for anything but such a line of this kind. */
export const parseSecret = (kind: SecretKind, text: string): Uint8Array | undefined => {
  const prefix = `tapmesh-secret-v1 ${kind} `;
  if (!text.startsWith(prefix)) return undefined;
  const secret = fromBase64(text.slice(prefix.length).trimEnd());
  return secret?.length === 32 ? secret : undefined;
};
