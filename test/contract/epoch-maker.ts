/** Writes epochs as an author does, record by record, for tests of whoever stores or checks them. */
import { ACTOR } from "#core/log/actor.ts";
import {
  CLOCK_CLASS,
  OPEN_REASON,
  TECHNOLOGY,
  VERDICT,
  type Body,
  type EarlierEpoch,
} from "#core/log/body.ts";
import { appendGroup, newEpochHead, signOpen, type EpochHead } from "#core/log/epoch.ts";
import { TYPE, type Operation, type WriteName } from "#core/log/operation.ts";
import type { Addition } from "#core/log/stored.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import { generateSigningKey, randomBytes, sha256 } from "#gateway/node-crypto.ts";

const FLEET = "acme";
/** Between two records. */
const TICK_MS = 1_000;

/** A tap that counts: `visits` of the device goes up, and `location` is set. */
export const tapOf = (
  device: string,
  location = "lobby",
  replaces: ReadonlyArray<WriteName> = [],
): Body => ({
  _tag: "Tap",
  actor: { kind: ACTOR.reader, name: "r1" },
  technology: TECHNOLOGY.type2,
  card: randomBytes(16),
  atStart: false,
  simulated: true,
  verdict: VERDICT.accepted,
  reason: "",
  ndef: null,
  device,
  operations: [
    { key: "location", type: TYPE.register, value: location, replaces },
    { key: "visits", type: TYPE.counter, value: 1, replaces: [] },
  ],
});

export const changeOf = (device: string, operations: ReadonlyArray<Operation>): Body => ({
  _tag: "Change",
  actor: { kind: ACTOR.localUser, name: "tester" },
  device,
  operations,
});

export class EpochMaker {
  readonly gateway: string;
  readonly #key: SigningKey;
  #head: EpochHead;
  #nextMs = 1_800_000_000_000;
  #nextMonoMs = 0;
  /** Zeros: no boot at all. */
  bootId: Uint8Array = new Uint8Array(16);

  constructor(gateway: string, key: SigningKey = generateSigningKey()) {
    this.gateway = gateway;
    this.#key = key;
    const names = { fleet: FLEET, gateway, epochKey: this.#key.publicKey };
    this.#head = newEpochHead(sha256, names);
  }

  /** Where the epoch stands behind all that was made. */
  get head(): EpochHead {
    return this.#head;
  }

  get id(): Uint8Array {
    return this.#head.epoch;
  }

  /** The first record, alone. */
  open(earlier: ReadonlyArray<EarlierEpoch> = []): Addition {
    const gatewayKey = generateSigningKey();
    const salt = randomBytes(16);
    const body = signOpen(
      salt,
      {
        _tag: "Open",
        actor: { kind: ACTOR.gateway, name: this.gateway },
        fleet: FLEET,
        gateway: this.gateway,
        gatewayKey: gatewayKey.publicKey,
        epochKey: this.#key.publicKey,
        bootId: this.bootId,
        reason: OPEN_REASON.boot,
        clockClass: CLOCK_CLASS.ntp,
        earlier,
      },
      gatewayKey.sign,
    );
    return this.#append([{ body, salt }]);
  }

  /** The same author on another machine, copied while it ran: it goes on from here on its own. */
  clone(): EpochMaker {
    const copy = new EpochMaker(this.gateway, this.#key);
    copy.#head = this.#head;
    copy.#nextMs = this.#nextMs;
    copy.#nextMonoMs = this.#nextMonoMs;
    return copy;
  }

  /** The next record is made at that time by both of the author's clocks; those behind it follow. */
  setClocks(wallMs: number, monoMs: number): void {
    this.#nextMs = wallMs - TICK_MS;
    this.#nextMonoMs = monoMs - TICK_MS;
  }

  /** The next records, as one group. */
  add(...bodies: ReadonlyArray<Body>): Addition {
    return this.#append(bodies.map((body) => ({ body, salt: randomBytes(16) })));
  }

  #append(records: ReadonlyArray<{ readonly body: Body; readonly salt: Uint8Array }>): Addition {
    const drafts = records.map((record) => {
      this.#nextMs += TICK_MS;
      this.#nextMonoMs += TICK_MS;
      return { ...record, wallMs: this.#nextMs, monoMs: this.#nextMonoMs };
    });
    const signer = { sha256, signWithEpochKey: this.#key.sign };
    const group = appendGroup(signer, this.#head, drafts);
    this.#head = group.head;
    const { head, checkpoint, from, blocks } = group;
    return {
      gateway: this.gateway,
      head,
      checkpoint,
      proof: [],
      from,
      records: group.records,
      blocks,
    };
  }
}
