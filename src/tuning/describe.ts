import type { Json } from '../core/json.ts';
import { LAST } from './tune-config.ts';
import type { ObjectiveConfig, TuneConfig } from './tune-config.ts';

/** Name of "name" or `{ name: options }`. */
export function nameOf(choice: string | Readonly<Record<string, unknown>>): string {
  return typeof choice === 'string' ? choice : (Object.keys(choice)[0] ?? '');
}

/** As records and messages call an objective. */
export function objectiveName(objective: ObjectiveConfig): string {
  if ('value' in objective) return objective.value;
  const { metric } = objective;
  if (typeof metric === 'string') return metric;
  const named = Object.values(metric)[0]?.['as'];
  return typeof named === 'string' ? named : nameOf(metric);
}

/** The objectives, one or several. */
export function objectivesOf({ objective }: Pick<TuneConfig, 'objective'>): readonly ObjectiveConfig[] {
  return Array.isArray(objective) ? (objective as readonly ObjectiveConfig[]) : [objective as ObjectiveConfig];
}

/** One line: "accuracy over learningRate, units by tpe, 40 trials". */
export function describeTuning(config: TuneConfig): string {
  const { search, sampler, folds, repeats, final, from, trials, parallel, time, stop } = config;
  const names = Object.keys(search);
  const most = 5;
  const shown = names.length > most ? `${names.slice(0, most).join(', ')} and ${names.length - most} more` : names.join(', ');
  return [
    `${objectivesOf(config).map(objectiveName).join(' and ')} over ${shown} by ${nameOf(sampler)}`,
    `${trials} trials${parallel > 1 ? `, ${parallel} at a time` : ''}`,
    ...(folds === undefined ? [] : [`${folds} folds each`]),
    ...(repeats === undefined || repeats === 1 ? [] : [`${repeats} seeds each`]),
    ...(final === undefined ? [] : [`the best ${final.top} again with ${final.repeats} more`]),
    ...(from === undefined ? [] : [`after ${from === LAST ? 'the last study' : from}`]),
    ...(stop === undefined ? [] : [`stopped by ${nameOf(stop)}`]),
    ...(time === undefined ? [] : [`at most ${time}`]),
  ].join(', ');
}

/** A value of a search for people, short. */
export function valueText(value: Json): string {
  if (typeof value === 'number' && !Number.isInteger(value)) return String(Number(value.toPrecision(4)));
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A point for people: "learningRate 0.0031, units [64,32]". */
export function pointText(point: Readonly<Record<string, Json>>): string {
  return Object.entries(point)
    .map(([name, value]) => `${name} ${valueText(value)}`)
    .join(', ');
}
