import { defineScenario } from './scenario.ts';

/** How much rarer the most frequent class becomes. */
const RARER = 0.25;

export default defineScenario({
  name: 'labelShift',
  summary: 'After half of the days the most frequent class comes a quarter as often as before.',
  numbers: 0,
  day: (day, days) => (day < Math.floor(days / 2) ? { words: '' } : { classes: [RARER], words: 'the most frequent class became rare' }),
});
