/** What a gateway tells authors of their records, and how often. */
import { describe, expect, test } from "vitest";
import { unmirrored } from "#core/sync/held.ts";
import type { SyncEffect } from "#core/sync/effects.ts";
import { HEAD_PERIOD_MS } from "#core/sync/state.ts";
import { at } from "#test/unit/core/log/either.ts";
import { tap } from "#test/unit/core/log/sample-epoch.ts";
import { rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";
import { Peers } from "#test/unit/core/sync/peers-in-memory.ts";

const ROSTER = rosterOf(["lobby", "dock", "yard"]);

describe("what authors are told", () => {
  interface Told {
    readonly ms: number;
    readonly effect: SyncEffect & { readonly _tag: "SendHeld" };
  }

  /** Dock writes every 30 ms for so long; when and what it is told by the lobby. */
  const toldWhile = (ms: number): { readonly told: ReadonlyArray<Told>; readonly fleet: Peers } => {
    const fleet = new Peers(ROSTER, ["lobby", "dock"]);
    fleet.run(3_000);
    const [one, dock] = [at(fleet.peers, 0), at(fleet.peers, 1)];
    const told: Told[] = [];
    for (let passed = 0; passed < ms; passed += 30) {
      const before = one.seen.length;
      dock.write([tap(1)]);
      fleet.run(30, 10);
      for (const effect of one.seen.slice(before)) {
        if (effect._tag === "SendHeld") told.push({ ms: fleet.nowMs, effect });
      }
    }
    return { told, fleet };
  };

  test("is at most one statement in 100 ms, however many records come, and the last within 200 ms", () => {
    // As long as it takes for a head to fall due, which tells authors too.
    const { told, fleet } = toldWhile(HEAD_PERIOD_MS + 2_000);
    const [one, dock] = [at(fleet.peers, 0), at(fleet.peers, 1)];
    expect(told.length).toBeGreaterThan(100);
    const gaps = told.slice(1).map(({ ms }, i) => ms - at(told, i).ms);
    // Told at the end of a step of 30 ms, in which 10 ms ticks lie.
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(90);
    fleet.run(200, 100);
    expect(unmirrored(dock.state)).toEqual([]);
    expect(one.seen.filter((e) => e._tag === "SendHeld" && e.statement.author === "lobby")).toEqual(
      [],
    );
  });

  test("is nothing to oneself, though one's own records come back from a peer", () => {
    const fleet = new Peers(ROSTER, ["lobby", "dock"]);
    fleet.run(3_000);
    const one = at(fleet.peers, 0);
    one.write([tap(1), tap(2)]);
    fleet.run(1_000);
    one.restart(new Map());
    fleet.run(HEAD_PERIOD_MS);
    expect(one.logs.size).toBeGreaterThan(2);
    const authors = one.seen.flatMap((e) => (e._tag === "SendHeld" ? [e.statement.author] : []));
    expect(new Set(authors)).toEqual(new Set(["dock"]));
  });
});
