import { PerennialError } from '../core/errors.ts';
import type { JsonObject, JsonSchema } from '../core/json.ts';
import type { TrainingFacts } from './callback.ts';
import { number } from './schema-parts.ts';

export interface MonitorConfig {
  readonly monitor: string;
  readonly minDelta: number;
}

export const MONITORED = ['validationLoss', 'loss', 'accuracy', 'meanAbsoluteError'] as const;

export const monitorProperties: Record<string, JsonSchema> = {
  monitor: { enum: MONITORED, default: 'validationLoss', description: 'The number that is watched; accuracy and meanAbsoluteError are those of the validation rows.', examples: ['accuracy'] },
  minDelta: number('A smaller change is no improvement.', 0, 0.001, { minimum: 0 }),
};

/** Follows one number and counts the epochs since it was best. Accuracy is better when higher, everything else when lower. */
export class Monitor {
  best: number | undefined;
  waited = 0;
  readonly #name: string;
  readonly #minDelta: number;
  readonly #sign: 1 | -1;

  /** @throws CONFIG_INVALID */
  constructor(callback: string, config: MonitorConfig, facts: TrainingFacts) {
    if (!facts.numbers.includes(config.monitor)) {
      throw new PerennialError('CONFIG_INVALID', `The callback ${callback} watches "${config.monitor}", but this training has only ${facts.numbers.map((name) => `"${name}"`).join(', ')}.`, {
        hint: facts.numbers.includes('validationLoss') ? 'Watch one of these.' : 'Give the validation split some rows, or watch "loss".',
      });
    }
    this.#name = config.monitor;
    this.#minDelta = config.minDelta;
    this.#sign = config.monitor === 'accuracy' ? -1 : 1;
  }

  /** @returns true where the number is the best so far; undefined in an epoch without it */
  see(numbers: Readonly<Record<string, number>>): boolean | undefined {
    const value = numbers[this.#name];
    if (value === undefined) return undefined;
    const improved = this.best === undefined || this.#sign * (this.best - value) > this.#minDelta;
    if (improved) this.best = value;
    this.waited = improved ? 0 : this.waited + 1;
    return improved;
  }

  describe(): string {
    return `${this.#name} has not improved on ${this.best?.toPrecision(5)} for ${this.waited} epoch${this.waited === 1 ? '' : 's'}`;
  }

  state(): JsonObject {
    return { best: this.best ?? null, waited: this.waited };
  }

  restore(state: JsonObject): void {
    this.best = state.best === null ? undefined : (state.best as number);
    this.waited = state.waited as number;
  }
}
