/** What a gateway is told about itself. Read once, at the start. */
import type { ReadScope } from "#core/card/read-card.ts";
import type { Pn532Pins } from "#core/reader/pn532/pins.ts";
import type { CheckOutPolicy } from "#core/verdict/check-out.ts";
import type { TapRule } from "#core/verdict/on-tap.ts";
import type { ReaderPolicy } from "#core/verdict/reader-policy.ts";

/** When a person sees the verdict: at once, or only after the record is on disk. */
export type Audit = "now" | "first";

/** Lights and a buzzer on GPIO lines of the Pi; null where none is wired. */
export interface GpioConfig {
  readonly chip: string;
  readonly green: number | null;
  readonly red: number | null;
  readonly buzzer: number | null;
}

/** How a PN532 is reached, and how often it looks for cards. */
export interface Pn532Settings {
  readonly transport: "uart" | "i2c" | "spi";
  readonly device: string;
  /** UART only. */
  readonly baud: number;
  readonly pollMs: number;
  /** The field is off between looks. */
  readonly fieldOff: boolean;
  /** Lights and a buzzer at the chip's own pins; null where none is wired. */
  readonly pins: Pn532Pins | null;
}

export interface ReaderConfig {
  readonly id: string;
  readonly driver: "pcsc" | "pn532" | "simulated";
  /** A part of the PC/SC reader's name; null takes the first that no other reader takes. */
  readonly match: string | null;
  /** Null for other drivers. */
  readonly pn532: Pn532Settings | null;
  /** Its absence is no fault: only the demonstration's PC/SC reader, which is used where there is one. */
  readonly optional: boolean;
  /** What is read of a card, be it because `read` says so or because the policy needs it. */
  readonly scope: ReadScope;
  readonly policy: ReaderPolicy;
  readonly audit: Audit;
  readonly onTap: ReadonlyArray<TapRule>;
  /** Tags bring what is known of their devices elsewhere, and take along what is known here; null: they don't. */
  readonly stateOnTag: StateOnTag | null;
  /** A person's badge first, then things; null where each card is tapped for itself. */
  readonly checkOut: CheckOutPolicy | null;
  /** Shows what the reader itself shows, or can't; null for none. */
  readonly gpio: GpioConfig | null;
}

export interface StateOnTag {
  /** What is carried beside whose card it is and how safe; null: as much as there is room for. */
  readonly keys: ReadonlySet<string> | null;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface GatewayConfig {
  readonly gateway: string;
  readonly fleet: string;
  readonly site: string;
  /** IANA name of the time zone of the clock on the wall; null where no schedule needs one. */
  readonly timeZone: string | null;
  readonly dataDir: string;
  readonly controlSocket: string;
  /** Refuses simulated readers: nothing in a production log may be made up. */
  readonly production: boolean;
  readonly fleetFiles: FleetFiles;
  readonly readers: ReadonlyArray<ReaderConfig>;
  /** The embedded broker, or null for none. */
  readonly broker: ListenAddress | null;
  /** MQTT brokers to connect to, as URLs; empty: this gateway has no peers. */
  readonly linkBrokers: ReadonlyArray<string>;
  /** Health endpoints, or null for none. */
  readonly http: ListenAddress | null;
}

/** Where the fleet's own files are. */
export interface FleetFiles {
  readonly roster: string;
  /** The fleet's public key in a file, as `tapmesh roster init` wrote it: what rosters are checked with. */
  readonly fleetKey: string;
  /** The secret that card ids are made with; the same on all gateways of the fleet. */
  readonly cardKey: string;
  /** The secret that the keys of NTAG 424 DNA tags come from; needed by readers with level sun alone. */
  readonly sunKey: string;
  /** True for the fleet of one that a gateway without configuration makes for itself. */
  readonly makeOwn: boolean;
}
