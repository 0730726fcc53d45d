import { describe, expect, it } from 'vitest';
import type { StoredFinal, StoredTrial } from '../../../src/studies/stored-study.ts';
import { choiceOf, finalistsOf } from '../../../src/studies/winner.ts';

const LOSS = { name: 'loss', direction: 'minimize', step: 'train', value: 'loss' } as const;
const SIZE = { name: 'size', direction: 'minimize', step: 'train', value: 'size' } as const;

function trial(number: number, values: readonly number[] | undefined): StoredTrial {
  const state = values === undefined ? 'stopped' : 'completed';
  return {
    formatVersion: 1,
    number,
    point: { x: number },
    state,
    readings: [],
    startedAt: '',
    ...(values === undefined ? {} : { values }),
  };
}

function final(number: number, values: readonly number[] | undefined): StoredFinal {
  const found = values === undefined ? { state: 'failed' as const } : { state: 'completed' as const, values };
  return { formatVersion: 1, number, ...found, endedAt: '' };
}

describe('the winner of a study', () => {
  const trials = [trial(0, [0.3]), trial(1, undefined), trial(2, [0.1]), trial(3, [0.2]), trial(4, [0.4])];

  it('is the best of the final round, whatever luck the search had', () => {
    const finals = [final(0, [0.31]), final(2, [0.35]), final(3, [0.33])];
    expect(choiceOf(trials, { objectives: [LOSS], finals })).toEqual({ front: [0], winner: 0 });
    expect(choiceOf(trials, { objectives: [LOSS] })).toEqual({ front: [2], winner: 2 });
  });

  it('is nobody whose training failed there while another one completed, and the best of the search where none did', () => {
    expect(choiceOf(trials, { objectives: [LOSS], finals: [final(2, undefined), final(3, [0.9])] })!.winner).toBe(3);
    expect(choiceOf(trials, { objectives: [LOSS], finals: [final(2, undefined), final(3, undefined)] })!.winner).toBe(2);
  });

  it('comes out of those that would win, the best first, bounds and fronts considered', () => {
    expect(finalistsOf(trials, { objectives: [LOSS] }, 3)).toEqual([2, 3, 0]);
    expect(finalistsOf(trials, { objectives: [LOSS] }, 9)).toEqual([2, 3, 0, 4]);
    expect(finalistsOf(trials, { objectives: [{ ...LOSS, atLeast: 0.25 }] }, 2)).toEqual([0, 4]);
    expect(finalistsOf([], { objectives: [LOSS] }, 2)).toEqual([]);
    const two = [trial(0, [0.3, 1]), trial(1, [0.1, 9]), trial(2, [0.2, 2])];
    expect(finalistsOf(two, { objectives: [LOSS, SIZE], choose: 'size' }, 2)).toEqual([0, 2]);
    const behind = [...two, trial(3, [0.2, 3])];
    expect(finalistsOf(behind, { objectives: [LOSS, SIZE] }, 9)).toEqual([1, 2, 0]);
    const finals = [final(1, [0.5, 9]), final(2, [0.4, 2])];
    expect(choiceOf(behind, { objectives: [LOSS, SIZE], finals })).toEqual({ front: [0, 1, 2], winner: 2 });
  });
});
