/** The exchange with phones, version 1: it reads for ever what it read once, and its page says just that. */
import { createECDH } from "node:crypto";
import { readFileSync } from "node:fs";
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "#core/bytes.ts";
import { phoneClaim } from "#core/card/phone.ts";
import { type CardRead, readCard, SCOPE_UID } from "#core/card/read-card.ts";
import { tellPhone } from "#core/card/read-phone.ts";
import { verifyP256 } from "#gateway/node-crypto.ts";
import fixture from "#test/fixtures/v1/phone.json" with { type: "json" };
import { hex } from "#test/unit/core/card/hex.ts";
import { ok } from "#test/unit/core/card/run-read.ts";

const PAGE = readFileSync(new URL("../../gateway/reader/PHONES.md", import.meta.url), "utf8");
const SCOPE = { ...SCOPE_UID, phones: { gateway: fixture.gateway, state: true } };
const { firstTap, result, secondTap } = fixture;

/** Runs the flow against the answers, and gives what it asked. */
const replay = <A>(
  flow: Generator<Uint8Array, A, Uint8Array>,
  answers: ReadonlyArray<Uint8Array>,
): { readonly asked: ReadonlyArray<string>; readonly end: A } => {
  const asked: string[] = [];
  let step = flow.next();
  while (step.done !== true) {
    asked.push(toHex(step.value));
    step = flow.next(answers[asked.length - 1] ?? new Uint8Array(0));
  }
  return { asked, end: step.value };
};

const column = (exchange: ReadonlyArray<ReadonlyArray<string>>, index: number): string[] =>
  exchange.map((row) => row[index] ?? "");
const answersOf = (exchange: ReadonlyArray<ReadonlyArray<string>>): Uint8Array[] =>
  column(exchange, 1).map((answer) => hex(answer));

describe("the fixture", () => {
  test.each([
    [firstTap, null],
    [secondTap, result.state],
  ])("is what a tap asks and takes", (tapped, state) => {
    const nonce = hex(tapped.nonce);
    const uid = ok(hex("08A1B2C3"));
    const { asked, end } = replay(readCard("type4", SCOPE, nonce), [
      uid,
      ...answersOf(tapped.exchange),
    ]);
    expect(asked.slice(1)).toEqual(column(tapped.exchange, 0));
    const phone = E.isRight<CardRead>(end) ? end.right.phone : null;
    if (phone?._tag !== "Claimed") throw new Error("no phone was read");
    const { publicKey, signature } = phone;
    expect(toHex(publicKey)).toBe(fixture.publicKey);
    expect(phone.state === null ? null : toHex(phone.state)).toBe(state);
    const claim = phoneClaim({ gateway: fixture.gateway, nonce });
    expect(signature !== null && verifyP256(publicKey, claim, signature)).toBe(true);
  });

  test("is what a phone is told", () => {
    const publicKey = hex(fixture.publicKey);
    const told = { publicKey, verdict: result.verdict, state: hex(result.state) };
    const { asked, end } = replay(tellPhone(told), answersOf(result.exchange));
    expect(asked).toEqual(column(result.exchange, 0));
    expect(end).toEqual(E.right(true));
  });

  test("names the private key's own public key", () => {
    const pair = createECDH("prime256v1");
    pair.setPrivateKey(fixture.privateKey, "hex");
    expect(pair.getPublicKey("hex", "compressed")).toBe(fixture.publicKey);
  });
});

describe("the page for those who write the app", () => {
  test("shows the fixture's bytes, command by command", () => {
    const lines = [...PAGE.matchAll(/^[→←] ([0-9A-F]+)$/gm)].map(([, bytes = ""]) =>
      bytes.toLowerCase(),
    );
    const all = [...firstTap.exchange, ...result.exchange, ...secondTap.exchange];
    expect(lines).toEqual(all.flat());
    expect(PAGE).toContain(`\`${fixture.privateKey}\``);
  });

  test("names the commands as they are sent", () => {
    const spaced = (column(firstTap.exchange, 0)[0] ?? "")
      .toUpperCase()
      .replace(/(..)(?=.)/g, "$1 ");
    expect(PAGE).toContain(`\`${spaced}\``);
    expect(fromHex(spaced.replaceAll(" ", ""))).toHaveLength(14);
  });
});
