import type { StepContext } from '../../core/step.ts';

/** Whoever may end the training early is told of its epochs one after the other. */
export class EpochJudge {
  readonly #ctx: Pick<StepContext, 'epoch'>;
  #asked: Promise<void> = Promise.resolve();
  #verdict: { readonly error: unknown } | undefined;

  constructor(ctx: Pick<StepContext, 'epoch'>) {
    this.#ctx = ctx;
  }

  /** The training was ended. */
  get ended(): boolean {
    return this.#verdict !== undefined;
  }

  tell(numbers: Readonly<Record<string, number>>, stop: () => void): void {
    if (this.#ctx.epoch === undefined) return;
    this.#asked = this.#asked
      .then(() => (this.#verdict === undefined ? this.#ctx.epoch!(numbers) : undefined))
      .catch((error: unknown) => {
        this.#verdict ??= { error };
        stop();
      });
  }

  /** Waits for every answer. @returns what ended the training, also where it was over by then */
  async settle(): Promise<{ readonly error: unknown } | undefined> {
    await this.#asked;
    return this.#verdict;
  }
}
