import { describe, expect, test } from 'vitest';
import { samplerRegistry } from '../../../src/tuning/samplers/index.generated.ts';
import type { Point, Space } from '../../../src/tuning/space.ts';

const grid = samplerRegistry.get('grid');

function all(space: Space, config: Record<string, unknown> = {}): Point[] {
  return Array.from({ length: grid.points!(space, config as never) }, (_, number) =>
    grid.suggest({ space, directions: ['minimize'], trials: [], number, seed: 1, config: config as never }),
  );
}

describe('grid', () => {
  test('the last dimension changes first; numbers end at the last step below the bound', () => {
    const space: Space = {
      layers: { kind: 'choice', values: [1, 2] },
      dropout: { kind: 'float', low: 0, high: 0.35, scale: 'linear', step: 0.1 },
    };
    expect(all(space)).toEqual([1, 2].flatMap((layers) => [0, 0.1, 0.2, 0.3].map((dropout) => ({ layers, dropout }))));
  });

  test('a dimension takes part where its condition holds, and once where not', () => {
    const space: Space = {
      optimizer: { kind: 'choice', values: ['adam', 'sgd', 'adagrad'] },
      momentum: { kind: 'choice', values: [0, 0.9], when: { dimension: 'optimizer', in: ['sgd'] } },
      nesterov: { kind: 'choice', values: [true, false], when: { dimension: 'momentum', in: [0.9] } },
    };
    expect(all(space)).toEqual([
      { optimizer: 'adam' },
      { optimizer: 'sgd', momentum: 0 },
      { optimizer: 'sgd', momentum: 0.9, nesterov: true },
      { optimizer: 'sgd', momentum: 0.9, nesterov: false },
      { optimizer: 'adagrad' },
    ]);
  });

  test('numbers without a step are spread over their scale', () => {
    const space: Space = {
      rate: { kind: 'float', low: 0.001, high: 1, scale: 'log' },
      units: { kind: 'integer', low: 8, high: 128, scale: 'log' },
    };
    expect(all(space, { points: 4, pointsOf: { units: 3 } }).map(({ rate }) => rate)).toEqual(
      [0.001, 0.01, 0.1, 1].flatMap((rate) => [rate, rate, rate]),
    );
    expect(
      all(space, { points: 2, pointsOf: { units: 3 } })
        .slice(0, 3)
        .map(({ units }) => units),
    ).toEqual([8, 32, 128]);
  });

  test('says why it cannot search a space', () => {
    const space: Space = { rate: { kind: 'float', low: 0, high: 1, scale: 'linear' }, size: { kind: 'choice', values: [1] } };
    expect(grid.refuses!(space, {})).toBe('"rate" is any number from 0 to 1: a grid needs a "step" there, or "points" in its options.');
    expect(grid.refuses!(space, { pointsOf: { rte: 3 } })).toBe(
      '"pointsOf" names "rte", which is no dimension of the space. There is: rate, size.',
    );
    expect(grid.refuses!(space, { pointsOf: { size: 3 } })).toBe(
      '"pointsOf" names "size", which is a choice: it takes every one of its values.',
    );
    expect(grid.refuses!(space, { points: 3 })).toBeUndefined();
  });

  test('a huge one is counted without being listed', () => {
    const space: Space = Object.fromEntries(
      Array.from({ length: 12 }, (_, at) => [`x${String(at)}`, { kind: 'integer', low: 1, high: 10, scale: 'linear' }]),
    );
    expect(grid.points!(space, {})).toBe(1e12);
    expect(
      Object.values(grid.suggest({ space, directions: ['minimize'], trials: [], number: 123_456_789_012, seed: 1, config: {} })),
    ).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3]);
  });
});
