/** Every cap of the process, with its unit and its reason. */

/** PC/SC child: a heartbeat each way. nfc-pcsc can spin its thread for ever, so silence is death. */
export const PCSC_HEARTBEAT_PERIOD_MS = 500;
export const PCSC_HEARTBEAT_TIMEOUT_MS = 3_000;
/** Respawning the PC/SC child: first at once, then doubling; a reader must be back within 10 s. */
export const PCSC_RESPAWN_DELAY_FIRST_MS = 100;
export const PCSC_RESPAWN_DELAY_MAX_MS = 5_000;
/** One APDU. No transmit of nfc-pcsc has a timeout of its own; a card answers within 100 ms or is gone. */
export const APDU_TIMEOUT_MS = 1_000;

/** Each reader is asked something so often, card or no card: so long a hung one can go unseen at first. */
export const READER_ROUND_TRIP_PERIOD_MS = 2_000;
/** What it has for the answer; an ACR122U that shows a signal is deaf for up to 0.6 s. */
export const READER_ROUND_TRIP_TIMEOUT_MS = 1_500;
/** No answer for so long: not healthy, whatever its adaptor believes. Three askings. */
export const READER_SILENT_AFTER_MS = 6_000;
/** A reader that fails for so long needs a person: below it most come back by themselves. */
export const READER_ALARM_AFTER_MS = 30_000;
/** A gateway's start: a slow Pi takes seconds to load the PC/SC child. */
export const READER_START_MS = 15_000;
/** Opening the line to a PN532 again: first at once, then doubling; a reader must be back within 10 s. */
export const PN532_REOPEN_DELAY_FIRST_MS = 100;
export const PN532_REOPEN_DELAY_MAX_MS = 5_000;
/** APDUs from outside that wait for a PN532's next rest; who sends more of them doesn't wait for answers. */
export const PN532_APDU_QUEUE_MAX = 16;

/** Records of one commit: what a crash may still have in flight, and what one Range carries. */
export const GROUP_RECORDS_MAX = 64;
export const GROUP_BYTES_MAX: number = 48 * 1024;
/** Records waiting for the disk. Beyond it the disk has stalled for minutes, and taps fail loudly. */
export const APPEND_QUEUE_MAX = 1_024;
/** An epoch is ended after so long even if it is short, so that its key doesn't live for years. */
export const EPOCH_AGE_MAX_MS: number = 30 * 24 * 3_600_000;
/** Space that must be free before a full disk counts as writable again: some thousand taps. */
export const DISK_FREE_BYTES_MIN: number = 2 * 1024 * 1024;

/** Messages from peers that wait to be looked at; what is dropped comes back by heads and asks. */
export const INBOX_COUNT_MAX = 512;
export const INBOX_BYTES_MAX: number = 8 * 1024 * 1024;
/** Answers being read from the store for peers at once; a peer that gets none asks again. */
export const ANSWERS_COUNT_MAX = 8;

/** A state of fewer records is folded from the logs as fast as a snapshot of it is made. */
export const SNAPSHOT_RECORDS_MIN = 2_000;
/** What fits one message; a fleet of some 2,500 epochs and more is read from its logs. */
export const SNAPSHOT_MANIFEST_BYTES_MAX: number = 60 * 1024;

/** MQTT: a dead connection is noticed within 1.5 times this. */
export const LINK_KEEPALIVE_S = 5;
export const LINK_CONNECT_TIMEOUT_MS = 5_000;
/** Between attempts to connect, drawn once a link, so that a fleet doesn't come back in step. */
export const LINK_RECONNECT_MIN_MS = 500;
export const LINK_RECONNECT_MAX_MS = 1_500;
/** Payloads above this are dropped unread. */
export const LINK_PAYLOAD_BYTES_MAX: number = 256 * 1024;
