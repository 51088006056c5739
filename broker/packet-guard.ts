/** Finds oversized MQTT packets by their fixed headers, before anything is buffered. */
import {
  CONNECT_PACKET_BYTES_MAX,
  PACKET_BYTES_MAX,
  PACKET_READ_COUNT_MAX,
} from "#broker/limits.ts";

export type PacketRefusal =
  /** The header announces more than the limit. */
  | { readonly _tag: "PacketTooLarge"; readonly packetBytes: number }
  /** The remaining length has more than four bytes. */
  | { readonly _tag: "PacketLengthMalformed" }
  /**
   * The packet comes in so many small reads that keeping them would cost far more than the packet.
   */
  | { readonly _tag: "PacketInTooManyReads" };

/** The fixed header: one byte of type and flags, then at most four of remaining length. */
const HEADER_BYTES_MAX = 5;

/**
 * Takes one connection's bytes in order, as read. A refusal is final: the connection must be
 * closed.
 */
export type PacketGuard = (read: Uint8Array) => PacketRefusal | undefined;

/**
 * Makes the guard of one connection. It skips bodies by their length and never looks into them, so
 * it holds four numbers whatever arrives. The first packet, which must be CONNECT, has a limit of
 * its own.
 * Source: MQTT 3.1.1 section 2.2, "Fixed header".
 */
export const createPacketGuard = (): PacketGuard => {
  let limitBytes = CONNECT_PACKET_BYTES_MAX;
  let headerBytes = 0; // of the current packet's header, read so far
  let bodyBytes = 0; // announced so far; once the header is complete: still to come
  let readCount = 0; // reads that began or continued the current packet

  const onHeaderByte = (byte: number): PacketRefusal | undefined => {
    headerBytes += 1;
    if (headerBytes === 1) return undefined; // the type: judged by the parser
    bodyBytes += (byte & 0x7f) * 128 ** (headerBytes - 2);
    if (bodyBytes > limitBytes) return { _tag: "PacketTooLarge", packetBytes: bodyBytes };
    if (byte < 0x80) {
      headerBytes = HEADER_BYTES_MAX; // complete, however short
      return undefined;
    }
    return headerBytes === HEADER_BYTES_MAX ? { _tag: "PacketLengthMalformed" } : undefined;
  };

  return (read) => {
    readCount += 1;
    for (let at = 0; at < read.length;) {
      if (headerBytes < HEADER_BYTES_MAX) {
        const refusal = onHeaderByte(read[at] ?? 0);
        if (refusal !== undefined) return refusal;
        at += 1;
      } else {
        const skippedBytes = Math.min(bodyBytes, read.length - at);
        bodyBytes -= skippedBytes;
        at += skippedBytes;
      }
      if (headerBytes === HEADER_BYTES_MAX && bodyBytes === 0) {
        headerBytes = 0;
        readCount = 1;
        limitBytes = PACKET_BYTES_MAX;
      }
    }
    return readCount > PACKET_READ_COUNT_MAX ? { _tag: "PacketInTooManyReads" } : undefined;
  };
};
