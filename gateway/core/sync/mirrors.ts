/**
 * Who stores whose records: by rendezvous hashing over the author's name, so that every gateway works out the same
 * without asking, and a gateway that comes or goes moves few records.
 */
import { utf8 } from "#core/bytes.ts";
import type { Sha256 } from "#core/log/crypto.ts";
import { siteOf, type Roster, type RosterGateway } from "#core/trust/roster.ts";

/** Mirrors of one author, itself not counted. */
export const MIRRORS_COUNT = 3;
/** In a fleet of so many gateways each stores all records of all. */
export const SMALL_FLEET_COUNT_MAX = 16;

const activeOf = (roster: Roster): ReadonlyArray<RosterGateway> =>
  roster.gateways.filter(({ status }) => status === "active");

/** Two words of a name's hash: worked out once a name, since a fleet has as many pairs as gateways squared. */
type Words = readonly [number, number];

const wordsOf = (sha256: Sha256, name: string): Words => {
  const hash = sha256(utf8(`tapmesh/mirror/v1\n${name}`));
  const view = new DataView(hash.buffer, hash.byteOffset, hash.byteLength);
  return [view.getUint32(0), view.getUint32(4)];
};

/** Mixes 32 bits so that each of them depends on all: the finalizer of MurmurHash3. */
const mix = (word: number): number => {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
};

const scoreOf = (author: Words, candidate: Words): number =>
  mix(mix(author[0] ^ candidate[1]) ^ mix(candidate[0] + author[1]));

const byScore = (
  a: { readonly name: string; readonly score: number },
  b: { readonly name: string; readonly score: number },
): number => b.score - a.score || (a.name < b.name ? -1 : 1);

/**
 * The mirrors of an author, best first: the greatest scores, but for the last, which is at another site than the author
 * if the others are not and there is such a gateway.
 */
export const mirrorsOf = (
  sha256: Sha256,
  roster: Roster,
  author: string,
): ReadonlyArray<string> => {
  const site = siteOf(roster, author);
  const candidates = activeOf(roster)
    .filter(({ name }) => name !== author)
    .map((gateway) => ({ ...gateway, words: wordsOf(sha256, gateway.name) }));
  return chooseMirrors(candidates, { words: wordsOf(sha256, author), site });
};

interface Candidate extends RosterGateway {
  readonly words: Words;
}

const chooseMirrors = (
  candidates: ReadonlyArray<Candidate>,
  author: { readonly words: Words; readonly site: string | null },
): ReadonlyArray<string> => {
  const ranked = candidates
    .map(({ name, site, words }) => ({ name, site, score: scoreOf(author.words, words) }))
    .toSorted(byScore);
  const chosen = ranked.slice(0, MIRRORS_COUNT);
  const elsewhere = ranked.find((candidate) => candidate.site !== author.site);
  const isSpread = elsewhere === undefined || chosen.includes(elsewhere);
  const mirrors = isSpread ? chosen : [...chosen.slice(0, -1), elsewhere];
  return mirrors.map(({ name }) => name);
};

/** Whether every gateway stores all records of all. */
export const isSmallFleet = (roster: Roster): boolean =>
  new Set(activeOf(roster).map(({ name }) => name)).size <= SMALL_FLEET_COUNT_MAX;

/** Who stores what, as far as it concerns this gateway: author → all who store its records, for those that it stores. */
export type Storers = ReadonlyMap<string, ReadonlySet<string>>;

export const storersOf = (sha256: Sha256, roster: Roster, self: string): Storers => {
  const names = [...new Set(roster.gateways.map(({ name }) => name))];
  const all = new Set(names);
  const isSmall = isSmallFleet(roster);
  const storers = new Map<string, ReadonlySet<string>>();
  const active = activeOf(roster).map((one) => ({ ...one, words: wordsOf(sha256, one.name) }));
  for (const author of names) {
    const candidates = active.filter(({ name }) => name !== author);
    const words = wordsOf(sha256, author);
    const mirrors = isSmall
      ? []
      : chooseMirrors(candidates, { words, site: siteOf(roster, author) });
    const who = isSmall ? all : new Set([author, ...mirrors]);
    if (who.has(self)) storers.set(author, who);
  }
  return storers;
};
