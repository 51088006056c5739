/** Values as they stand in records and messages. */
import * as fc from "fast-check";
import { ACTOR, type Actor } from "#core/log/actor.ts";
import {
  type Body,
  type ChangeBody,
  type CloseBody,
  type OpenBody,
  type TapBody,
} from "#core/log/body.ts";
import type { CborValue } from "#core/log/cbor.ts";
import type { Operation, Scalar, WriteName } from "#core/log/operation.ts";

export const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });

/** Text of several scripts; a leading byte order mark has a test of its own. */
export const text = (maxLength: number): fc.Arbitrary<string> =>
  fc
    .oneof(fc.string({ maxLength }), fc.string({ unit: "binary", maxLength }))
    .map((s) => s.replace(/^\u{FEFF}+/u, "").slice(0, maxLength))
    // Half of a surrogate pair is no character, and UTF-8 can't say it.
    .filter((s) => s.isWellFormed());

export const count: fc.Arbitrary<number> = fc.oneof(
  fc.nat(300),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
);

const integer = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
);

export const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  integer,
  text(100),
  fc.uint8Array({ maxLength: 40 }),
);

export const cborValue: fc.Arbitrary<CborValue> = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 30 }),
  ),
})).value;

export const writeName: fc.Arbitrary<WriteName> = fc.record({ epoch: bytes(16), seq: count });

const key = fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/);
const replaces = fc.array(writeName, { maxLength: 4 });

/** Known types with values that fit them, and types of a later tapmesh with any. */
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ key, type: fc.constantFrom(0, 1, 2, 7, 99), value: scalar, replaces }),
  fc.record({ key, type: fc.constant(3), value: fc.integer({ min: 0, max: 3 }), replaces }),
  fc.record({
    key,
    type: fc.constant(4),
    value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
    replaces,
  }),
  fc.record({ key, type: fc.constantFrom(5, 6), value: integer, replaces }),
);

const operations = fc.uniqueArray(operation, {
  maxLength: 6,
  selector: (o) => `${o.type}/${o.key}`,
});

const actor: fc.Arbitrary<Actor> = fc.record({
  kind: fc.constantFrom(...Object.values(ACTOR)),
  name: text(64),
});

const device = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/);

const earlier = fc.record({ epoch: bytes(16), size: count, root: bytes(32) });

export const openBody: fc.Arbitrary<OpenBody> = fc.record({
  _tag: fc.constant("Open"),
  actor,
  signature: bytes(64),
  fleet: text(64),
  gateway: text(64),
  gatewayKey: bytes(32),
  epochKey: bytes(32),
  bootId: bytes(16),
  reason: count,
  clockClass: count,
  earlier: fc.array(earlier, { maxLength: 5 }),
});

const closeBody: fc.Arbitrary<CloseBody> = fc.record({
  _tag: fc.constant("Close"),
  actor,
  reason: count,
});

export const tapBody: fc.Arbitrary<TapBody> = fc.record({
  _tag: fc.constant("Tap"),
  actor,
  technology: count,
  card: bytes(16),
  atStart: fc.boolean(),
  simulated: fc.boolean(),
  verdict: count,
  reason: text(64),
  ndef: fc.option(bytes(16)),
  device: fc.option(device),
  operations,
});

export const changeBody: fc.Arbitrary<ChangeBody> = fc.record({
  _tag: fc.constantFrom("Change", "Enrol"),
  actor,
  device,
  operations,
});

export const body: fc.Arbitrary<Body> = fc.oneof(openBody, closeBody, tapBody, changeBody);

/** What a wire, a disk or an enemy does to bytes. */
export const mutation: fc.Arbitrary<(valid: Uint8Array) => Uint8Array> = fc
  .tuple(fc.nat(), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(4))
  .map(([where, length, junk, kind]) => (valid) => {
    const at = valid.length === 0 ? 0 : where % valid.length;
    const to = Math.min(valid.length, at + 1 + (length % 40));
    const parts = [valid.subarray(0, at), valid.subarray(at, to), valid.subarray(to)] as const;
    const [head, middle, tail] = parts;
    switch (kind) {
      case 0:
        return valid.map((byte, i) => (i === at ? byte ^ (1 << (length & 7)) : byte));
      case 1:
        return Uint8Array.from([...head, ...tail]);
      case 2:
        return Uint8Array.from([...head, ...middle, ...middle, ...tail]);
      case 3:
        return Uint8Array.from([...head, ...junk, ...middle, ...tail]);
      default:
        return Uint8Array.from([...head, ...junk, ...tail]);
    }
  });
