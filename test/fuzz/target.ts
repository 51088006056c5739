/** One decoder, and what is asked of it whatever bytes come. */
import { serialize } from "node:v8";
import { toHex } from "#core/bytes.ts";
import { inputFrom, randomOf } from "#test/fuzz/random.ts";

export interface Target {
  readonly name: string;
  /** What is right, to be spoilt. */
  readonly samples: ReadonlyArray<Uint8Array>;
  /** Takes the bytes as somebody else's; its result is only measured. */
  readonly run: (bytes: Uint8Array) => unknown;
}

/** A result that is larger than this and so many times its input was made up by the input. */
const OUTPUT_BYTES_MAX = 64 * 1024;
const OUTPUT_PER_INPUT_MAX = 64;

const problemWith = (target: Target, bytes: Uint8Array): string | undefined => {
  try {
    const outputBytes = serialize(target.run(bytes)).length;
    const byteCountMax = OUTPUT_BYTES_MAX + OUTPUT_PER_INPUT_MAX * bytes.length;
    return outputBytes > byteCountMax ? `its result has ${outputBytes} bytes` : undefined;
  } catch (error) {
    return `it threw ${String(error)}`;
  }
};

/** The first input that a decoder doesn't take, in words; undefined: it took all of them. */
export const fuzz = (target: Target, seed: number, inputCount: number): string | undefined => {
  const random = randomOf(seed);
  for (let input = 0; input < inputCount; input += 1) {
    const bytes = inputFrom(random, target.samples);
    const problem = problemWith(target, bytes);
    if (problem !== undefined) return `${target.name}, input ${toHex(bytes)}: ${problem}`;
  }
  return undefined;
};
