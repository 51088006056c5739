/** Cards in the RF field of the fake PN532: which are awake, which is selected, and what they answer. */
import { toHex } from "#core/bytes.ts";
import type { EmulatedCard } from "#gateway/reader/emulated/emulated-card.ts";

/** May be changed while the card lies there. */
export interface Handling {
  /** Each answer comes so late. */
  delayMs?: number;
  /** The card is pulled away instead of answering the command after so many. */
  pullAfterCommandCount?: number;
}

/** Only an idle card answers a list; it is idle again after the field was off. */
type CardState = "unpowered" | "idle" | "listed";

interface CardInField {
  readonly card: EmulatedCard;
  readonly handling: Handling;
  state: CardState;
  commandCount: number;
}

/** A card's answer, and how late it comes. */
export interface FieldAnswer {
  /** Null: none, or a NAK. */
  readonly data: Uint8Array | null;
  readonly delayMs: number;
}

const SILENCE: FieldAnswer = { data: null, delayMs: 0 };

export class FakeField {
  readonly #cards: CardInField[] = [];
  /** How long the field was off, each time that it went on again. */
  readonly darkMs: number[] = [];
  #isOn = false;
  #darkSinceMs: number | undefined;
  /** By target number, from 1. */
  #targets: CardInField[] = [];
  #selected: CardInField | undefined;

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Of all cards that lie there. */
  get uids(): ReadonlyArray<string> {
    return this.#cards.map(({ card }) => toHex(card.uid).toUpperCase());
  }

  hold(card: EmulatedCard, handling: Handling): void {
    this.#cards.push({ card, handling, state: "unpowered", commandCount: 0 });
    if (this.#isOn) this.#power();
  }

  take(card?: EmulatedCard): void {
    const gone = this.#cards.filter((held) => card === undefined || held.card === card);
    for (const held of gone) this.#cards.splice(this.#cards.indexOf(held), 1);
  }

  switch(isOn: boolean): void {
    if (!isOn) this.#darkSinceMs ??= performance.now();
    else if (this.#darkSinceMs !== undefined) {
      this.darkMs.push(performance.now() - this.#darkSinceMs);
      this.#darkSinceMs = undefined;
    }
    this.#isOn = isOn;
    if (isOn) this.#power();
    else {
      for (const held of this.#cards) held.state = "unpowered";
      this.release();
    }
  }

  #power(): void {
    for (const held of this.#cards) {
      if (held.state !== "unpowered") continue;
      held.card.enterField();
      held.state = "idle";
    }
  }

  /** Idle cards, at most two. Each but the last is halted while the next is looked for. */
  list(): ReadonlyArray<EmulatedCard> {
    this.release();
    this.#targets = this.#cards.filter(({ state }) => state === "idle").slice(0, 2);
    for (const held of this.#targets) held.state = "listed";
    return this.#targets.map(({ card }) => card);
  }

  release(): void {
    this.#targets = [];
    this.#selected = undefined;
  }

  /** Whether there is such a target, and it still lies there. */
  select(target: number): boolean {
    const held = this.#targets[target - 1];
    this.#selected = held !== undefined && this.#lies(held) ? held : undefined;
    return this.#selected !== undefined;
  }

  get selectedCard(): EmulatedCard | undefined {
    return this.#selected !== undefined && this.#lies(this.#selected)
      ? this.#selected.card
      : undefined;
  }

  #lies(held: CardInField): boolean {
    return held.state === "listed" && this.#cards.includes(held);
  }

  /** A command to the selected card. */
  exchange(command: Uint8Array): FieldAnswer {
    const held = this.#selected;
    if (held === undefined || !this.#lies(held)) return SILENCE;
    if (held.commandCount === held.handling.pullAfterCommandCount) {
      this.take(held.card);
      return SILENCE;
    }
    held.commandCount += 1;
    return { data: held.card.exchange(command), delayMs: held.handling.delayMs ?? 0 };
  }
}
