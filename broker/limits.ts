/** Every cap of the embedded broker, with its unit and its reason. */

/** The largest MQTT packet. A Range is at most 64 KiB; the rest is headroom for integrations. */
export const PACKET_BYTES_MAX: number = 256 * 1024;
/** The largest CONNECT: an id, a will of a few hundred bytes, later a name and a password. */
export const CONNECT_PACKET_BYTES_MAX: number = 16 * 1024;
/**
 * Reads that one packet may take. The parser keeps a buffer object for each, so a packet sent byte
 * by byte would cost a hundred times its size; 256 KiB in the smallest usual TCP segments (536 B)
 * are 490.
 */
export const PACKET_READ_COUNT_MAX = 1_024;

/**
 * Bytes waiting for one subscriber (beyond what the kernel took) at which it is disconnected when
 * the next message for it comes: it can come back and ask. Less would hit the healthy: a Range in
 * its envelope alone is more than 64 KiB, and 16 peers may answer one replaced gateway at the same
 * time.
 */
export const SUBSCRIBER_WAITING_BYTES_MAX: number = 1024 * 1024;
/**
 * A subscriber whose full buffer has not emptied for so long is disconnected, because publishers to
 * it wait meanwhile. The buffer is 64 KiB (Node's `writableHighWaterMark`), so a link that is full
 * must carry about 1 Mbit/s.
 */
export const SUBSCRIBER_DRAIN_TIMEOUT_MS = 500;

/**
 * Connections at once, those before CONNECT included. Fleets have up to some dozens of gateways.
 */
export const CONNECTION_COUNT_MAX = 256;
/**
 * From TCP connection to CONNECT. A Pi under load answers within 1 s; 5 s frees the slots of a
 * flood.
 */
export const CONNECT_TIMEOUT_MS = 5_000;
/** An id of a gateway or tool. The longest that common tools make are about 40. */
export const CLIENT_ID_CHAR_COUNT_MAX = 64;
/** Idle time before TCP itself probes a peer, for clients that ask for no MQTT keepalive. */
export const TCP_KEEPALIVE_DELAY_MS = 60_000;

/** Topic filters of one client. A gateway needs about six. */
export const SUBSCRIPTION_COUNT_MAX = 100;
/** Levels in a topic. tapmesh uses six; matching `+` costs more with each level. */
export const TOPIC_LEVEL_COUNT_MAX = 16;
/**
 * QoS 2 messages of one client awaiting PUBREL, each up to PACKET_BYTES_MAX; Mosquitto's default is
 * 20 too.
 */
export const INBOUND_QOS2_COUNT_MAX = 20;

/**
 * All retained messages. 10,000 devices with 300 B each take 9 MiB; the process should stay below
 * 90 MiB.
 */
export const RETAINED_BYTES_MAX: number = 32 * 1024 * 1024;
/**
 * What one retained message costs besides topic and payload: objects and map entries, rounded up.
 */
export const RETAINED_OVERHEAD_BYTES = 512;

/**
 * An orderly end of the clients, before their sockets are destroyed; `close` promises 1 s in all.
 */
export const CLOSE_TIMEOUT_MS = 500;

/**
 * A warning of one code is written at most once in this time, so that an attack can't fill the
 * journal.
 */
export const WARNING_INTERVAL_MS = 1_000;
/** Of texts that a client chose: enough to recognise it. */
export const WARNING_TEXT_CHAR_COUNT_MAX = 128;
