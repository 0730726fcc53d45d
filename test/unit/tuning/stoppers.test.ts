import { describe, expect, test } from 'vitest';
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
    expect(asksAt(100, {})).toEqual([11, 33, 99]);
    expect(asksAt(5, {})).toEqual([1, 3]);
    expect(asksAt(16, { factor: 4, minEpochs: 2 })).toEqual([2, 8]);
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
