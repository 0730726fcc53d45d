import { expect, it } from 'vitest';
import { refuseCircles } from '../../../src/runs/version-circles.ts';
import type { Follower } from '../../../src/runs/version-circles.ts';

const follower = (pipeline: string, model?: string, action?: unknown): Follower => ({
  pipeline,
  file: `/p/${pipeline}.json`,
  document: (model === undefined ? {} : { on: { version: { model, ...(action === undefined ? {} : { do: action }) } } }) as never,
  models: [pipeline],
});

it('pipelines that start each other are refused, with the way around', () => {
  expect(() => refuseCircles([follower('a', 'b'), follower('b', 'a')], [])).toThrow(
    'Each new version would start the next for ever: "a" (/p/a.json) retrains after a version of "b", and "b" (/p/b.json) retrains after a version of "a".',
  );
  expect(() => refuseCircles([follower('a', 'c'), follower('b', 'a'), follower('c', 'b', { retrain: { on: 'appended' } })], [])).toThrow(
    '"c" (/p/c.json)',
  );
});

it('those that live already count', () => {
  expect(() => refuseCircles([follower('a', 'b')], [follower('b', 'a')])).toThrow('for ever');
  // What is given takes the place of what lives by its name.
  expect(() => refuseCircles([follower('a', 'b'), follower('b')], [follower('b', 'a')])).not.toThrow();
});

it('chains, forks, and who is only told are no circle', () => {
  expect(() => refuseCircles([follower('a'), follower('b', 'a'), follower('c', 'b'), follower('d', 'b')], [])).not.toThrow();
  expect(() => refuseCircles([follower('a', 'b'), follower('b', 'a', 'notify')], [])).not.toThrow();
  expect(() => refuseCircles([follower('a', 'elsewhere')], [])).not.toThrow();
});

it('a circle of others is none of theirs', () => {
  expect(() => refuseCircles([follower('c', 'a')], [follower('a', 'b'), follower('b', 'a')])).not.toThrow();
});
