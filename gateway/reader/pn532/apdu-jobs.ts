/** APDUs from outside that wait until the poll rests. */
import { PN532_APDU_QUEUE_MAX } from "#gateway/limits.ts";

interface ApduJob {
  readonly apdu: Uint8Array;
  readonly answer: (response: Uint8Array) => void;
}

const NO_BYTES = new Uint8Array(0);

export class ApduJobs {
  readonly #jobs: ApduJob[] = [];

  /** Empty: there were too many, or they were refused. */
  add(apdu: Uint8Array): Promise<Uint8Array> {
    if (this.#jobs.length >= PN532_APDU_QUEUE_MAX) return Promise.resolve(NO_BYTES);
    return new Promise((answer) => {
      this.#jobs.push({ apdu, answer });
    });
  }

  /** The oldest, which is now the caller's to answer. */
  next(): ApduJob | undefined {
    return this.#jobs.shift();
  }

  refuseAll(): void {
    for (const { answer } of this.#jobs.splice(0)) answer(NO_BYTES);
  }
}
