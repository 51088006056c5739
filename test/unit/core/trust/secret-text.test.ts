import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatSecret, parseSecret, type SecretKind } from "#core/trust/secret-text.ts";
import { bytes } from "#test/unit/core/log/arbitraries.ts";

const KINDS = ["fleet-key", "successor-key", "gateway-key", "card-key"] as const;

test("a secret reads back as its own kind, and as no other", () => {
  const kind: fc.Arbitrary<SecretKind> = fc.constantFrom(...KINDS);
  fc.assert(
    fc.property(bytes(32), kind, kind, (secret, written, read) => {
      const text = formatSecret(written, secret);
      expect(parseSecret(read, text)).toEqual(read === written ? secret : undefined);
      expect(parseSecret(written, text.trimEnd())).toEqual(secret);
    }),
  );
});

test.each([
  "",
  "tapmesh-secret-v1 card-key",
  "tapmesh-secret-v1 card-key \n",
  "tapmesh-secret-v1 card-key AAAA\n",
  `tapmesh-secret-v2 card-key ${"A".repeat(43)}=\n`,
  `tapmesh-secret-v1 card-key ${"A".repeat(42)}\n`,
  `tapmesh-secret-v1 card-key ${"A".repeat(44)}AAA=\n`,
  ` tapmesh-secret-v1 card-key ${"A".repeat(43)}=\n`,
])("no secret: %j", (text) => {
  expect(parseSecret("card-key", text)).toBeUndefined();
});
