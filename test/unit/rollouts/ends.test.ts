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
  expect(endOf(by, rollout)).toMatchObject({ end, by: by.who });
});
