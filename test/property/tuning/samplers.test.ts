import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '../../../src/core/prng.ts';
import { samplerRegistry } from '../../../src/tuning/samplers/index.generated.ts';
import { drawn, placeOf, placed, stepOf } from '../../../src/tuning/samplers/shared/draw.ts';
import { anySpace, history, outside } from '../../support/spaces.ts';

const points = { points: 3 };

describe.each(samplerRegistry.all())('sampler $name, over any space', (sampler) => {
  const config = sampler.points === undefined ? {} : points;

  test('suggests points of it, the same for the same question', () => {
    fc.assert(
      fc.property(anySpace, fc.integer({ min: 0, max: 24 }), fc.nat(), fc.constantFrom(1, 2), (space, count, seed, objectives) => {
        const past = Array.from({ length: count }, (_, at) => drawn(space, new Prng('past', seed, at)));
        const trials = history(past, objectives);
        const directions = Array.from({ length: objectives }, () => 'minimize' as const);
        const number = Math.min(count, (sampler.points?.(space, config) ?? Infinity) - 1);
        const question = { space, directions, trials, number, seed, config };
        const point = sampler.suggest(question);
        expect(outside(space, point)).toBeUndefined();
        expect(Object.keys(point)).toEqual(Object.keys(space).filter((name) => name in point));
        expect(sampler.suggest(structuredClone(question))).toEqual(point);
      }),
      { numRuns: 60 },
    );
  });
});

test('a grid has every point once, as many as it says', () => {
  const grid = samplerRegistry.get('grid');
  fc.assert(
    fc.property(anySpace, (space) => {
      const count = grid.points!(space, points);
      fc.pre(count <= 400);
      const all = Array.from({ length: count }, (_, number) =>
        JSON.stringify(grid.suggest({ space, directions: ['minimize'], trials: [], number, seed: 1, config: points })),
      );
      expect(new Set(all).size).toBe(count);
    }),
    { numRuns: 60 },
  );
});

test('a value and its place belong together', () => {
  fc.assert(
    fc.property(anySpace, fc.double({ min: 0, max: 1, noNaN: true }), (space, place) => {
      for (const dimension of Object.values(space)) {
        if (dimension.kind === 'choice') continue;
        const value = placed(dimension, place);
        expect(value).toBeGreaterThanOrEqual(dimension.low);
        expect(value).toBeLessThanOrEqual(dimension.high);
        const again = placed(dimension, placeOf(dimension, value));
        if (stepOf(dimension) === undefined) expect(again).toBeCloseTo(value, 8);
        else expect(again).toBe(value);
      }
    }),
  );
});
