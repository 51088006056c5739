/** Writes epochs as an author does, record by record, for tests of whoever stores or checks them. */
import {
  ACTOR,
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
import { generateSigningKey, randomBytes, sha256, type SigningKey } from "#gateway/node-crypto.ts";

const FLEET = "acme";

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
  readonly #key: SigningKey = generateSigningKey();
  #head: EpochHead;
  #nextMs = 1_800_000_000_000;

  constructor(gateway: string) {
    this.gateway = gateway;
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
        bootId: new Uint8Array(16),
        reason: OPEN_REASON.boot,
        clockClass: CLOCK_CLASS.ntp,
        earlier,
      },
      gatewayKey.sign,
    );
    return this.#append([{ body, salt }]);
  }

  /** The next records, as one group. */
  add(...bodies: ReadonlyArray<Body>): Addition {
    return this.#append(bodies.map((body) => ({ body, salt: randomBytes(16) })));
  }

  #append(records: ReadonlyArray<{ readonly body: Body; readonly salt: Uint8Array }>): Addition {
    const drafts = records.map((record) => {
      this.#nextMs += 1_000;
      return { ...record, wallMs: this.#nextMs, monoMs: this.#nextMs % 1_000_000 };
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
