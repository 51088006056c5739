/** What records say of one another: whose an epoch is, what its clock should have said, which records are void. */
import { toHex } from "#core/bytes.ts";
import { Clocks } from "#core/clock/true-time.ts";
import type { WriteName } from "#core/log/operation.ts";
import type { Fact } from "#core/state/facts.ts";
import type { Store } from "#gateway/ports.ts";

/** A record as JSON names it. */
export interface RecordName {
  /** Hex. */
  readonly epoch: string;
  readonly seq: number;
}

export interface Known {
  readonly clocks: Clocks;
  /** By epoch, hex. */
  readonly opened: ReadonlyMap<string, Fact & { readonly _tag: "Opened" }>;
  /** The record that marks this one as wrong; null where none does. */
  readonly voidedBy: (name: WriteName) => RecordName | null;
}

const nameText = (epoch: string, seq: number): string => `${epoch}/${seq}`;

export const knownOf = async (store: Store): Promise<Known> => {
  const facts = await store.facts();
  const opened = new Map(
    facts.flatMap((fact) => (fact._tag === "Opened" ? [[fact.epoch, fact] as const] : [])),
  );
  const voids = new Map(
    facts.flatMap((fact) =>
      fact._tag === "Voided" ? [[nameText(fact.epoch, fact.seq), fact.by] as const] : [],
    ),
  );
  return {
    clocks: new Clocks(facts),
    opened,
    voidedBy: ({ epoch, seq }) => voids.get(nameText(toHex(epoch), seq)) ?? null,
  };
};
