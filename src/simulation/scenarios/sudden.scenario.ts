import { defineScenario } from './scenario.ts';

/** Standard deviations. */
const SHIFT = 1.5;

export default defineScenario({
  name: 'sudden',
  summary:
    'After a third of the days the column that tells most is shifted by 1.5 standard deviations, from one day to the next, and stays so.',
  numbers: 1,
  day: (day, days) => (day < Math.floor(days / 3) ? { words: '' } : { shifts: [SHIFT], words: `shifted by ${SHIFT} σ` }),
});
