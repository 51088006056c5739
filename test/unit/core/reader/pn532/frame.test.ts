import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toHex } from "#core/bytes.ts";
import {
  ACK_FRAME,
  EMPTY_STREAM,
  encodeFrame,
  type Frame,
  FRAME_DATA_BYTES_MAX,
  type FrameStream,
  isInsideFrame,
  NACK_FRAME,
  pushBytes,
} from "#core/reader/pn532/frame.ts";

const bytesOf = (hex: string): Uint8Array => fromHex(hex) ?? new Uint8Array(0);

/** Everything that is found in the pieces, and what is left. */
const feed = (
  pieces: ReadonlyArray<Uint8Array>,
): { readonly frames: ReadonlyArray<Frame>; readonly stream: FrameStream } => {
  let stream = EMPTY_STREAM;
  const frames: Frame[] = [];
  for (const piece of pieces) {
    const step = pushBytes(stream, piece);
    stream = step.stream;
    frames.push(...step.frames);
  }
  return { frames, stream };
};

const data = fc.uint8Array({ minLength: 2, maxLength: FRAME_DATA_BYTES_MAX });

/** Cuts the bytes where the numbers say. */
const cut = (bytes: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...pieces, bytes.subarray(at)];
};

const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 });

describe("vectors of the user manual", () => {
  // GetFirmwareVersion and its answer, SAMConfiguration, the frames without data.
  test.each([
    { frame: "0000ff02fed4022a00", payload: "d402" },
    { frame: "0000ff06fad50332010607e800", payload: "d50332010607" },
    { frame: "0000ff05fbd4140114010200", payload: "d414011401" },
  ])("$frame carries $payload", ({ frame, payload }) => {
    expect(toHex(encodeFrame(bytesOf(payload)))).toBe(frame);
    expect(feed([bytesOf(frame)]).frames).toEqual([{ _tag: "Data", data: bytesOf(payload) }]);
  });

  test.each<{ hex: string; tag: Frame["_tag"] }>([
    { hex: "0000ff00ff00", tag: "Ack" },
    { hex: "0000ffff0000", tag: "Nack" },
    { hex: "0000ff01ff7f8100", tag: "SyntaxError" },
  ])("$hex is $tag", ({ hex, tag }) => {
    expect(feed([bytesOf(hex)]).frames).toEqual([{ _tag: tag }]);
  });

  test("255 bytes and more go into an extended frame", () => {
    const long = new Uint8Array(255).fill(0xd4);
    expect(toHex(encodeFrame(long.subarray(1))).slice(0, 10)).toBe("0000fffe02");
    expect(toHex(encodeFrame(long)).slice(0, 16)).toBe("0000ffffff00ff01");
  });
});

test("what is encoded is found again, however the bytes are cut, whatever lies between frames", () => {
  const gap = fc.array(fc.constantFrom(0x00, 0x55, 0x12), { maxLength: 5 });
  fc.assert(
    fc.property(fc.array(fc.tuple(gap, data), { maxLength: 6 }), sizes, (sent, cuts) => {
      const stream = concatBytes(
        ...sent.flatMap(([noise, payload]) => [Uint8Array.from(noise), encodeFrame(payload)]),
      );
      const { frames } = feed(cut(stream, cuts));
      expect(frames).toEqual(
        sent.map(([, payload]) =>
          toHex(payload) === "7f" ? { _tag: "SyntaxError" } : { _tag: "Data", data: payload },
        ),
      );
    }),
  );
});

test("a byte changed anywhere behind the start code never gives other data", () => {
  fc.assert(
    fc.property(data, fc.nat(), fc.integer({ min: 1, max: 255 }), (payload, place, change) => {
      const frame = encodeFrame(payload);
      const at = 3 + (place % (frame.length - 4)); // LEN to DCS
      const damaged = frame.map((byte, index) => (index === at ? byte ^ change : byte));
      const { frames } = feed([damaged]);
      expect(frames.filter(({ _tag }) => _tag === "Data")).toEqual([]);
    }),
  );
});

test("the next whole frame is found behind a damaged one", () => {
  fc.assert(
    fc.property(data, data, (first, second) => {
      const frame = encodeFrame(first);
      const at = frame.length - 2;
      const damaged = frame.map((byte, index) => (index === at ? byte ^ 1 : byte));
      expect(feed([damaged, encodeFrame(second)]).frames).toEqual([
        { _tag: "Damaged", damage: "data-checksum" },
        { _tag: "Data", data: second },
      ]);
    }),
  );
});

test("what a card says is never taken for an ACK, even in a damaged frame", () => {
  const frame = encodeFrame(concatBytes(bytesOf("d54100"), ACK_FRAME, NACK_FRAME));
  const at = frame.length - 2;
  const damaged = frame.map((byte, index) => (index === at ? byte ^ 1 : byte));
  expect(feed([frame, damaged]).frames.map(({ _tag }) => _tag)).toEqual(["Data", "Damaged"]);
});

test("whatever comes, what is kept is less than two frames", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 }), (pieces) => {
      let stream = EMPTY_STREAM;
      for (const piece of pieces) {
        ({ stream } = pushBytes(stream, piece));
        expect(stream.pending.length).toBeLessThan(FRAME_DATA_BYTES_MAX + 10);
      }
    }),
  );
});

test("a length that no chip sends is not waited for", () => {
  const tooLong = bytesOf("00ffffffffff02"); // extended, 65,535 bytes
  expect(feed([tooLong, ACK_FRAME]).frames.map(({ _tag }) => _tag)).toContain("Ack");
});

const inside = (hex: string): boolean => isInsideFrame(feed([bytesOf(hex)]).stream);

test("a frame has begun from its start code on, not with a lone 00", () => {
  expect(
    ["", "00", "0000", "00ff", "0000ff02fed402", "0000ff02fed4022a", "55"].map(inside),
  ).toEqual([false, false, false, true, true, false, false]);
});
