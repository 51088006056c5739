/** Response APDUs of emulated cards and readers. Source: ISO/IEC 7816-4; PC/SC part 3. */
import { concatBytes } from "#core/bytes.ts";

/** End of file before Le bytes. */
export const SW_END_OF_FILE = 0x6282;
export const SW_WRONG_LENGTH = 0x6700;
export const SW_SECURITY_STATUS_NOT_SATISFIED = 0x6982;
export const SW_COMMAND_NOT_ALLOWED = 0x6986;
export const SW_FUNCTION_NOT_SUPPORTED = 0x6a81;
/** File, application or page not found. */
export const SW_NOT_FOUND = 0x6a82;
export const SW_RECORD_NOT_FOUND = 0x6a83;
export const SW_WRONG_P1_P2 = 0x6a86;
export const SW_OFFSET_OUTSIDE_FILE = 0x6b00;
/** The low byte is to be the length that would be right. */
export const SW_WRONG_LE = 0x6c00;
export const SW_INS_NOT_SUPPORTED = 0x6d00;
export const SW_CLA_NOT_SUPPORTED = 0x6e00;

/** A response APDU. */
export const respond = (sw: number, data: Uint8Array = new Uint8Array(0)): Uint8Array =>
  concatBytes(data, Uint8Array.of(sw >> 8, sw & 0xff));
