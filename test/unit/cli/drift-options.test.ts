import { describe, expect, it } from 'vitest';
import { seasonOf } from '../../../src/cli/drift/drift-options.ts';
import { durationMs } from '../../../src/core/duration.ts';

const DAY = 86_400_000;
const read = (_option: string, text: string): number => durationMs(text);

describe('the season of a check', () => {
  it('is so many of the last ones, each as long as the window at least', () => {
    expect(seasonOf({ season: '7d' }, read, DAY)).toEqual({ everyMs: 7 * DAY, count: 4 });
    expect(seasonOf({ season: '1d', seasons: '2', pool: '1' }, read, DAY)).toEqual({ everyMs: DAY, count: 2 });
    expect(seasonOf({}, read, DAY)).toBeUndefined();
  });

  it.each([
    [{ seasons: '2' }, DAY, 'give both'],
    [{ season: '7d' }, undefined, 'rows of a file have no season'],
    [{ season: '1h' }, DAY, 'shorter than the window'],
    [{ season: '7d', seasons: '0' }, DAY, 'no number of seasons'],
    [{ season: '7d', pool: '3' }, DAY, '--pool'],
  ])('is refused where it means nothing: %j of a window of %j', (options, windowMs, message) => {
    expect(() => seasonOf(options, read, windowMs)).toThrow(message);
  });
});
