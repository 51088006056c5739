/** What a reader adaptor said, in order, and waiting for what it says next. */
import type { ReaderEvent } from "#gateway/ports.ts";

type Tag = ReaderEvent["_tag"];
type EventOf<T extends Tag> = Extract<ReaderEvent, { _tag: T }>;

const isTagged =
  <T extends Tag>(tag: T) =>
  (event: ReaderEvent): event is EventOf<T> =>
    event._tag === tag;

/** Generous for a machine at work on other things; the bounds that matter are asserted by themselves. */
const TIMEOUT_MS = 20_000;

export class EventLog {
  readonly events: ReaderEvent[] = [];
  #read = 0;
  #wake: (() => void) | undefined;

  readonly onEvent = (event: ReaderEvent): void => {
    this.events.push(event);
    this.#wake?.();
  };

  /** The next event of this kind after the one returned last; what lies between is skipped. */
  async next<T extends Tag>(tag: T): Promise<EventOf<T>> {
    const deadlineMs = performance.now() + TIMEOUT_MS;
    for (;;) {
      const rest = this.events.slice(this.#read);
      const found = rest.find(isTagged(tag));
      if (found !== undefined) {
        this.#read += rest.indexOf(found) + 1;
        return found;
      }
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) throw new Error(`no ${tag} came; seen: ${JSON.stringify(this.events)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  all<T extends Tag>(tag: T): ReadonlyArray<EventOf<T>> {
    return this.events.filter(isTagged(tag));
  }

  tags(): ReadonlyArray<Tag> {
    return this.events.map(({ _tag }) => _tag);
  }

  /** Without `CardReading`, which comes again where a card is read again. */
  outcomes(): ReadonlyArray<Tag> {
    return this.tags().filter((tag) => tag !== "CardReading");
  }
}
