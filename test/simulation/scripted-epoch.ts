/** An epoch that is written by hand, record by record: by a liar, or by a later version of tapmesh. */
import { ACTOR, encodeActor } from "#core/log/actor.ts";
import { encodeBody, openTextOf, OPEN_REASON } from "#core/log/body.ts";
import { decodeCbor, encodeCbor, type CborValue } from "#core/log/cbor.ts";
import { signCheckpoint } from "#core/log/checkpoint.ts";
import type { SigningKey } from "#core/log/crypto.ts";
import { newEpochHead, type EpochHead } from "#core/log/epoch.ts";
import { encodeHeader, KIND, leafOf, type RecordBytes } from "#core/log/record.ts";
import type { Addition } from "#core/log/stored.ts";
import { appendLeaf, rootOf } from "#core/log/tree.ts";
import * as E from "fp-ts/lib/Either.js";
import { sha256 } from "#gateway/node-crypto.ts";
import { EPOCH_WALL_MS } from "#test/simulation/clock.ts";
import type { Random } from "#test/simulation/random.ts";
import { rangeFrom } from "#test/simulation/shortened.ts";

/** What a record is made of: its kind and the fields of its body behind salt and actor. */
export interface ScriptedRecord {
  readonly kind: number;
  readonly fields: ReadonlyArray<CborValue>;
}

export interface ScriptedNames {
  readonly fleet: string;
  readonly gateway: string;
  readonly gatewayKey: SigningKey;
}

export class ScriptedEpoch {
  readonly names: ScriptedNames;
  readonly key: SigningKey;
  head: EpochHead;
  records: ReadonlyArray<RecordBytes> = [];
  checkpoint = "";
  readonly #random: Random;

  constructor(random: Random, key: SigningKey, names: ScriptedNames) {
    this.#random = random;
    this.key = key;
    this.names = names;
    this.head = newEpochHead(sha256, { ...names, epochKey: key.publicKey });
  }

  /** The same epoch so far, to be continued in another way. */
  branch(): ScriptedEpoch {
    const other = new ScriptedEpoch(this.#random, this.key, this.names);
    other.head = this.head;
    other.records = this.records;
    other.checkpoint = this.checkpoint;
    return other;
  }

  /** The first record; `extra`: fields that only a later version knows. */
  open(extra: ReadonlyArray<CborValue> = []): Addition {
    const { fleet, gateway, gatewayKey } = this.names;
    const actor = { kind: ACTOR.gateway, name: gateway };
    const plain = encodeBody(this.#random.bytes(16), {
      _tag: "Open",
      actor,
      fleet,
      gateway,
      clockClass: 0,
      earlier: [],
      signature: new Uint8Array(64),
      gatewayKey: gatewayKey.publicKey,
      epochKey: this.key.publicKey,
      bootId: this.#random.bytes(16),
      reason: OPEN_REASON.boot,
    });
    const decoded = decodeCbor(plain);
    const fields = E.isRight(decoded) && Array.isArray(decoded.right) ? decoded.right : [];
    const grown = [...fields, ...extra];
    const text = openTextOf(encodeCbor(grown)) ?? new Uint8Array(0);
    const signed = grown.map((field: CborValue, i) => (i === 2 ? gatewayKey.sign(text) : field));
    return this.#append([{ kind: KIND.open, body: encodeCbor(signed) }]);
  }

  add(...records: ReadonlyArray<ScriptedRecord>): Addition {
    const actor = encodeActor({ kind: ACTOR.gateway, name: this.names.gateway });
    return this.#append(
      records.map(({ kind, fields }) => ({
        kind,
        body: encodeCbor([this.#random.bytes(16), actor, ...fields]),
      })),
    );
  }

  #append(records: ReadonlyArray<{ readonly kind: number; readonly body: Uint8Array }>): Addition {
    const from = this.records.length;
    const added: RecordBytes[] = [];
    let { range, lastLeaf } = this.head;
    for (const { kind, body } of records) {
      const header = encodeHeader({
        seq: range.size,
        prev: lastLeaf,
        wallMs: EPOCH_WALL_MS,
        monoMs: range.size,
        kind,
        bodyHash: sha256(body),
      });
      lastLeaf = leafOf(sha256, header);
      range = appendLeaf(sha256, range, lastLeaf);
      added.push({ header, body });
    }
    this.head = { ...this.head, range, lastLeaf };
    this.records = [...this.records, ...added];
    const { origin } = this.head;
    const statement = { origin, size: range.size, root: rootOf(sha256, range) };
    this.checkpoint = signCheckpoint(sha256, statement, this.key);
    const { gateway } = this.names;
    const stored = { gateway, head: this.head, checkpoint: this.checkpoint, proof: [] };
    return { ...stored, from, records: added, blocks: [] };
  }

  /** An encoded Range from that record on. */
  range(from: number, countMax = 4_096): Uint8Array {
    const { gateway } = this.names;
    const stored = { gateway, head: this.head, checkpoint: this.checkpoint, proof: [] };
    return rangeFrom({ ...stored, records: this.records }, from, countMax);
  }
}

/** A change of one device by operations as they stand in a body. */
export const changeBy = (
  device: string,
  ...operations: ReadonlyArray<CborValue>
): ScriptedRecord => ({ kind: KIND.change, fields: [device, [...operations]] });
