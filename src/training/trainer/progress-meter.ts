import { performance } from 'node:perf_hooks';

const REPORT_MS = 400;
/** Weight of the newest stretch in the moving speed. */
const NEWEST = 0.3;

/** Speed and time left, from the rows that went through. */
export class ProgressMeter {
  readonly #total: number;
  #rows = 0;
  #since = performance.now();
  #speed: number | undefined;

  /** @param total rows of all epochs */
  constructor(total: number) {
    this.#total = total;
  }

  add(rows: number): void {
    this.#rows += rows;
  }

  /** undefined where the last report is too recent. @param done rows so far, also before a resume */
  measure(done: number, always: boolean): { fraction: number; samplesPerSecond: number; secondsLeft: number } | undefined {
    const elapsed = performance.now() - this.#since;
    if (elapsed < REPORT_MS && !(always && done >= this.#total)) return undefined;
    if (elapsed > 0 && this.#rows > 0) {
      const now = (this.#rows * 1_000) / elapsed;
      this.#speed = this.#speed === undefined ? now : this.#speed + NEWEST * (now - this.#speed);
    }
    this.#rows = 0;
    this.#since = performance.now();
    const speed = this.#speed ?? 0;
    return { fraction: Math.min(1, done / this.#total), samplesPerSecond: Math.round(speed), secondsLeft: speed > 0 ? Math.round((this.#total - done) / speed) : 0 };
  }
}
