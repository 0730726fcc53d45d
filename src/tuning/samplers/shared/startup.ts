import { Prng } from '../../../core/prng.ts';
import type { Json } from '../../../core/json.ts';
import type { Point, Space } from '../../space.ts';
import type { TrialRecord } from '../../trial.ts';
import { counts, placed } from './draw.ts';

/**
 * Point `number` of the first `count`: a Latin hypercube, so that every dimension is seen all along its scale however few the points.
 *
 * @see M. D. McKay, R. J. Beckman, W. J. Conover: A Comparison of Three Methods for Selecting Values of Input Variables (1979)
 */
export function startupPoint(space: Space, seed: number, number: number, count: number): Point {
  const point: Record<string, Json> = {};
  for (const [name, dimension] of Object.entries(space)) {
    if (!counts(dimension, point)) continue;
    const prng = new Prng('startup', seed, name);
    const order = prng.shuffle(Array.from({ length: count }, (_, at) => at));
    let within = prng.uniform();
    for (let at = 0; at < number; at += 1) within = prng.uniform();
    const place = (order[number]! + within) / count;
    point[name] = dimension.kind === 'choice' ? dimension.values[Math.floor(place * dimension.values.length)]! : placed(dimension, place);
  }
  return point;
}

/** Trials of an earlier study among those that a suggestion is made from. */
export function takenOver(trials: readonly TrialRecord[]): number {
  return trials.filter(({ number }) => number < 0).length;
}
