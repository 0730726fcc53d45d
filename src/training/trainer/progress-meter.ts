import { performance } from 'node:perf_hooks';

const REPORT_MS = 400;
/** Weight of the newest stretch in the moving speed. */
const NEWEST = 0.3;

/**
 * Speed and time left, from the rows that went through. The first stretch says neither: it holds what is done once, such as the compiling
 * of graphs.
 */
export class ProgressMeter {
  readonly #total: number;
  #rows = 0;
  #since = performance.now();
  #speed: number | undefined;
  #warm = false;

  /** @param total rows of all epochs */
  constructor(total: number) {
    this.#total = total;
  }

  add(rows: number): void {
    this.#rows += rows;
  }

  /**
   * undefined where the last report is too recent, unless this one is the last.
   *
   * @param done rows so far, also before a resume
   * @param last the training is over, by its number of epochs or early
   */
  measure(done: number, last: boolean): { fraction: number; samplesPerSecond: number; secondsLeft?: number } | undefined {
    const elapsed = performance.now() - this.#since;
    if (elapsed < REPORT_MS && !last) return undefined;
    if (elapsed > 0 && this.#rows > 0) {
      const now = (this.#rows * 1_000) / elapsed;
      if (this.#warm || last) this.#speed = this.#speed === undefined ? now : this.#speed + NEWEST * (now - this.#speed);
      this.#warm = true;
    }
    this.#rows = 0;
    this.#since = performance.now();
    const fraction = Math.min(1, done / this.#total);
    if (this.#speed === undefined) return { fraction, samplesPerSecond: 0 };
    return {
      fraction,
      samplesPerSecond: Math.round(this.#speed),
      secondsLeft: last ? 0 : Math.max(0, Math.round((this.#total - done) / this.#speed)),
    };
  }
}
