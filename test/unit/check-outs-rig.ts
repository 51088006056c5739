/** A desk with check-out, at which two people and two things are tapped. */
import { vi } from "vitest";
import { toHex } from "#core/bytes.ts";
import { SCOPE_UID } from "#core/card/read-card.ts";
import { parseUid } from "#core/card/uid.ts";
import { recordedTime } from "#core/clock/true-time.ts";
import { TYPE, type Scalar } from "#core/log/operation.ts";
import { CARD_KEY, CardIndex } from "#core/verdict/card-index.ts";
import type { CheckOutOutcome, CheckOutPolicy } from "#core/verdict/check-out.ts";
import { DeviceTraits } from "#core/verdict/device-traits.ts";
import { KnownRegisters } from "#core/verdict/known-registers.ts";
import { OPEN_POLICY } from "#core/verdict/reader-policy.ts";
import type { SessionOver } from "#core/verdict/check-out-view.ts";
import { CheckOuts, holderKey } from "#gateway/check-outs.ts";
import type { BroughtEntry } from "#gateway/carried/carried-states.ts";
import type { ReaderConfig } from "#gateway/config/config.ts";
import { right } from "#test/gateway/fleet.ts";
import { epochOf } from "#test/unit/core/state/histories.ts";

export const WITHIN_MS = 30_000;
export const CHECK_OUT: CheckOutPolicy = {
  people: [{ key: "kind", values: ["person"] }],
  holder: "holder",
  withinMs: WITHIN_MS,
};

export const readerOf = (
  id: string,
  checkOut: ReaderConfig["checkOut"] = CHECK_OUT,
): ReaderConfig => ({
  id,
  driver: "simulated",
  match: null,
  pn532: null,
  optional: false,
  scope: SCOPE_UID,
  policy: OPEN_POLICY,
  audit: "now",
  onTap: [],
  checkOut,
  gpio: null,
  stateOnTag: null,
});

/** The epoch of this gateway's own records. */
export const OWN: Uint8Array = epochOf(3);

const broughtHolder = (value: Scalar): BroughtEntry => ({
  ...holderKey(CHECK_OUT),
  value,
  write: { epoch: epochOf(9), seq: 1, wallMs: 0 },
  by: { name: "dock", key: new Uint8Array(32), status: "active" },
  statedMs: 0,
  through: new Uint8Array(0),
  also: [],
});

/** A card's 16 bytes for each device. */
const CARDS = { ada: 1, bob: 2, "drill-1": 3, "saw-1": 4 } as const;
type Name = keyof typeof CARDS;
const cardOf = (name: Name): Uint8Array => new Uint8Array(16).fill(CARDS[name]);

/** How a card is held; by default now. */
interface How {
  readonly atStart?: boolean;
  readonly monoMs?: number;
}

/** A desk; ada and bob are people, whatever else is a thing. */
export class Rig {
  readonly index: CardIndex = new CardIndex(recordedTime);
  readonly traits: DeviceTraits = new DeviceTraits(recordedTime, CHECK_OUT.people);
  readonly registers: KnownRegisters = new KnownRegisters([holderKey(CHECK_OUT)]);
  readonly overs: SessionOver[] = [];
  monoMs = 0;
  /** Records of this gateway's epoch that are folded. */
  folded = 0;
  readonly shown: string[] = [];
  /** Who has the drill by its own tag; undefined: it says nothing. */
  brought: Scalar | undefined = undefined;
  /** By their badges' own tags these are people; undefined: they say nothing. */
  broughtPeople: ReadonlyArray<string> | undefined = undefined;
  readonly outs: CheckOuts = new CheckOuts(
    {
      clock: { monoMs: () => this.monoMs },
      memory: this,
      carried: {
        enrolled: (_, known) => known,
        has: (device, _, known) => this.broughtPeople?.includes(device) ?? known === true,
        newsOf: () => (this.brought === undefined ? [] : [broughtHolder(this.brought)]),
      },
      readers: { show: ({ id }, signal) => void this.shown.push(`${id} ${signal}`) },
    },
    (over) => void this.overs.push(over),
  );
  #seq = 0;

  constructor() {
    for (const name of ["ada", "bob", "drill-1", "saw-1"] as const) {
      this.set(name, { key: CARD_KEY, type: TYPE.register, value: cardOf(name) });
    }
    for (const name of ["ada", "bob"]) this.kind(name, "person");
  }

  foldedSize(epoch: string): number {
    return epoch === toHex(OWN) ? this.folded : 0;
  }

  kind(device: string, value: string): void {
    this.set(device, { key: "kind", type: TYPE.register, value });
  }

  set(device: string, said: { key: string; type: number; value: Scalar }): void {
    const { key, type, value } = said;
    this.#seq += 1;
    const write = { epoch: epochOf(0), seq: this.#seq, value, wallMs: this.#seq, monoMs: 0 };
    const content = { _tag: "Survivors", writes: [write], awaited: [] } as const;
    const entry = { device, key, type, content };
    for (const memory of [this.index, this.traits, this.registers]) memory.apply(entry);
  }

  tap(
    name: Name,
    reader: ReaderConfig = readerOf("desk"),
    { atStart = false, monoMs = this.monoMs }: How = {},
  ): CheckOutOutcome | null {
    const sighting = {
      reader: reader.id,
      technology: "type2",
      uid: right(parseUid("04A1B2C3D46C80")),
      ndef: null,
      counter: null,
      signature: null,
      phone: null,
      atStart,
      simulated: true,
      wallMs: 0,
      monoMs,
    } as const;
    return this.outs.take({ reader, sighting, card: cardOf(name), phone: null }, name);
  }

  tag(name: Name, reader: ReaderConfig = readerOf("desk"), how: How = {}): string | undefined {
    return this.tap(name, reader, how)?._tag;
  }

  pass(ms: number): void {
    this.monoMs += ms;
    vi.advanceTimersByTime(ms);
  }
}
