/** Which roster a gateway believes next: the only way to take one key away, or to let another in. */
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import type { SigningKey } from "#core/log/crypto.ts";
import {
  openFirstRoster,
  openRosterChain,
  reopenRoster,
  type BelievedRoster,
  type RosterChainError,
} from "#core/trust/roster-chain.ts";
import { signRoster, type Roster } from "#core/trust/roster.ts";
import { nodeCrypto, sha256 } from "#gateway/node-crypto.ts";
import { leftTag, rightOf } from "#test/unit/core/log/either.ts";
import { keyOf } from "#test/unit/core/log/sample-epoch.ts";

const [K1, K2, K3, STRANGER] = [keyOf(50), keyOf(51), keyOf(52), keyOf(53)] as const;
const ANCHOR = { name: "fleet", publicKey: K1.publicKey };

const note = (signer: SigningKey, version: number, change: Partial<Roster> = {}): string =>
  signRoster(
    sha256,
    {
      fleet: "fleet",
      version,
      previous: null,
      successor: sha256(K2.publicKey),
      fleetKeys: [],
      gateways: [],
      cuts: new Map(),
      ...change,
    },
    signer,
  );

/** Signed by the second key, which the first roster names by its hash. */
const ROTATED: Partial<Roster> = {
  successor: sha256(K3.publicKey),
  fleetKeys: [K1.publicKey, K2.publicKey],
};
const TWICE: Partial<Roster> = {
  successor: null,
  fleetKeys: [K1.publicKey, K2.publicKey, K3.publicKey],
};

const first = (version: number, change: Partial<Roster> = {}): BelievedRoster =>
  rightOf(openFirstRoster(nodeCrypto, note(K1, version, change), ANCHOR));
const next = (believed: BelievedRoster, text: string): E.Either<RosterChainError, BelievedRoster> =>
  openRosterChain(nodeCrypto, believed, text);

describe("by the key that is believed", () => {
  test("the next version, and a later one across those that were missed", () => {
    for (const version of [3, 9]) {
      const text = note(K1, version);
      expect(next(first(2), text)).toMatchObject({
        right: { roster: { version }, key: ANCHOR, note: text },
      });
    }
  });

  test("no older one, nor the same again", () => {
    for (const version of [1, 2]) {
      expect(next(first(2), note(K1, version))).toEqual(
        E.left({ _tag: "RosterNotNewer", version, believed: 2 }),
      );
    }
  });

  test("none by a stranger, of another fleet, or changed afterwards", () => {
    expect(leftTag(next(first(2), note(STRANGER, 3)))).toBe("NoteNotSigned");
    expect(leftTag(next(first(2), note(K1, 3, { fleet: "other" })))).toBe("NoteNotSigned");
    const changed = note(K1, 3).replace("version 3", "version 4");
    expect(leftTag(next(first(2), changed))).toBe("NoteSignatureWrong");
    expect(leftTag(next(first(2), "roster\n"))).toBe("NoteMalformed");
  });
});

describe("by its successor", () => {
  const rotated = rightOf(next(first(2), note(K2, 3, ROTATED)));

  test("is the next one, and the successor is believed from then on", () => {
    expect(rotated.key).toEqual({ name: "fleet", publicKey: K2.publicKey });
    expect(next(rotated, note(K2, 4, ROTATED))).toMatchObject({
      right: { roster: { version: 4 } },
    });
  });

  test("also one that was missed is made up for by a later one of the same key", () => {
    expect(next(first(2), note(K2, 7, ROTATED))).toMatchObject({
      right: { roster: { version: 7 } },
    });
  });

  test("and never again the key before, however high the version", () => {
    expect(leftTag(next(rotated, note(K1, 99)))).toBe("NoteNotSigned");
    expect(leftTag(next(rotated, note(K1, 99, ROTATED)))).toBe("NoteNotSigned");
    expect(leftTag(next(rotated, note(K2, 3, ROTATED)))).toBe("RosterNotNewer");
  });

  test("two changes on end need the roster between them", () => {
    const twice = note(K3, 9, TWICE);
    expect(leftTag(next(first(2), twice))).toBe("NoteNotSigned");
    expect(next(rotated, twice)).toMatchObject({ right: { key: { publicKey: K3.publicKey } } });
  });

  test("not by a key whose hash isn't in the roster that is believed", () => {
    const claimed = { ...ROTATED, fleetKeys: [K1.publicKey, STRANGER.publicKey] };
    expect(leftTag(next(first(2), note(STRANGER, 3, claimed)))).toBe("NoteNotSigned");
    // Naming the successor isn't being it.
    expect(leftTag(next(first(2), note(STRANGER, 3, ROTATED)))).toBe("NoteNotSigned");
    expect(leftTag(next(first(2, { successor: null }), note(K2, 3, ROTATED)))).toBe(
      "NoteNotSigned",
    );
    // The successor alone, without saying which key it is, can't be found out.
    expect(leftTag(next(first(2), note(K2, 3)))).toBe("NoteNotSigned");
  });

  test("and by a version that goes up", () => {
    expect(leftTag(next(first(5), note(K2, 5, ROTATED)))).toBe("RosterNotNewer");
  });
});

describe("what was kept", () => {
  test("opens by the key that was handed over, or by those that followed it", () => {
    for (const [text, key] of [
      [note(K1, 2), K1],
      [note(K2, 3, ROTATED), K2],
      [note(K3, 9, TWICE), K3],
    ] as const) {
      const kept = rightOf(reopenRoster(nodeCrypto, text, ANCHOR));
      expect(kept.key).toEqual({ name: "fleet", publicKey: key.publicKey });
    }
  });

  test("is dropped when another fleet's key was handed over", () => {
    const anchor = { name: "fleet", publicKey: STRANGER.publicKey };
    for (const text of [note(K1, 2), note(K2, 3, ROTATED)]) {
      expect(leftTag(reopenRoster(nodeCrypto, text, anchor))).toBe("NoteNotSigned");
    }
    const other = note(K2, 3, { ...ROTATED, fleet: "other" });
    expect(leftTag(reopenRoster(nodeCrypto, other, ANCHOR))).toBe("NoteNotSigned");
  });

  test("is dropped when it is damaged", () => {
    const damaged = note(K2, 3, ROTATED).replace("version 3", "version 4");
    expect(E.isLeft(reopenRoster(nodeCrypto, damaged, ANCHOR))).toBe(true);
    expect(E.isLeft(reopenRoster(nodeCrypto, "", ANCHOR))).toBe(true);
  });
});
