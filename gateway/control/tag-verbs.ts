/** `tapmesh tag …`: looks at the card that lies on a reader, and writes it. */
import * as E from "fp-ts/lib/Either.js";
import { fromHex, toHex } from "#core/bytes.ts";
import { getDataUid } from "#core/card/apdu.ts";
import { describeCardReadError } from "#core/card/card-read-error.ts";
import { type CardWriteError, describeCardWriteError } from "#core/card/card-write-error.ts";
import { decodeNdef } from "#core/card/ndef.ts";
import { type CardInspected, inspectCard } from "#core/card/inspect-card.ts";
import { isOriginal } from "#core/card/originality.ts";
import type { Technology } from "#core/card/sighting.ts";
import { uidUnfitFor } from "#core/card/uid.ts";
import { uidViews } from "#core/card/uid-views.ts";
import { carriedBy } from "#core/carried/carried-by.ts";
import { broughtViews } from "#gateway/queries/brought.ts";
import { identityOf } from "#core/verdict/tap-identity.ts";
import { writeCard } from "#core/card/write-card.ts";
import { describeMessage } from "#gateway/control/message-content.ts";
import type { ControlError, ControlRequest, RequestOf } from "#gateway/control/protocol.ts";
import type { CarriedView, TagView, TagWritten } from "#gateway/control/tag-views.ts";
import { describeCarriedError, describeUnfit, refusal } from "#gateway/control/refusal.ts";
import type { Gateway } from "#gateway/gateway.ts";
import { phoneNonce, verifyP256 } from "#gateway/node-crypto.ts";
import type { ReaderEvent } from "#gateway/ports.ts";
import { readerOf } from "#gateway/reader/card-flows.ts";

/** A person walks to the reader in that time. */
const WAIT_MAX_MS = 120_000;
const NO_ANSWER = new Uint8Array();

type Answer<A> = Promise<E.Either<ControlError, A>>;

type TagRequest = RequestOf<"tag-info" | "tag-write">;

export const isTagRequest = (request: ControlRequest): request is TagRequest =>
  request.verb === "tag-info" || request.verb === "tag-write";

/** What comes to lie on the reader by this event. */
const arriving = (event: ReaderEvent): Technology | undefined => {
  if (event._tag === "CardArrived") return event.sighting.technology;
  return event._tag === "CardUnread" ? event.technology : undefined;
};

/** What these verbs need of a gateway. */
export interface TagGateway {
  readonly readers: Pick<Gateway["readers"], "lying" | "exchange"> & {
    readonly status: () => ReadonlyArray<{ readonly id: string; readonly up: boolean }>;
  };
  readonly config: Pick<Gateway["config"], "gateway">;
  readonly material: Pick<Gateway["material"], "cardHmac">;
  readonly memory: { readonly index: Pick<Gateway["memory"]["index"], "enrolled"> };
  readonly cardFlows: Gateway["cardFlows"];
  readonly carried: Pick<Gateway["carried"], "open" | "enrolled">;
  readonly watch: Gateway["watch"];
}

export class TagsAtReaders {
  readonly #gateway: TagGateway;
  /** Who waits for a card at a reader is not to be kept waiting by another. */
  readonly #busy = new Set<string>();

  constructor(gateway: TagGateway) {
    this.#gateway = gateway;
  }

  run(request: TagRequest): Promise<E.Either<ControlError, TagView | TagWritten>> {
    return request.verb === "tag-info" ? this.#info(request) : this.#write(request);
  }

  async #info({ reader: wanted, waitMs }: RequestOf<"tag-info">): Answer<TagView> {
    const challenge = {
      gateway: this.#gateway.config.gateway,
      nonce: phoneNonce(),
    };
    const found = await this.#atCard(wanted, waitMs, async (reader, technology) => ({
      reader,
      outcome: await this.#gateway.cardFlows.perform(reader, inspectCard(technology, challenge)),
    }));
    if (E.isLeft(found)) return found;
    const { reader, outcome } = found.right;
    return E.isLeft(outcome)
      ? refusal("tag-unread", describeCardReadError(outcome.left))
      : E.right(this.#view(reader, outcome.right));
  }

  async #write(request: RequestOf<"tag-write">): Answer<TagWritten> {
    const message = fromHex(request.message) ?? NO_ANSWER;
    if (message.length > 0 && E.isLeft(decodeNdef(message))) {
      return refusal("message-malformed", "this is no whole NDEF message");
    }
    const wish = { message, force: request.force };
    const found = await this.#atCard(
      request.reader,
      request.waitMs,
      async (reader, technology) => ({
        reader,
        outcome: await this.#gateway.cardFlows.perform(reader, writeCard(technology, wish)),
      }),
    );
    if (E.isLeft(found)) return found;
    const { reader, outcome } = found.right;
    if (E.isLeft(outcome))
      return refusal(codeOf(outcome.left), describeCardWriteError(outcome.left));
    const { uid, writeCount } = outcome.right;
    return E.right({ reader, uid, changed: writeCount > 0, content: describeMessage(message) });
  }

  #view(reader: string, card: CardInspected): TagView {
    const { uid, technology, chip, counter, signature, ndef, unreadable } = card;
    const { gateway } = this.#gateway.config;
    const { cardHmac } = this.#gateway.material;
    const identity = identityOf({ gateway, cardHmac, verifyP256 }, card);
    const { phone } = identity;
    const unfit = phone === "proven" ? undefined : uidUnfitFor(uid);
    return {
      reader,
      technology,
      chip,
      uid,
      views: uidViews(uid),
      phone,
      unfit: unfit === undefined ? null : describeUnfit(unfit),
      device: this.#deviceOf(identity.card),
      counter,
      original: signature === null ? null : isOriginal(uid, signature),
      content: ndef === null ? null : describeMessage(ndef),
      carried: this.#carriedView(identity.card, carriedBy(card, phone)),
      unreadable: unreadable === null ? null : describeCardReadError(unreadable),
    };
  }

  #carriedView(card: Uint8Array, bytes: Uint8Array | null): CarriedView | null {
    if (bytes === null) return null;
    const opened = this.#gateway.carried.open(card, bytes);
    if (E.isLeft(opened)) return { refused: describeCarriedError(opened.left) };
    const { state, by } = opened.right;
    const { device, statedMs } = state;
    const values = broughtViews(state.entries.map((entry) => ({ ...entry, by, statedMs })));
    return { device, gateway: by.name, statedMs, values };
  }

  #deviceOf(card: Uint8Array): string | null {
    const { memory, carried } = this.#gateway;
    return carried.enrolled(toHex(card), memory.index.enrolled(toHex(card)))?.device ?? null;
  }

  /** The reader that is meant, once a card lies on it; `work` is done while nobody else works there. */
  async #atCard<A>(
    wanted: string | null,
    waitMs: number,
    work: (reader: string, technology: Technology) => Promise<A>,
  ): Answer<A> {
    const chosen = this.#choose(wanted);
    if (E.isLeft(chosen)) return chosen;
    const reader = chosen.right;
    if (this.#busy.has(reader)) {
      return refusal("reader-busy", `another "tapmesh tag" is at ${reader}: wait until it is done`);
    }
    this.#busy.add(reader);
    try {
      // Behind what a tap has left to do at its card, which is soon done.
      return await this.#gateway.cardFlows.alone(reader, () => this.#workAt(reader, waitMs, work));
    } finally {
      this.#busy.delete(reader);
    }
  }

  async #workAt<A>(
    reader: string,
    waitMs: number,
    work: (reader: string, technology: Technology) => Promise<A>,
  ): Answer<A> {
    const over = new AbortController();
    try {
      // Listening before it asks: a card may come while one that is gone is asked for.
      const arrival = this.#arrival(reader, waitMs, over.signal);
      const technology = (await this.#lying(reader)) ?? (await arrival);
      if (technology !== undefined) return E.right(await work(reader, technology));
      return refusal(
        "no-tag",
        `no tag was held to ${reader}; hold it there and leave it, then try again`,
      );
    } finally {
      over.abort();
    }
  }

  #choose(wanted: string | null): E.Either<ControlError, string> {
    const all = this.#gateway.readers.status();
    const ids = all.map(({ id }) => id);
    if (wanted !== null && !ids.includes(wanted)) {
      return refusal(
        "reader-unknown",
        `no reader is called "${wanted}"; there is ${ids.join(", ")}`,
      );
    }
    const up = all.filter(({ id, up: isUp }) => isUp && (wanted === null || id === wanted));
    const [first] = up;
    if (first !== undefined && up.length === 1) return E.right(first.id);
    if (wanted !== null || up.length === 0) {
      return refusal("reader-down", 'the reader is down: "tapmesh reader list" says why');
    }
    const names = up.map(({ id }) => id).join(", ");
    return refusal("reader-needed", `which reader? name one with --reader: ${names}`);
  }

  /** A card that could not be read may be gone without a word, so it is asked. */
  async #lying(reader: string): Promise<Technology | undefined> {
    const technology = this.#gateway.readers.lying(reader);
    if (technology === undefined) return undefined;
    const answer = await this.#gateway.readers.exchange(reader, getDataUid());
    return answer.length === 0 ? undefined : technology;
  }

  /** The next card at this reader; undefined: none came in time. Listens from now on, until the signal. */
  #arrival(reader: string, waitMs: number, over: AbortSignal): Promise<Technology | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), Math.min(waitMs, WAIT_MAX_MS));
      timer.unref(); // whoever stops the gateway does not wait for a card
      const stop = this.#gateway.watch((event) => {
        if (event._tag !== "ReaderChanged" || readerOf(event.event) !== reader) return;
        const technology = arriving(event.event);
        if (technology !== undefined) resolve(technology);
      });
      over.addEventListener("abort", () => {
        clearTimeout(timer);
        stop();
      });
    });
  }
}

const codeOf = (error: CardWriteError): string => {
  switch (error._tag) {
    case "MessageTooLarge":
      return "message-too-large";
    case "NotInOneStroke":
      return "not-in-one-stroke";
    case "LayoutUnknown":
      return "tag-layout-unknown";
    case "NotRead":
      return "tag-unread";
    case "NotForNdef":
      return "tag-not-for-ndef";
    case "WriteProtected":
      return "tag-write-protected";
    case "NotWritten":
      return "tag-not-written";
    case "ReadBackDiffers":
      return "tag-reads-otherwise";
  }
};
