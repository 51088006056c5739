/** The chunks of the newest snapshot: in a file without a name, which is gone with the process. */
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import type { SnapshotChunk } from "#core/state/snapshot.ts";
import type { PackedChunk } from "#core/state/snapshot-chunks.ts";

export interface FiledChunk extends SnapshotChunk {
  readonly offset: number;
}

export class SnapshotFile implements Disposable {
  readonly #file: number;
  #length = 0;

  /** Throws what the system throws: no space, no rights. */
  constructor(path: string) {
    this.#file = openSync(path, "w+");
    rmSync(path);
  }

  add({ bytes, ...chunk }: PackedChunk): FiledChunk {
    const offset = this.#length;
    while (this.#length < offset + bytes.length) {
      this.#length += writeSync(this.#file, bytes, this.#length - offset, undefined, this.#length);
    }
    return { ...chunk, offset };
  }

  read({ offset, byteCount }: FiledChunk): Uint8Array {
    const bytes = new Uint8Array(byteCount);
    let length = 0;
    while (length < byteCount) {
      const read = readSync(this.#file, bytes, length, byteCount - length, offset + length);
      if (read === 0) break;
      length += read;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}
