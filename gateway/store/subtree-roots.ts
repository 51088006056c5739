/** Roots of parts of an epoch's tree, out of a log file: each is worked out once, however many Ranges need it. */
import { toHex } from "#core/bytes.ts";
import { BLOCK_RECORDS } from "#core/log/epoch.ts";
import { leafOf } from "#core/log/record.ts";
import { nodeHash, rootOfLeaves, splitOf, type SubtreeRoot } from "#core/log/tree.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { LogFile } from "#gateway/store/log-file.ts";

/**
 * Parts that begin at a multiple of this are remembered; smaller ones are hashed from their leaves each time. A Range
 * that ends at a multiple is proved by remembered parts alone, and is at most 63 records shorter for it.
 */
export const REMEMBERED_RECORDS = 64;

/** For each file, 4 MB: the parts of four epochs of 250,000 records. Beyond, all are forgotten and worked out again. */
const ROOTS_MAX = 16_384;

/** Records are only added to a file while it is open, so the root of a part never changes. */
const rootsOfFiles = new WeakMap<LogFile, Map<string, Uint8Array>>();

const rootsOf = (file: LogFile): Map<string, Uint8Array> => {
  const known = rootsOfFiles.get(file);
  if (known !== undefined) return known;
  const roots = new Map<string, Uint8Array>();
  rootsOfFiles.set(file, roots);
  return roots;
};

const storedBlock = (
  file: LogFile,
  epoch: Uint8Array,
  [start, end]: readonly [number, number],
): Uint8Array | undefined => {
  if (end - start !== BLOCK_RECORDS) return undefined;
  const block = start / BLOCK_RECORDS;
  return file.blockRoots(epoch, block, block + 1)[0];
};

/** For the parts that RFC 6962's recursion asks for, as far as the file has their records. */
export const subtreeRootOf = (file: LogFile, epoch: Uint8Array): SubtreeRoot => {
  const roots = rootsOf(file);
  const name = toHex(epoch);
  let isWhole = true;
  const fromLeaves: SubtreeRoot = (start, end) => {
    const leaves = Array.from(file.records(epoch, start, end), ({ header }) =>
      leafOf(sha256, header),
    );
    isWhole &&= leaves.length === end - start;
    return rootOfLeaves(sha256, leaves);
  };
  const workedOut: SubtreeRoot = (start, end) => {
    const block = storedBlock(file, epoch, [start, end]);
    if (block !== undefined) return block;
    if (end - start <= REMEMBERED_RECORDS) return fromLeaves(start, end);
    const middle = start + splitOf(end - start);
    return nodeHash(sha256, rootOf(start, middle), rootOf(middle, end));
  };
  const rootOf: SubtreeRoot = (start, end) => {
    if (start % REMEMBERED_RECORDS !== 0) return fromLeaves(start, end);
    const key = `${name} ${start} ${end}`;
    const known = roots.get(key);
    if (known !== undefined) return known;
    const root = workedOut(start, end);
    if (roots.size >= ROOTS_MAX) roots.clear();
    if (isWhole) roots.set(key, root);
    return root;
  };
  return rootOf;
};
