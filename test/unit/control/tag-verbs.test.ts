/** What happens to a tag command when something else happens at its reader. */
import * as E from "fp-ts/lib/Either.js";
import { expect, test } from "vitest";
import { toHex } from "#core/bytes.ts";
import type { ControlError } from "#gateway/control/protocol.ts";
import { type TagGateway, TagsAtReaders } from "#gateway/control/tag-verbs.ts";
import type { GatewayEvent } from "#gateway/gateway.ts";
import type { ReaderEvent } from "#gateway/ports.ts";
import { CardFlows } from "#gateway/reader/card-flows.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";
import { inPcscReader } from "#gateway/reader/emulated/in-pcsc-reader.ts";
import { emulatedNtag215 } from "#gateway/reader/emulated/type2-models.ts";
import { nothingCarried } from "#test/gateway/nothing-carried.ts";

/** One reader, at which cards are laid; the second card comes at the exchange of that number. */
class Bench implements TagGateway {
  readonly #listeners = new Set<(event: GatewayEvent) => void>();
  readonly #next: { readonly card: EmulatedCard; readonly at: number } | undefined;
  #held: ReturnType<typeof inPcscReader>;
  exchangeCount = 0;

  constructor(card: EmulatedCard, next?: { readonly card: EmulatedCard; readonly at: number }) {
    this.#held = inPcscReader(card);
    this.#next = next;
  }

  readonly config = { gateway: "lobby" };
  readonly material = { cardHmac: (): Uint8Array => new Uint8Array(16) };
  readonly memory = { index: { enrolled: (): undefined => undefined } };
  readonly readers: TagGateway["readers"] = {
    status: () => [{ id: "desk", up: true }],
    lying: () => "type2",
    exchange: (_reader, apdu) => {
      this.exchangeCount += 1;
      const response = this.#held.transmit(apdu);
      if (this.exchangeCount === this.#next?.at) {
        this.#held = inPcscReader(this.#next.card);
        this.#tell({ _tag: "CardLeft", reader: "desk", monoMs: 1 });
      }
      return Promise.resolve(response);
    },
  };

  readonly carried = nothingCarried();
  readonly cardFlows = new CardFlows(this.readers);

  watch = (listener: (event: GatewayEvent) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Told of as a card that could not be read. */
  arrive(): void {
    const error = { _tag: "CardGone", command: "READ page" } as const;
    this.#tell({ _tag: "CardUnread", reader: "desk", technology: "type2", error });
  }

  #tell(event: ReaderEvent): void {
    this.cardFlows.onReaderEvent(event);
    for (const listener of this.#listeners) listener({ _tag: "ReaderChanged", event });
  }
}

const WRITE = {
  verb: "tag-write",
  reader: "desk",
  waitMs: 0,
  message: "d10104550478797a",
  force: false,
} as const;

const memoryOf = (card: EmulatedCard): string =>
  toHex(card.exchange(Uint8Array.of(0x30, 4)) ?? new Uint8Array());
const codeOf = (answer: E.Either<ControlError, unknown>): string =>
  E.isLeft(answer) ? answer.left.code : "done";

test("a command that began with one card never reaches the next", async () => {
  const untouched = emulatedNtag215({ uid: Uint8Array.of(4, 1, 2, 3, 4, 5, 6) });
  const before = memoryOf(untouched);
  const whole = new Bench(emulatedNtag215({}));
  expect(codeOf(await new TagsAtReaders(whole).run(WRITE))).toBe("done");
  // The first exchange only asks whether the card still lies there.
  for (let at = 2; at < whole.exchangeCount; at += 1) {
    const bench = new Bench(emulatedNtag215({}), { card: untouched, at });
    const answer = await new TagsAtReaders(bench).run(WRITE);
    expect(codeOf(answer)).toMatch(/^tag-(?:unread|not-written)$/);
    expect(bench.exchangeCount).toBe(at);
    expect(memoryOf(untouched)).toBe(before);
  }
});

test("a card that comes while one that is gone is asked for is met", async () => {
  const bench = new Bench(emulatedNtag215({}));
  const readers = bench.readers;
  const gone: TagGateway = {
    config: bench.config,
    material: bench.material,
    memory: bench.memory,
    watch: bench.watch,
    cardFlows: bench.cardFlows,
    carried: bench.carried,
    readers: {
      ...readers,
      exchange: (reader, apdu) => {
        if (bench.exchangeCount > 0) return readers.exchange(reader, apdu);
        bench.exchangeCount += 1;
        bench.arrive();
        return Promise.resolve(new Uint8Array());
      },
    },
  };
  expect(codeOf(await new TagsAtReaders(gone).run({ ...WRITE, waitMs: 60_000 }))).toBe("done");
});

test("two commands at one reader don't get in each other's way", async () => {
  const tags = new TagsAtReaders(new Bench(emulatedNtag215({})));
  const answers = await Promise.all([tags.run(WRITE), tags.run(WRITE)]);
  expect(answers.map(codeOf)).toEqual(["done", "reader-busy"]);
  expect(codeOf(await tags.run(WRITE))).toBe("done");
});

test("bytes that are no message are not written", async () => {
  const bench = new Bench(emulatedNtag215({}));
  const answer = await new TagsAtReaders(bench).run({ ...WRITE, message: "d1" });
  expect(codeOf(answer)).toBe("message-malformed");
  expect(bench.exchangeCount).toBe(0);
});
