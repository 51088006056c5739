/** Makes a snapshot of the state, step by step, while records go on being folded. */
import { toHex } from "#core/bytes.ts";
import { decodeEntry, encodeEntry } from "#core/state/entry-codec.ts";
import { FOLD_VERSION } from "#core/state/fold.ts";
import { encodeManifest, snapshotRoot, type SnapshotState } from "#core/state/snapshot.ts";
import { ChunkPacker, inManifestOrder, type ChunkScope } from "#core/state/snapshot-chunks.ts";
import { sha256 } from "#gateway/node-crypto.ts";
import type { SnapshotScope } from "#gateway/ports.ts";
import { SnapshotFile, type FiledChunk } from "#gateway/store/snapshot-file.ts";
import type { StateFile } from "#gateway/store/state-file.ts";

export interface Snapshot {
  readonly manifest: Uint8Array;
  readonly root: Uint8Array;
  readonly chunks: ReadonlyArray<FiledChunk>;
  readonly file: SnapshotFile;
}

type EncodedEntries = ReadonlyArray<Uint8Array>;

/** Entries that are read at once: a few milliseconds. */
const ENTRIES_PER_STEP = 256;

/** The devices behind that one with their entries, whole, until there are enough. */
const devicesAfter = (state: StateFile, after: string): ReadonlyMap<string, EncodedEntries> => {
  const devices = new Map<string, Uint8Array[]>();
  let count = 0;
  for (const { device, bytes } of state.entriesAfter(after)) {
    const entries = devices.get(device);
    if (entries === undefined && count >= ENTRIES_PER_STEP) break;
    if (entries === undefined) devices.set(device, [bytes]);
    else entries.push(bytes);
    count += 1;
  }
  return devices;
};

/** What was read, by device in the order of the table; and devices that were not in it yet when it was read. */
interface Collected {
  readonly devices: Map<string, EncodedEntries>;
  readonly late: Map<string, EncodedEntries>;
}

/**
 * All entries as they are at its end: devices that change after they were read are read again. Undefined if the state
 * was replaced meanwhile.
 */
function* collect(state: StateFile): Generator<undefined, Collected | undefined, undefined> {
  const { generation } = state;
  const devices = new Map<string, EncodedEntries>();
  const late = new Map<string, EncodedEntries>();
  const changed = new Set<string>();
  let last = "";
  state.onChange = (device) => void (device <= last && changed.add(device));
  try {
    for (let page = devicesAfter(state, ""); page.size > 0; page = devicesAfter(state, last)) {
      for (const [device, entries] of page) {
        devices.set(device, entries);
        last = device;
      }
      yield undefined;
      if (state.generation !== generation) return undefined;
    }
    for (const device of changed) {
      changed.delete(device);
      const known = devices.has(device) ? devices : late;
      known.set(device, [...state.entries(device)].map(encodeEntry));
      if (changed.size === 0) break; // nothing is folded between this and the caller's next line
      yield undefined;
      if (state.generation !== generation) return undefined;
    }
    return { devices, late };
  } finally {
    state.onChange = undefined;
  }
}

/** By name, which is the order of the table: names of devices are ASCII. */
function* inOrder({ devices, late }: Collected): Generator<EncodedEntries, void, undefined> {
  const rest = [...late].toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [device, entries] of devices) {
    for (let first = rest[0]; first !== undefined && first[0] < device; first = rest[0]) {
      yield first[1];
      rest.shift();
    }
    yield entries;
  }
  for (const [, entries] of rest) yield entries;
}

/** What the state is beside its entries, at the moment at which they were collected. */
const describe = (
  state: StateFile,
  { fleet, rosterVersion, siteOf }: SnapshotScope,
): { readonly about: SnapshotState; readonly scope: ChunkScope } => {
  const heads = new Map(state.heads);
  const gateways = new Map<string, string>();
  for (const fact of state.facts()) {
    if (fact._tag === "Opened") gateways.set(fact.epoch, fact.gateway);
  }
  const { digest, cuts } = state;
  return {
    about: { fleet, foldVersion: FOLD_VERSION, rosterVersion, heads, cuts: new Map(cuts), digest },
    scope: {
      foldedSize: (epoch) => heads.get(toHex(epoch)) ?? 0,
      siteOf: ({ epoch }) => siteOf.get(gateways.get(toHex(epoch)) ?? ""),
    },
  };
};

/**
 * Null if the state was replaced meanwhile, or has an entry that fits no chunk. Throws what the system throws where the
 * chunks can't be written.
 */
export function* buildSnapshot(
  state: StateFile,
  scope: SnapshotScope,
  path: string,
): Generator<undefined, Snapshot | null, undefined> {
  const collected = yield* collect(state);
  if (collected === undefined) return null;
  const { about, scope: chunkScope } = describe(state, scope);
  yield undefined;
  const packer = new ChunkPacker(sha256, chunkScope);
  const file = new SnapshotFile(path);
  let isDone = false;
  try {
    const filed: FiledChunk[] = [];
    for (const encoded of inOrder(collected)) {
      const entries = encoded.map(decodeEntry).filter((entry) => entry !== undefined);
      const full = packer.addDevice(entries);
      if (full === undefined) return null;
      filed.push(...full.map((chunk) => file.add(chunk)));
      yield undefined;
    }
    filed.push(...packer.end().map((chunk) => file.add(chunk)));
    const chunks = inManifestOrder(filed);
    const manifest = encodeManifest({ ...about, chunks });
    isDone = true;
    return { manifest, root: snapshotRoot(sha256, manifest), chunks, file };
  } finally {
    if (!isDone) file[Symbol.dispose]();
  }
}
