/** Phones with the app at each kind of reader: read, told, pulled away at each command. */
import * as E from "fp-ts/lib/Either.js";
import { describe, expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import { phoneClaim, type PhoneRead } from "#core/card/phone.ts";
import { SCOPE_NDEF } from "#core/card/read-card.ts";
import { tellPhone } from "#core/card/read-phone.ts";
import type { Sighting } from "#core/card/sighting.ts";
import { verifyP256 } from "#gateway/node-crypto.ts";
import type { ReaderAdaptor } from "#gateway/ports.ts";
import { type EmulatedPhoneApp, emulatedPhoneApp } from "#gateway/reader/emulated/phone-app.ts";
import { PHONE } from "#gateway/reader/emulated/uid-cards.ts";
import { type Rig, RIGS } from "#test/contract/reader-rigs.ts";

const SCOPE = { ...SCOPE_NDEF, phones: { gateway: "lobby", state: true } };

const claimed = ({ phone }: Sighting): PhoneRead & { readonly _tag: "Claimed" } => {
  if (phone?._tag === "Claimed") return phone;
  throw new Error(`no phone, but ${JSON.stringify(phone)}`);
};

const isProven = (sighting: Sighting): boolean => {
  const { publicKey, nonce, signature } = claimed(sighting);
  const claim = phoneClaim({ gateway: "lobby", nonce });
  return signature !== null && verifyP256(publicKey, claim, signature);
};

const tell = async (
  adaptor: ReaderAdaptor,
  { publicKey }: EmulatedPhoneApp,
  state: Uint8Array,
): Promise<E.Either<unknown, boolean>> => {
  const flow = tellPhone({ publicKey, verdict: 0, state });
  let step = flow.next();
  while (step.done !== true) step = flow.next(await adaptor.exchange("door", step.value));
  return step.value;
};

const held = async (r: Rig, phone: EmulatedPhoneApp): Promise<Sighting> => {
  await r.hold(phone);
  const { sighting } = await r.log.next("CardArrived");
  return sighting;
};

// One test for each kind of reader, since starting pcscd costs more than all else.
describe.each(RIGS)("phones at a reader: $name", ({ rig, hasField, phoneCommandCount }) => {
  test("prove themselves, are told, and hand back what they were given", async () => {
    await using r = await rig({ scope: SCOPE });
    await r.log.next("ReaderUp");
    const phone = emulatedPhoneApp({});
    const state = new Uint8Array(1_024).map((_, index) => index % 251);

    const first = await held(r, phone);
    expect(isProven(first)).toBe(true);
    expect(claimed(first).state).toBeNull();
    expect(await tell(r.adaptor, phone, state)).toEqual(E.right(true));
    expect(phone.verdict).toBe(0);
    await r.take();
    await r.log.next("CardLeft");
    expect(await tell(r.adaptor, phone, state)).toMatchObject({ left: { _tag: "CardGone" } });

    const second = await held(r, phone);
    expect(isProven(second)).toBe(true);
    expect(second.uid).not.toBe(first.uid);
    const [before, after] = [claimed(first), claimed(second)];
    expect(after.publicKey).toEqual(before.publicKey);
    expect(toHex(after.nonce)).not.toBe(toHex(before.nonce));
    expect(after.nonce).toHaveLength(16);
    expect(toHex(after.state ?? new Uint8Array())).toBe(toHex(state));
    await r.take();
    await r.log.next("CardLeft");

    await r.hold(PHONE.make({}));
    const { sighting: without } = await r.log.next("CardArrived");
    expect([without.phone, without.uid.slice(0, 2)]).toEqual([null, "08"]);
    await r.take();
    await r.log.next("CardLeft");
    if (hasField) await pulledAway(r, phoneCommandCount);
  });
});

const pulledAway = async (r: Rig, commandCount: number): Promise<void> => {
  const arrivedBefore = r.log.all("CardArrived").length;
  for (let pullAfterCount = 0; pullAfterCount < commandCount; pullAfterCount += 1) {
    await r.hold(emulatedPhoneApp({ seed: Uint8Array.of(pullAfterCount) }), { pullAfterCount });
    const { error } = await r.log.next("CardUnread");
    expect(error._tag).toBe("CardGone");
    await r.take();
  }
  expect(r.log.all("CardArrived")).toHaveLength(arrivedBefore);
  // From here on it has proven itself, and what it carries is no more than an addition.
  const carrying = emulatedPhoneApp({});
  carrying.enterField();
  const { publicKey } = carrying;
  const flow = tellPhone({ publicKey, verdict: 0, state: new Uint8Array(300) });
  let step = flow.next();
  while (step.done !== true) step = flow.next(carrying.exchange(step.value) ?? new Uint8Array());
  await r.hold(carrying, { pullAfterCount: commandCount + 1 });
  const { sighting } = await r.log.next("CardArrived");
  expect(isProven(sighting)).toBe(true);
  expect(claimed(sighting).state).toHaveLength(0); // it holds one, and that is all that is known
  await r.log.next("CardLeft");
};
