import * as E from "fp-ts/lib/Either.js";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { toBase64 } from "#core/bytes.ts";
import {
  formatJoinRequest,
  isJoinRequest,
  JOIN_REASONS,
  openJoinRequest,
  type JoinRequestError,
} from "#core/trust/join-request.ts";
import { signNote } from "#core/log/signed-note.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { leftTag } from "#test/unit/core/log/either.ts";
import { keyOf } from "#test/unit/core/log/sample-epoch.ts";
import { name } from "#test/unit/core/trust/rosters.ts";

const KEY = keyOf(40);
const REQUEST = { fleet: "acme", gateway: "dock", site: "yard", reason: "new" } as const;
const NOTE = formatJoinRequest(sha256, REQUEST, KEY);

test("a request reads back, with the key that signed it", () => {
  const reason = fc.constantFrom(...JOIN_REASONS);
  fc.assert(
    fc.property(fc.record({ fleet: name, gateway: name, site: name, reason }), (request) => {
      const note = formatJoinRequest(sha256, request, KEY);
      expect(isJoinRequest(note)).toBe(true);
      expect(openJoinRequest(nodeCrypto, note)).toEqual(
        E.right({ ...request, key: KEY.publicKey }),
      );
    }),
  );
});

test("a key that a stranger doesn't hold he can't have listed", () => {
  const theirs = toBase64(keyOf(41).publicKey);
  const text = NOTE.split("\n\n")[0] ?? "";
  const claimed = `${text.replace(toBase64(KEY.publicKey), theirs)}\n`;
  const resigned = signNote(sha256, claimed, { name: "dock", ...KEY });
  expect(leftTag(openJoinRequest(nodeCrypto, resigned))).toBe("NoteNotSigned");
});

test("every byte counts: one that is changed, and it is refused", () => {
  for (let i = 0; i < NOTE.length; i += 1) {
    const changed = NOTE.charCodeAt(i) === 97 ? "b" : "a";
    const note = NOTE.slice(0, i) + changed + NOTE.slice(i + 1);
    expect(E.isLeft(openJoinRequest(nodeCrypto, note))).toBe(true);
  }
});

const LINES = (NOTE.split("\n\n")[0] ?? "").split("\n");
const signedText = (lines: ReadonlyArray<string>): string =>
  signNote(sha256, `${lines.join("\n")}\n`, { name: "dock", ...KEY });

test.each([
  [1, signedText(LINES.with(0, "tapmesh/join/v2")), "another version"],
  [2, signedText(LINES.with(1, "fleet Acme")), "no fleet's name"],
  [3, signedText(LINES.with(2, "site yard")), "no gateway"],
  [4, signedText(LINES.with(3, `site ${"x".repeat(33)}`)), "a long site"],
  [5, signedText(LINES.with(4, "key AAAA")), "a short key"],
  [6, signedText(LINES.with(5, "reason stolen")), "another reason"],
  [7, signedText([...LINES, "role reader"]), "a line more"],
])("malformed in line %i: %j (%s)", (line, note) => {
  expect(openJoinRequest(nodeCrypto, note)).toMatchObject({
    left: { _tag: "JoinRequestMalformed", line },
  });
});

const REACHED: Readonly<
  Record<
    Exclude<JoinRequestError["_tag"], "NoteKeyMalformed">,
    () => E.Either<JoinRequestError, unknown>
  >
> = {
  NoteMalformed: () => openJoinRequest(nodeCrypto, "tapmesh/join/v1\n"),
  NoteNotSigned: () => openJoinRequest(nodeCrypto, NOTE.replace("— dock", "— dick")),
  NoteSignatureWrong: () => openJoinRequest(nodeCrypto, NOTE.replace("site yard", "site dark")),
  JoinRequestMalformed: () => openJoinRequest(nodeCrypto, signedText(["hello"])),
};

test.each(Object.entries(REACHED))("reached: %s", (tag, reach) => {
  expect(leftTag(reach())).toBe(tag);
});
