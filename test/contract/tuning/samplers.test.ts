import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { samplerRegistry } from '../../../src/tuning/samplers/index.generated.ts';
import type { SamplerDefinition } from '../../../src/tuning/samplers/sampler.ts';
import type { Point, Space } from '../../../src/tuning/space.ts';
import type { TrialRecord } from '../../../src/tuning/trial.ts';
import { MIXED, history, outside } from '../../support/spaces.ts';

const ONE_VALUE: Space = {
  only: { kind: 'choice', values: ['this'] },
  fixed: { kind: 'integer', low: 3, high: 3, scale: 'linear' },
  point: { kind: 'float', low: 0.5, high: 0.5, scale: 'log' },
};
const config = { points: 3 };

/** As a study does it, one trial after the other; options only for those that need them. */
function study(sampler: SamplerDefinition, space: Space, count: number, objectives = 1): Point[] {
  const points: Point[] = [];
  const most = sampler.points?.(space, config) ?? Infinity;
  for (let number = 0; number < Math.min(count, most); number += 1)
    points.push(ask(sampler, space, history(points, objectives), number, objectives));
  return points;
}

function ask(sampler: SamplerDefinition, space: Space, trials: readonly TrialRecord[], number: number, objectives = 1, seed = 1): Point {
  const directions = Array.from({ length: objectives }, (_, at) => (at % 2 === 0 ? ('minimize' as const) : ('maximize' as const)));
  return sampler.suggest({ space, directions, trials, number, seed, config: sampler.points === undefined ? {} : config });
}

describe.each(samplerRegistry.all())('sampler $name', (sampler) => {
  it('says what it is, and where the definition comes from', () => {
    expect(sampler.name).toMatch(/^[a-z][A-Za-z0-9]*$/);
    expect(sampler.summary).toMatch(/^[A-Z].*\.$/);
    expect(sampler.reference).toMatch(/^https:\/\//);
    expect(Object.isFrozen(sampler)).toBe(true);
  });

  it('has a closed schema whose options are described', () => {
    const schema = sampler.configSchema as { properties: Record<string, { description?: string }> };
    const validate = new Ajv({ strict: true }).compile(schema);
    expect(validate({})).toBe(true);
    expect(validate({ misspelt: 1 })).toBe(false);
    for (const [name, property] of Object.entries(schema.properties)) expect(property.description, name).toBeTruthy();
  });

  it.each([
    ['every kind of dimension', MIXED, 1],
    ['two objectives', MIXED, 2],
    ['three objectives', MIXED, 3],
    ['dimensions of one value', ONE_VALUE, 1],
  ] as const)('suggests points of the space: %s', (_, space, objectives) => {
    expect(sampler.refuses?.(space, config)).toBeUndefined();
    for (const [number, point] of study(sampler, space, 30, objectives).entries())
      expect(outside(space, point), `trial ${String(number)}`).toBeUndefined();
  });

  it('answers the same question in the same way, whatever was asked between', () => {
    const trials = history(study(samplerRegistry.get('random'), MIXED, 25), 1);
    const first = ask(sampler, MIXED, trials, 25);
    ask(sampler, MIXED, trials.slice(0, 12), 12);
    expect(ask(sampler, MIXED, trials, 25)).toEqual(first);
    expect(ask(sampler, MIXED, structuredClone(trials).reverse(), 25)).toEqual(first);
  });

  it('goes on where nothing has come to a number', () => {
    const failed = study(samplerRegistry.get('random'), MIXED, 20).map((point, number): TrialRecord => ({
      number,
      point,
      state: 'failed',
      readings: [],
    }));
    expect(outside(MIXED, ask(sampler, MIXED, failed, 20))).toBeUndefined();
    const wild = failed.map((trial, at): TrialRecord => ({ ...trial, state: 'completed', values: [at % 2 === 0 ? NaN : Infinity] }));
    expect(outside(MIXED, ask(sampler, MIXED, wild, 20))).toBeUndefined();
    const equal = failed.map((trial): TrialRecord => ({ ...trial, state: 'completed', values: [7] }));
    expect(outside(MIXED, ask(sampler, MIXED, equal, 20))).toBeUndefined();
    const same = equal.map((trial, at): TrialRecord => ({ ...trial, point: failed[0]!.point, values: [at % 3] }));
    expect(outside(MIXED, ask(sampler, MIXED, same, 20))).toBeUndefined();
  });

  it('depends on the seed, unless it lists every combination', () => {
    const trials = history(study(samplerRegistry.get('random'), MIXED, 3), 1);
    const ofTwo = [1, 2].map((seed) => ask(sampler, MIXED, trials, 3, 1, seed));
    if (sampler.points === undefined) expect(ofTwo[0]).not.toEqual(ofTwo[1]);
    else expect(ofTwo[0]).toEqual(ofTwo[1]);
  });
});

const LEARNING: readonly string[] = ['tpe', 'gp'];

describe.each(samplerRegistry.all().filter(({ name }) => LEARNING.includes(name)))('sampler $name', (sampler) => {
  /** Best at adam, the largest of the warmups, and a rate near 0.01. */
  const loss = (point: Point): number =>
    (point['optimizer'] === 'adam' ? 0 : 3) +
    Math.abs(Math.log10(point['rate'] as number) + 2) +
    Math.abs((point['layers'] as number) - 4) / 2 +
    (point['warmup'] === true ? 1 - (point['warmupEpochs'] as number) / 9 : 1);

  const search = (direction: 'minimize' | 'maximize', count: number): number[] => {
    const trials: TrialRecord[] = [];
    for (let number = 0; number < count; number += 1) {
      const point = sampler.suggest({ space: MIXED, directions: [direction], trials, number, seed: 3, config: {} });
      trials.push({ number, point, state: 'completed', values: [direction === 'minimize' ? loss(point) : -loss(point)], readings: [] });
    }
    return trials.map(({ point }) => loss(point));
  };

  it('comes nearer to the best than chance, over dimensions of every kind', () => {
    const losses = search('minimize', 40);
    const chance = study(samplerRegistry.get('random'), MIXED, 40).map(loss);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.min(...losses)).toBeLessThan(Math.min(...chance));
    expect(mean(losses)).toBeLessThan(mean(chance) * 0.8);
  });

  it('finds the same where the same is to be made large', () => {
    expect(search('maximize', 25)).toEqual(search('minimize', 25));
  });

  it('tries every point of a small space before it tries one again', () => {
    const space: Space = {
      layers: { kind: 'integer', low: 1, high: 4, scale: 'linear' },
      activation: { kind: 'choice', values: ['relu', 'tanh', 'gelu', 'elu'] },
    };
    const trials: TrialRecord[] = [];
    for (let number = 0; number < 18; number += 1) {
      const point = sampler.suggest({ space, directions: ['minimize'], trials, number, seed: 1, config: { startup: 4 } });
      trials.push({
        number,
        point,
        state: 'completed',
        values: [(point['layers'] as number) + (point['activation'] === 'gelu' ? 0 : 1)],
        readings: [],
      });
    }
    expect(new Set(trials.slice(0, 16).map(({ point }) => JSON.stringify(point))).size).toBeGreaterThanOrEqual(15);
  });

  it('does not send two that run at once to the same place', () => {
    const space: Space = { x: { kind: 'float', low: 0, high: 1, scale: 'linear' } };
    const values = [0.7, -0.9, 0.2, 1.1, -0.8];
    const trials: TrialRecord[] = values.map((value, number) => ({
      number,
      point: { x: number / 4 },
      state: 'completed',
      values: [value],
      readings: [],
    }));
    for (let number = 5; number < 11; number += 1) {
      const point = sampler.suggest({ space, directions: ['minimize'], trials, number, seed: 1, config: { startup: 5 } });
      trials.push({ number, point, state: 'running', readings: [] });
    }
    const places = trials.slice(5).map(({ point }) => point['x'] as number);
    expect(new Set(places.map((place) => place.toFixed(3))).size).toBe(places.length);
  });
});
