import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MIRRORS_COUNT, mirrorsOf, SMALL_FLEET_COUNT_MAX, storersOf } from "#core/sync/mirrors.ts";
import type { GatewayStatus, Roster, RosterGateway } from "#core/trust/roster.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import { at } from "#test/unit/core/log/either.ts";
import { rosterOf } from "#test/unit/core/sync/roster-in-memory.ts";

const line = (name: string, site = "hq", status: GatewayStatus = "active"): RosterGateway => ({
  name,
  site,
  status,
  key: new Uint8Array(32),
});

const of = (gateways: ReadonlyArray<RosterGateway>): Roster => ({ ...rosterOf([]), gateways });

const many = (count: number, siteCount = 1): ReadonlyArray<RosterGateway> =>
  Array.from({ length: count }, (_, i) => line(`gw-${i}`, `site-${i % siteCount}`));

/** Names that differ, each with a site of three and a status. */
const anyRoster = fc
  .uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[a-z0-9-]{1,6}$/),
      site: fc.constantFrom("north", "north", "north", "north", "south", "east"),
      status: fc.constantFrom<GatewayStatus>("active", "active", "active", "retired", "revoked"),
    }),
    { maxLength: 30, selector: ({ name }) => name },
  )
  .map((lines) => of(lines.map(({ name, site, status }) => line(name, site, status))));

const authorAndRoster = anyRoster
  .filter(({ gateways }) => gateways.length > 0)
  .chain((roster) =>
    fc.record({ roster: fc.constant(roster), index: fc.nat(roster.gateways.length - 1) }),
  );

describe("the mirrors of an author", () => {
  test("are three, or all others that are at work; never the author; each once", () => {
    fc.assert(
      fc.property(authorAndRoster, ({ roster, index }) => {
        const author = at(roster.gateways, index).name;
        const mirrors = mirrorsOf(sha256, roster, author);
        const others = roster.gateways.filter((g) => g.status === "active" && g.name !== author);
        expect(mirrors).toHaveLength(Math.min(MIRRORS_COUNT, others.length));
        expect(new Set(mirrors).size).toBe(mirrors.length);
        expect(others.map(({ name }) => name)).toEqual(expect.arrayContaining([...mirrors]));
      }),
    );
  });

  test("are the same whatever the order of the roster's lines, old lines of the author's included", () => {
    const withOldLines = authorAndRoster.chain(({ roster, index }) => {
      const author = at(roster.gateways, index).name;
      // Replaced once, and stood elsewhere then.
      const old = { ...line(author, "harbour", "retired"), key: new Uint8Array(32).fill(1) };
      const lines = [
        ...roster.gateways.with(index, { ...at(roster.gateways, index), status: "active" }),
        old,
      ];
      return fc.record({
        author: fc.constant(author),
        lines: fc.constant(lines),
        shuffled: fc.shuffledSubarray(lines, { minLength: lines.length }),
      });
    });
    fc.assert(
      fc.property(withOldLines, ({ author, lines, shuffled }) => {
        expect(mirrorsOf(sha256, of(shuffled), author)).toEqual(
          mirrorsOf(sha256, of(lines), author),
        );
      }),
      { numRuns: 400 },
    );
  });

  test("have one at another site where there is one, and only the last makes way for it", () => {
    fc.assert(
      fc.property(authorAndRoster, ({ roster, index }) => {
        const { name: author, site } = at(roster.gateways, index);
        const mirrors = mirrorsOf(sha256, roster, author);
        const siteOf = (name: string): string | undefined =>
          roster.gateways.find((gateway) => gateway.name === name)?.site;
        const elsewhere = roster.gateways.filter(
          (g) => g.status === "active" && g.name !== author && g.site !== site,
        );
        expect(mirrors.some((name) => siteOf(name) !== site)).toBe(elsewhere.length > 0);
        // As if sites didn't matter, but for the last.
        const flat = of(roster.gateways.map((gateway) => ({ ...gateway, site: "one" })));
        const best = mirrorsOf(sha256, flat, author);
        expect(mirrors.slice(0, -1)).toEqual(best.slice(0, -1));
        const isSpread = best.some((name) => siteOf(name) !== site) || elsewhere.length === 0;
        expect(mirrors.at(-1) === best.at(-1)).toBe(isSpread);
      }),
      { numRuns: 400 },
    );
  });

  test("still include others when the author is retired or revoked: its records stay mirrored", () => {
    for (const status of ["retired", "revoked"] as const) {
      const roster = of(many(20).map((g) => (g.name === "gw-3" ? { ...g, status } : g)));
      expect(mirrorsOf(sha256, roster, "gw-3")).toEqual(mirrorsOf(sha256, of(many(20)), "gw-3"));
      const storers = roster.gateways.filter(({ name }) =>
        storersOf(sha256, roster, name).has("gw-3"),
      );
      expect(storers.map(({ name }) => name).toSorted()).toEqual(
        ["gw-3", ...mirrorsOf(sha256, roster, "gw-3")].toSorted(),
      );
      for (const { name } of roster.gateways) {
        expect(mirrorsOf(sha256, roster, name)).not.toContain("gw-3");
      }
    }
  });
});

describe("in a fleet of 200", () => {
  const gateways = many(200, 7);
  const before = new Map(gateways.map(({ name }) => [name, mirrorsOf(sha256, of(gateways), name)]));

  test("each mirrors about three authors, and none many", () => {
    const counts = new Map(gateways.map(({ name }) => [name, 0]));
    for (const mirror of [...before.values()].flat()) {
      counts.set(mirror, (counts.get(mirror) ?? 0) + 1);
    }
    const sizes = [...counts.values()];
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(200 * MIRRORS_COUNT);
    // Binomial(199, 3/199): more than 14 happens once in ten thousand gateways.
    expect(Math.max(...sizes)).toBeLessThanOrEqual(14);
    expect(sizes.filter((size) => size === 0).length).toBeLessThan(30);
  });

  test("one that leaves moves only what it mirrored, and one that comes only what it mirrors", () => {
    for (const gone of ["gw-17", "gw-130"]) {
      const rest = of(gateways.filter(({ name }) => name !== gone));
      for (const [author, mirrors] of before) {
        if (author === gone) continue;
        const after = mirrorsOf(sha256, rest, author);
        const moved = after.filter((name) => !mirrors.includes(name));
        // Its place, and at most one more that makes way for another site or needs to no longer.
        const places = mirrors.includes(gone) ? 2 : 0;
        expect([author, moved.length <= places]).toEqual([author, true]);
      }
    }
  });
});

test("up to 16 at work store all of all, a gateway of 17 its own and what it mirrors", () => {
  const small = of([...many(SMALL_FLEET_COUNT_MAX), line("old", "hq", "retired")]);
  expect([...storersOf(sha256, small, "gw-0").keys()].toSorted()).toEqual(
    small.gateways.map(({ name }) => name).toSorted(),
  );
  const large = of(many(SMALL_FLEET_COUNT_MAX + 1));
  for (const { name: self } of large.gateways) {
    const expected = large.gateways
      .map(({ name }) => name)
      .filter((author) => author === self || mirrorsOf(sha256, large, author).includes(self));
    expect([...storersOf(sha256, large, self).keys()].toSorted()).toEqual(expected.toSorted());
  }
});
