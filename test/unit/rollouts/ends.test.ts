import { expect, it } from 'vitest';
import { endOf } from '../../../activities/rollouts.ts';
import type { Transition } from '../../../src/registry/types.ts';

const change = (one: Partial<Transition>): Transition => ({ who: 'ada', why: 'by hand', alias: 'champion', from: 1, ...one }) as Transition;
const rollout = { id: 'a', candidate: 3 };

it.each([
  ['its own end', change({ action: 'promote', to: 3, who: 'rollout a' }), 'promoted'],
  ['a promotion of its candidate by hand', change({ action: 'promote', to: 3 }), 'promoted'],
  ['a promotion of another version', change({ action: 'promote', to: 4 }), 'superseded'],
  ['a rollback', change({ action: 'rollback', to: 1 }), 'superseded'],
  ['another rollout', change({ action: 'rollout', alias: null, to: 4 }), 'superseded'],
  ['a request', change({ action: 'rolloutEnd', alias: null, to: 3 }), 'aborted'],
])('a rollout that ends by %s', (_name, by, end) => {
  expect(endOf(by, rollout)).toEqual({ end, by: by.who, why: 'by hand' });
});

it('is told with the same words by who ended it and by who found that in the history', () => {
  const ended = (one: Partial<Transition>): unknown => endOf(change({ action: 'rolloutEnd', alias: null, to: 3, ...one }), rollout);
  expect(ended({ who: 'rollout a', why: 'Returned to version 1: 9 errors: too many.' })).toEqual({
    end: 'returned',
    by: 'rollout a',
    why: '9 errors: too many.',
  });
  expect(ended({ who: 'rollout a', why: 'The time is over.' })).toMatchObject({ end: 'finished', why: 'The time is over.' });
  expect(ended({ why: 'Aborted the rollout: complaints' })).toEqual({ end: 'aborted', by: 'ada', why: 'complaints' });
});
