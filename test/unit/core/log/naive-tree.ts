/** RFC 6962 section 2.1 as it is written there: recursive, over all leaves, slow and plain. */
import { createHash } from "node:crypto";

const sha256 = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const naiveLeaf = (entry: Uint8Array): Uint8Array => sha256(LEAF, entry);

const split = (n: number): number => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};

type Hashes = ReadonlyArray<Uint8Array>;

/** MTH(D[n]), over leaf hashes. */
export const naiveRoot = (leaves: Hashes): Uint8Array => {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) return first;
  const k = split(leaves.length);
  return sha256(NODE, naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
};

/** PATH(m, D[n]). */
export const naivePath = (m: number, leaves: Hashes): Hashes => {
  if (leaves.length <= 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...naivePath(m, leaves.slice(0, k)), naiveRoot(leaves.slice(k))]
    : [...naivePath(m - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
};

const subproof = (m: number, leaves: Hashes, isWhole: boolean): Hashes => {
  if (m === leaves.length) return isWhole ? [] : [naiveRoot(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...subproof(m, leaves.slice(0, k), isWhole), naiveRoot(leaves.slice(k))]
    : [...subproof(m - k, leaves.slice(k), false), naiveRoot(leaves.slice(0, k))];
};

/** PROOF(m, D[n]) for 0 < m < n. */
export const naiveProof = (m: number, leaves: Hashes): Hashes => subproof(m, leaves, true);

/**
 * On which side of the path each hash of PATH(m, D[n]) stands, from the leaf upwards. Two claims with the same sides
 * are the same computation, whatever numbers they carry; with other sides they are not.
 */
export const pathSides = (m: number, n: number): string => {
  if (n <= 1) return "";
  const k = split(n);
  return m < k ? `${pathSides(m, k)}R` : `${pathSides(m - k, n - k)}L`;
};

const subproofSides = (m: number, n: number, isWhole: boolean): string => {
  if (m === n) return isWhole ? "" : "=";
  const k = split(n);
  return m <= k ? `${subproofSides(m, k, isWhole)}R` : `${subproofSides(m - k, n - k, false)}L`;
};

/** The same for PROOF(m, D[n]); "=" is the hash that stands for the old tree's last subtree. */
export const proofSides = (m: number, n: number): string => subproofSides(m, n, true);
