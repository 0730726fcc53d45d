import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/core/json.ts';
import { Prng } from '../../../src/core/prng.ts';
import { stopperRegistry } from '../../../src/tuning/stoppers/index.generated.ts';
import { bracketOf, bracketsOf } from '../../../src/tuning/stoppers/shared/brackets.ts';
import type { TrialRecord } from '../../../src/tuning/trial.ts';

const trial = (number: number, values: readonly number[]): TrialRecord => ({
  number,
  point: {},
  state: 'running',
  readings: values.map((value, at) => ({ epoch: at + 1, value })),
});

describe('asha', () => {
  const { asksAt, stops } = stopperRegistry.get('asha');

  test('compares at the least epochs, and three times as many each', () => {
    expect(asksAt(27, {})).toEqual([3, 9]);
    // Not at epoch 99 of 100, where most of what could win would be lost to save one.
    expect(asksAt(100, {})).toEqual([11, 33]);
    expect(asksAt(20, {})).toEqual([2, 6]);
    expect(asksAt(5, {})).toEqual([1]);
    expect(asksAt(32, { factor: 4, minEpochs: 2 })).toEqual([2, 8]);
    expect(asksAt(31, { factor: 4, minEpochs: 2 })).toEqual([2]);
    expect(asksAt(1, {})).toEqual([]);
  });

  test('what came later to an epoch is not compared with what others came to after it', () => {
    const others = [trial(0, [5, 4, 3]), trial(1, [6, 1, 1]), trial(2, [7, 7, 0])];
    const question = { direction: 'minimize' as const, others, epochs: 27, config: { minEpochs: 1 } };
    expect(stops({ ...question, trial: trial(3, [4.5]) })).toBe(false);
    expect(stops({ ...question, trial: trial(3, [5.5]) })).toBe(true);
  });

  test('most epochs of many trials are saved, and the best one is kept', () => {
    const done: TrialRecord[] = [];
    for (let number = 0; number < 60; number += 1) {
      // Levels in no order; 37 and 60 have no common factor.
      const level = (number * 37) % 60;
      let values: number[] = [];
      for (let epoch = 1; epoch <= 27; epoch += 1) {
        values = [...values, level + 100 / epoch];
        const asked = asksAt(27, {}).includes(epoch);
        if (asked && stops({ direction: 'minimize', others: done, trial: trial(number, values), epochs: 27, config: {} })) break;
      }
      done.push(trial(number, values));
    }
    const epochs = done.reduce((sum, { readings }) => sum + readings.length, 0);
    expect(epochs).toBeLessThan((60 * 27) / 3);
    expect(done[0]!.readings).toHaveLength(27);
  });
});

describe('asha, on validation losses of 27 real trials over 81 epochs', () => {
  const { asksAt, stops } = stopperRegistry.get('asha');
  // What another seed changes at the best point.
  const NOISE = 0.0016;
  const curves = (JSON.parse(readFileSync(new URL('weather-curves.json', import.meta.url), 'utf8')) as number[][]).map((curve) =>
    curve.map((_, at) => Math.min(...curve.slice(0, at + 1))),
  );
  const best = Math.min(...curves.map((curve) => curve.at(-1)!));

  function search(order: readonly number[], config: JsonObject): { readonly best: number; readonly share: number } {
    const done: TrialRecord[] = [];
    for (const curve of order) {
      let length = 81;
      for (const epoch of asksAt(81, config)) {
        const asked = trial(done.length, curves[curve]!.slice(0, epoch));
        if (!stops({ direction: 'minimize', others: done, trial: asked, epochs: 81, config })) continue;
        length = epoch;
        break;
      }
      done.push(trial(done.length, curves[curve]!.slice(0, length)));
    }
    const whole = done.filter(({ readings }) => readings.length === 81);
    return {
      best: Math.min(...whole.map(({ readings }) => readings[80]!.value)),
      share: done.reduce((sum, { readings }) => sum + readings.length, 0) / (27 * 81),
    };
  }

  test('finds the best within its noise in a third of the epochs, whatever the order; from the first epochs on it does not', () => {
    const random = new Prng('orders', 1);
    const orders = Array.from({ length: 60 }, () => shuffled(curves.keys(), random));
    const own = search([...curves.keys()], {});
    expect(own.best - best).toBeLessThanOrEqual(NOISE);
    expect(own.share).toBeLessThan(1 / 3);
    const found = orders.map((order) => search(order, {}));
    expect(found.filter((one) => one.best - best <= NOISE)).toHaveLength(60);
    expect(found.reduce((sum, { share }) => sum + share, 0) / 60).toBeLessThan(1 / 3);
    // What learns fast is not what learns well: why every trial gets a ninth of its epochs.
    const early = orders.map((order) => search(order, { minEpochs: 3 }));
    expect(early.filter((one) => one.best - best <= NOISE).length).toBeLessThan(15);
  });
});

function shuffled(values: Iterable<number>, random: Prng): number[] {
  return [...values]
    .map((value) => [random.uniform(), value] as const)
    .sort(([a], [b]) => a - b)
    .map(([, value]) => value);
}

describe('hyperband', () => {
  test('trials in a row are spread over the brackets by their shares', () => {
    const brackets = bracketsOf(81, 1, 3);
    const total = brackets.shares.reduce((sum, share) => sum + share, 0);
    const counts = brackets.shares.map(() => 0);
    for (let number = 1000; number < 1000 + 2 * total; number += 1) counts[bracketOf(brackets, number)]! += 1;
    for (const [bracket, share] of brackets.shares.entries()) expect(Math.abs(counts[bracket]! - 2 * share)).toBeLessThanOrEqual(3);
  });

  test('a trial of the last bracket is never ended', () => {
    const { asksAt, stops } = stopperRegistry.get('hyperband');
    const brackets = bracketsOf(9, 1, 3);
    const number = Array.from({ length: 100 }, (_, at) => at).find((at) => bracketOf(brackets, at) === brackets.count - 1)!;
    const others = Array.from({ length: 50 }, (_, at) => trial(at + 1000, Array<number>(9).fill(0)));
    for (const epoch of asksAt(9, {}))
      expect(stops({ direction: 'minimize', others, trial: trial(number, Array<number>(epoch).fill(9)), epochs: 9, config: {} })).toBe(
        false,
      );
  });
});

describe('trainings that end by themselves', () => {
  const over = (number: number, values: readonly number[]): TrialRecord => ({
    ...trial(number, values),
    state: 'completed',
    values: [values.at(-1)!],
  });

  test('are rivals at later epochs as well, by what they came to', () => {
    const { stops } = stopperRegistry.get('asha');
    // All ended before epoch 9, with better models than the one that is asked about.
    const others = [over(0, [3, 2, 1]), over(1, [3, 2, 1, 1]), over(2, [4, 3, 2])];
    const question = { direction: 'minimize' as const, others, epochs: 27, config: {} };
    expect(stops({ ...question, trial: trial(3, [2, 2, 1, 1, 1, 1, 1, 1, 1.5]) })).toBe(true);
    expect(stops({ ...question, trial: trial(3, [2, 2, 1, 1, 1, 1, 1, 1, 0.5]) })).toBe(false);
  });

  test('of those that were stopped nobody knows what they would have come to', () => {
    const { stops } = stopperRegistry.get('asha');
    const others = [
      { ...trial(0, [3]), state: 'stopped' as const },
      { ...trial(1, [3, 2, 0]), state: 'stopped' as const },
    ];
    expect(stops({ direction: 'minimize', others, epochs: 27, config: {}, trial: trial(3, Array<number>(9).fill(1)) })).toBe(false);
  });

  test('count in the median', () => {
    const { stops } = stopperRegistry.get('median');
    const others = [1, 2, 3, 4, 5].map((value) => over(value, [value, value]));
    const question = { direction: 'minimize' as const, others, epochs: 27, config: {} };
    expect(stops({ ...question, trial: trial(9, [3.5, 3.5, 3.5, 3.5]) })).toBe(true);
    expect(stops({ ...question, trial: trial(9, [2.5, 2.5, 2.5, 2.5]) })).toBe(false);
  });
});
