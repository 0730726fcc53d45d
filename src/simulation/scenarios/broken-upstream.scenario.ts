import { defineScenario } from './scenario.ts';

/** Days that it takes somebody to mend it. */
const LASTS = 4;

export default defineScenario({
  name: 'brokenUpstream',
  summary:
    'After a third of the days the column that tells most comes empty for four days; after two thirds it comes in another unit, a thousand times as large, for four days.',
  numbers: 1,
  day(day, days) {
    const within = (from: number): boolean => day >= from && day < from + LASTS;
    if (within(Math.floor(days / 3))) return { broken: { column: 0, how: 'missing' }, words: 'a column comes empty' };
    if (within(Math.floor((2 * days) / 3))) return { broken: { column: 0, how: 'unit' }, words: 'a column comes in another unit' };
    return { words: '' };
  },
});
