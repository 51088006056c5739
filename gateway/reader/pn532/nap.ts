/** A pause that can be ended early. */
export class Nap {
  #end: (() => void) | undefined;

  async for(durationMs: number): Promise<void> {
    if (durationMs <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, durationMs);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#end = undefined;
  }

  /** Nothing where nobody rests. */
  wake(): void {
    this.#end?.();
  }
}
