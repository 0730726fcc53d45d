import { integerOption } from '../../options.ts';
import { valueAt } from './rungs.ts';
import type { JsonSchema } from '../../../core/json.ts';
import type { StopperQuestion } from '../stopper.ts';

export interface PercentileConfig {
  readonly startup?: number;
  readonly warmup?: number;
  readonly interval?: number;
}

const STARTUP = 5;

export const percentileProperties: Readonly<Record<string, JsonSchema>> = {
  startup: integerOption('Completed trials before which none is ended.', 1, STARTUP),
  warmup: integerOption('Epochs of a trial before which it is not ended.', 0, 0),
  interval: integerOption('Epochs between two comparisons.', 1, 1),
};

export function percentileAsksAt(epochs: number, { warmup = 0, interval = 1 }: PercentileConfig): number[] {
  const found: number[] = [];
  for (let epoch = Math.max(1, warmup); epoch < epochs; epoch += interval) found.push(epoch);
  return found;
}

/** Is the best of a trial so far worse than that value of the completed ones at the same epoch which `percent` of them reach? */
export function belowPercentile({ direction, others, trial, config }: StopperQuestion<PercentileConfig>, percent: number): boolean {
  const completed = others.filter(({ state }) => state === 'completed');
  const epoch = trial.readings.at(-1)?.epoch;
  if (epoch === undefined || completed.length < (config.startup ?? STARTUP)) return false;
  const sign = direction === 'minimize' ? 1 : -1;
  const own = trial.readings.map(({ value }) => value * sign).filter((value) => !Number.isNaN(value));
  if (own.length === 0) return true;
  const there = completed
    .flatMap((other) => valueAt(other, epoch) ?? [])
    .map((value) => value * sign)
    .filter((value) => !Number.isNaN(value))
    .sort((a, b) => a - b);
  if (there.length === 0) return false;
  const place = (percent / 100) * (there.length - 1);
  const below = there[Math.floor(place)]!;
  const above = there[Math.ceil(place)]!;
  return Math.min(...own) > (above === below ? below : below + (place % 1) * (above - below));
}
