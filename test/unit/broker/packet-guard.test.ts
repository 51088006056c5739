import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  CONNECT_PACKET_BYTES_MAX,
  PACKET_BYTES_MAX,
  PACKET_READ_COUNT_MAX,
} from "#broker/limits.ts";
import { createPacketGuard, type PacketRefusal } from "#broker/packet-guard.ts";

/** The encoder of MQTT 3.1.1, section 2.2.3. */
const encodeLength = (length: number): number[] => {
  const bytes: number[] = [];
  let rest = length;
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
};

const packet = (bodyBytes: number): Uint8Array =>
  Uint8Array.from([0x30, ...encodeLength(bodyBytes), ...new Uint8Array(bodyBytes).fill(0xff)]);

const guardAll = (reads: ReadonlyArray<Uint8Array>): PacketRefusal | undefined => {
  const guard = createPacketGuard();
  for (const read of reads) {
    const refusal = guard(read);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
};

const split = (bytes: Uint8Array, cuts: ReadonlyArray<number>): Uint8Array[] => {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
  ends.sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
};

test("packets within the limits pass, however the stream is cut", () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 8 });
  const cuts = fc.array(fc.nat(200_000), { maxLength: 40 });
  fc.assert(
    fc.property(lengths, cuts, (bodies, at) => {
      const stream = Buffer.concat([packet(10), ...bodies.map(packet)]);
      expect(guardAll(split(stream, at))).toBeUndefined();
    }),
  );
});

test("a packet over its limit is refused at its header, however the stream is cut", () => {
  const excess = fc.integer({ min: PACKET_BYTES_MAX + 1, max: 268_435_455 });
  const cuts = fc.array(fc.nat(200), { maxLength: 10 });
  fc.assert(
    fc.property(excess, fc.nat(100), cuts, (packetBytes, before, at) => {
      const header = Uint8Array.from([0x30, ...encodeLength(packetBytes)]);
      const stream = Buffer.concat([packet(before), packet(before), header]);
      expect(guardAll(split(stream, at))).toMatchObject({ _tag: "PacketTooLarge" });
    }),
  );
});

test.each([
  [CONNECT_PACKET_BYTES_MAX, undefined],
  [CONNECT_PACKET_BYTES_MAX + 1, "PacketTooLarge"],
])("a first packet of %i bytes: %s", (bodyBytes, tag) => {
  expect(guardAll([packet(bodyBytes)])?._tag).toBe(tag);
});

test.each([
  [PACKET_BYTES_MAX, undefined],
  [PACKET_BYTES_MAX + 1, "PacketTooLarge"],
])("a later packet of %i bytes: %s", (bodyBytes, tag) => {
  expect(guardAll([packet(2), packet(bodyBytes)])?._tag).toBe(tag);
});

test("a fifth byte of length is malformed", () => {
  const endless = Uint8Array.of(0x30, 0x80, 0x80, 0x80, 0x80, 0x01);
  expect(guardAll([packet(0), endless])?._tag).toBe("PacketLengthMalformed");
});

test("a packet sent byte by byte is refused, many small packets are not", () => {
  const bytes = [...packet(PACKET_READ_COUNT_MAX)].map((byte) => Uint8Array.of(byte));
  expect(guardAll(bytes)?._tag).toBe("PacketInTooManyReads");
  const small = Array.from({ length: 5 * PACKET_READ_COUNT_MAX }, (_, i) =>
    Uint8Array.of(i % 2 === 0 ? 0xc0 : 0),
  );
  expect(guardAll(small)).toBeUndefined();
});
