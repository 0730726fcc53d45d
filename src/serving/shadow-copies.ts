import { SERVING_LIMITS } from './limits.ts';

/**
 * Work that live requests must not feel: one piece at a time, for a bounded part of the time, and what would wait too long is not done.
 */
export class ShadowCopies {
  readonly #waiting: (() => Promise<void>)[] = [];
  #running = false;
  #stopped = false;

  /** @param work never rejects @returns false: it is not done */
  add(work: () => Promise<void>): boolean {
    if (this.#stopped || this.#waiting.length >= SERVING_LIMITS.shadowsWaitingMax) return false;
    this.#waiting.push(work);
    if (!this.#running) void this.#run();
    return true;
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.length = 0;
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
      // Behind the answer that was just made.
      await new Promise((resolve) => setImmediate(resolve));
      const started = performance.now();
      await work();
      const took = performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, took * (1 / SERVING_LIMITS.shadowTimeShare - 1)).unref());
    }
    this.#running = false;
  }
}
