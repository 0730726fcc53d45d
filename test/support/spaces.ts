import fc from 'fast-check';
import { counts, onGrid, stepOf, valuesOf } from '../../src/tuning/samplers/shared/draw.ts';
import type { Dimension, Point, Space } from '../../src/tuning/space.ts';
import type { TrialRecord } from '../../src/tuning/trial.ts';

/** Every kind of dimension, and one that counts where a choice took some values, and one below that. */
export const MIXED: Space = {
  layers: { kind: 'integer', low: 1, high: 5, scale: 'linear' },
  units: { kind: 'integer', low: 8, high: 512, scale: 'log' },
  optimizer: { kind: 'choice', values: ['adam', { sgd: { nesterov: true } }, null] },
  rate: { kind: 'float', low: 1e-5, high: 1, scale: 'log' },
  momentum: {
    kind: 'float',
    low: 0,
    high: 0.9,
    scale: 'linear',
    step: 0.1,
    when: { dimension: 'optimizer', in: [{ sgd: { nesterov: true } }] },
  },
  warmup: { kind: 'choice', values: [true, false], when: { dimension: 'optimizer', in: ['adam', null] } },
  warmupEpochs: { kind: 'integer', low: 1, high: 9, scale: 'linear', step: 4, when: { dimension: 'warmup', in: [true] } },
};

/** Why a point is none of the space; undefined: it is one. */
export function outside(space: Space, point: Point): string | undefined {
  for (const [name, dimension] of Object.entries(space)) {
    const value = point[name];
    if (!counts(dimension, point)) {
      if (value !== undefined) return `${name} does not count`;
    } else if (value === undefined) return `${name} is missing`;
    else if (!within(dimension, value)) return `${name} is ${JSON.stringify(value)}`;
  }
  const unknown = Object.keys(point).find((name) => !(name in space));
  return unknown === undefined ? undefined : `${unknown} is no dimension`;
}

function within(dimension: Dimension, value: unknown): boolean {
  if (dimension.kind === 'choice') return dimension.values.some((each) => JSON.stringify(each) === JSON.stringify(value));
  if (typeof value !== 'number' || value < dimension.low || value > dimension.high) return false;
  const step = stepOf(dimension);
  if (step === undefined) return true;
  const index = Math.round((value - dimension.low) / step);
  return index < valuesOf(dimension) && onGrid(dimension, index) === value;
}

const numbers = (when: Dimension['when']): fc.Arbitrary<Dimension> =>
  fc
    .record({
      kind: fc.constantFrom('float' as const, 'integer' as const),
      scale: fc.constantFrom('linear' as const, 'log' as const),
      low: fc.integer({ min: -50, max: 50 }),
      width: fc.integer({ min: 0, max: 1_000 }),
      step: fc.option(fc.integer({ min: 1, max: 7 }), { nil: undefined }),
    })
    .map(({ kind, scale, low, width, step }) => {
      const from = scale === 'log' ? Math.abs(low) + 1 : low;
      return {
        kind,
        scale,
        low: from,
        high: from + width,
        ...(step === undefined ? {} : { step }),
        ...(when === undefined ? {} : { when }),
      };
    });

const choices = (when: Dimension['when']): fc.Arbitrary<Dimension & { kind: 'choice' }> =>
  fc
    .uniqueArray(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom('a', 'b'), fc.constant(null)), { minLength: 1, maxLength: 5 })
    .map((values) => ({ kind: 'choice', values, ...(when === undefined ? {} : { when }) }));

/** Some dimensions that always count, and some that hang on a choice, or on one that does. */
export const anySpace: fc.Arbitrary<Space> = fc
  .record({ always: fc.array(numbers(undefined), { maxLength: 3 }), root: choices(undefined), pick: fc.nat(), other: fc.nat() })
  .chain(({ always, root, pick, other }) => {
    const below = { dimension: 'root', in: [root.values[pick % root.values.length]!] };
    return fc.record({ numbers: fc.array(numbers(below), { maxLength: 2 }), choice: choices(below) }).chain(({ numbers: some, choice }) =>
      numbers({ dimension: 'choice', in: [choice.values[other % choice.values.length]!] }).map((deep) => ({
        ...Object.fromEntries(always.map((dimension, at) => [`always${String(at)}`, dimension])),
        root,
        ...Object.fromEntries(some.map((dimension, at) => [`some${String(at)}`, dimension])),
        choice,
        deep,
      })),
    );
  });

/** Trials as a study leaves them: most completed, some ended early, failed, or running still. */
export function history(points: readonly Point[], objectives: number): TrialRecord[] {
  return points.map((point, number) => {
    const value = Math.sin(number * 12.9898) * 10;
    const readings = [1, 2, 3].map((epoch) => ({ epoch, value: value / epoch }));
    if (number % 7 === 3) return { number, point, state: 'failed', readings: [] };
    if (number % 7 === 5) return { number, point, state: 'stopped', readings };
    if (number >= points.length - 2 && points.length > 3) return { number, point, state: 'running', readings: readings.slice(0, 1) };
    return {
      number,
      point,
      state: 'completed',
      values: Array.from({ length: objectives }, (_, at) => value * (at % 2 === 0 ? 1 : -1) + at),
      readings,
    };
  });
}
