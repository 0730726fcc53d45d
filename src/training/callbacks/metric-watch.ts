import { PerennialError } from '../../core/errors.ts';
import type { JsonObject, JsonSchema } from '../../core/json.ts';
import type { TrainingFacts } from './callback.ts';
import { number } from '../model/schema-parts.ts';

export interface MonitorConfig {
  readonly monitor: string;
  readonly minDelta: number;
  readonly better: 'auto' | 'lower' | 'higher';
}

export const monitorProperties: Record<string, JsonSchema> = {
  monitor: {
    type: 'string',
    minLength: 1,
    default: 'validationLoss',
    examples: ['accuracy', 'loss'],
    description:
      'The number that is watched: "loss", another number that every epoch reports, "validationLoss", or a metric of the validation rows ("accuracy", "meanAbsoluteError").',
  },
  better: {
    enum: ['auto', 'lower', 'higher'],
    default: 'auto',
    description: 'Which change is an improvement. "auto": higher for accuracy, lower for everything else.',
    examples: ['higher'],
  },
  minDelta: number('A smaller change is no improvement.', 0, 0.001, { minimum: 0 }),
};

const HIGHER = /accuracy$/i;
/** The setting of a train step that watches a number as callbacks do. */
export const BEST = 'checkpoint.best';

/** Follows one number and counts the epochs since it was best. */
export class Monitor {
  best: number | undefined;
  waited = 0;
  readonly #name: string;
  readonly #minDelta: number;
  readonly #sign: 1 | -1;
  readonly #baseline: number | undefined;

  /** @param baseline an improvement counts only beyond it @throws CONFIG_INVALID */
  constructor(watcher: string, config: MonitorConfig, facts: TrainingFacts, baseline?: number) {
    if (!facts.numbers.includes(config.monitor)) {
      throw new PerennialError(
        'CONFIG_INVALID',
        `${watcher === BEST ? `"${BEST}"` : `The callback ${watcher}`} watches "${config.monitor}", but this training has only ${facts.numbers.map((name) => `"${name}"`).join(', ')}.`,
        {
          hint: facts.numbers.includes('validationLoss') ? 'Watch one of these.' : 'Give the validation split some rows, or watch "loss".',
        },
      );
    }
    this.#name = config.monitor;
    this.#minDelta = config.minDelta;
    this.#sign = (config.better === 'auto' ? HIGHER.test(config.monitor) : config.better === 'higher') ? -1 : 1;
    this.#baseline = baseline;
  }

  /** @returns true where the number is the best so far; undefined in an epoch without it */
  see(numbers: Readonly<Record<string, number>>): boolean | undefined {
    const value = numbers[this.#name];
    if (value === undefined) return undefined;
    const improved = this.best === undefined || this.#beats(value, this.best);
    if (improved) this.best = value;
    this.waited = improved && (this.#baseline === undefined || this.#beats(value, this.#baseline)) ? 0 : this.waited + 1;
    return improved;
  }

  #beats(value: number, other: number): boolean {
    return this.#sign * (other - value) > this.#minDelta;
  }

  describe(): string {
    const baseline =
      this.#baseline !== undefined && !this.#beats(this.best ?? Number.NaN, this.#baseline) ? ` (its baseline is ${this.#baseline})` : '';
    return `${this.#name} has not improved on ${this.best?.toPrecision(5)}${baseline} for ${this.waited} epoch${this.waited === 1 ? '' : 's'}`;
  }

  state(): JsonObject {
    return { best: this.best ?? null, waited: this.waited };
  }

  restore(state: JsonObject): void {
    this.best = state.best === null ? undefined : (state.best as number);
    this.waited = state.waited as number;
  }
}
