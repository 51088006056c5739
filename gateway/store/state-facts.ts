/**
 * What state.db knows beside entries: what records say about epochs, clocks and forks, and where epochs are cut. Forks
 * and cuts outlive a state that is folded anew; the rest is learnt again by folding.
 */
import type Database from "better-sqlite3";
import { leastCuts, type Cuts } from "#core/trust/cuts.ts";
import type { Fact, FoldedFact } from "#core/state/facts.ts";

interface OpenedRow {
  readonly epoch: string;
  readonly gateway: string;
  readonly boot_id: string;
  readonly clock_class: number;
}

interface ClockFixRow {
  readonly gateway: string;
  readonly boot_id: string;
  readonly mono_ms: number;
  readonly wall_at_boot_ms: number;
  readonly plus_minus_ms: number;
}

interface VoidedRow {
  readonly epoch: string;
  readonly seq: number;
  readonly by_epoch: string;
  readonly by_seq: number;
}

interface SizeRow {
  readonly epoch: string;
  readonly size: number;
}

const sizesOf = (rows: ReadonlyArray<SizeRow>): Map<string, number> =>
  new Map(rows.map(({ epoch, size }) => [epoch, size]));

const isSame = (a: Cuts, b: Cuts): boolean =>
  a.size === b.size && [...a].every(([epoch, size]) => b.get(epoch) === size);

/** The table of a fact, and its row there. */
const rowOf = (fact: FoldedFact): readonly [string, ...ReadonlyArray<string | number>] => {
  switch (fact._tag) {
    case "Opened":
      return ["opened", fact.epoch, fact.gateway, fact.bootId, fact.clockClass];
    case "ClockFixed": {
      const { gateway, bootId, monoMs, wallAtBootMs, plusMinusMs } = fact;
      return ["clock_fix", gateway, bootId, monoMs, wallAtBootMs, plusMinusMs];
    }
    case "Voided":
      return ["voided", fact.epoch, fact.seq, fact.by.epoch, fact.by.seq];
  }
};

/** Every change is part of the state's open transaction; whoever owns that begins it first. */
export class StateFacts {
  readonly #database: Database.Database;
  /** By roster: what was handed to `setCuts`. */
  #given: Cuts = new Map();
  #forks = new Map<string, number>();
  /** Of a snapshot whose reasons for them are still to come with the logs. */
  #adopted: Cuts = new Map();
  #effective: Cuts = new Map();

  constructor(database: Database.Database) {
    this.#database = database;
    this.#given = sizesOf(database.prepare<[], SizeRow>("SELECT * FROM cut").all());
    this.reload();
  }

  /** After a rollback: what the records say is as the file says; the cuts stay as they were given. */
  reload(): void {
    this.#forks = sizesOf(this.#database.prepare<[], SizeRow>("SELECT * FROM fork").all());
    this.#effective = leastCuts(this.#given, this.#forks, this.#adopted);
  }

  /** Records of the epoch (hex) that count. */
  cutOf(epoch: string): number {
    return this.#effective.get(epoch) ?? Number.POSITIVE_INFINITY;
  }

  /** By roster and by forks, whichever is less. */
  get cuts(): Cuts {
    return this.#effective;
  }

  setCuts(given: Cuts): void {
    if (isSame(given, this.#given)) return;
    this.#given = new Map(given);
    this.#effective = leastCuts(this.#given, this.#forks, this.#adopted);
    this.putCuts();
  }

  /** Those of a snapshot count until the logs have confirmed it. */
  setAdopted(cuts: Cuts): void {
    this.#adopted = cuts;
    this.#effective = leastCuts(this.#given, this.#forks, this.#adopted);
  }

  /** Puts the cuts into the file: again, after a rollback. */
  putCuts(): void {
    this.#database.exec("DELETE FROM cut");
    const insert = this.#database.prepare<[string, number]>("INSERT INTO cut VALUES (?, ?)");
    for (const [epoch, size] of this.#given) insert.run(epoch, size);
  }

  /** False for a fork that changes nothing. */
  learnFork({ epoch, size }: Fact & { readonly _tag: "Forked" }): boolean {
    if (size >= (this.#forks.get(epoch) ?? Number.POSITIVE_INFINITY)) return false;
    this.#forks.set(epoch, size);
    this.#effective = leastCuts(this.#given, this.#forks, this.#adopted);
    this.#database.prepare("INSERT OR REPLACE INTO fork VALUES (?, ?)").run(epoch, size);
    return true;
  }

  /** What a record says that is being folded. */
  learn(fact: FoldedFact): void {
    const [table, ...values] = rowOf(fact);
    const places = values.map(() => "?").join(", ");
    this.#database.prepare(`INSERT OR IGNORE INTO ${table} VALUES (${places})`).run(...values);
  }

  learnAll(facts: ReadonlyArray<Fact>): void {
    for (const fact of facts) {
      if (fact._tag === "Forked") this.learnFork(fact);
      else this.learn(fact);
    }
  }

  facts(): ReadonlyArray<Fact> {
    const opened = this.#database.prepare<[], OpenedRow>("SELECT * FROM opened").all();
    const fixes = this.#database.prepare<[], ClockFixRow>("SELECT * FROM clock_fix").all();
    const voided = this.#database.prepare<[], VoidedRow>("SELECT * FROM voided").all();
    return [
      ...opened.map(({ epoch, gateway, boot_id: bootId, clock_class: clockClass }): Fact => ({
        _tag: "Opened",
        epoch,
        gateway,
        bootId,
        clockClass,
      })),
      ...fixes.map((row): Fact => ({
        _tag: "ClockFixed",
        gateway: row.gateway,
        bootId: row.boot_id,
        monoMs: row.mono_ms,
        wallAtBootMs: row.wall_at_boot_ms,
        plusMinusMs: row.plus_minus_ms,
      })),
      ...voided.map(({ epoch, seq, by_epoch, by_seq }): Fact => ({
        _tag: "Voided",
        epoch,
        seq,
        by: { epoch: by_epoch, seq: by_seq },
      })),
      ...[...this.#forks].map(([epoch, size]): Fact => ({ _tag: "Forked", epoch, size })),
    ];
  }

  /** Forgets what folding tells again. */
  clear(): void {
    this.#database.exec("DELETE FROM opened; DELETE FROM clock_fix; DELETE FROM voided");
  }
}
