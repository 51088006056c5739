/** Questions to the child that wait for their answer, each no longer than its time. */

export class Requests<A> {
  readonly #timeoutMs: number;
  readonly #unanswered: A;
  readonly #waiting = new Map<number, (answer: A) => void>();
  #last = 0;

  /** `unanswered` is the answer where none comes in time. */
  constructor(timeoutMs: number, unanswered: A) {
    this.#timeoutMs = timeoutMs;
    this.#unanswered = unanswered;
  }

  ask(send: (request: number) => void): Promise<A> {
    this.#last += 1;
    const request = this.#last;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.answer(request, this.#unanswered), this.#timeoutMs);
      this.#waiting.set(request, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      send(request);
    });
  }

  answer(request: number, answer: A): void {
    this.#waiting.get(request)?.(answer);
    this.#waiting.delete(request);
  }

  /** Whoever is asked is gone. */
  giveUp(): void {
    for (const request of this.#waiting.keys()) this.answer(request, this.#unanswered);
  }
}
