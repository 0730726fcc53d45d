import { defineScenario } from './scenario.ts';

/** Standard deviations at the last day. */
const SHIFT = 2;

export default defineScenario({
  name: 'gradual',
  summary: 'The column that tells most wanders off by two standard deviations, a little each day.',
  numbers: 1,
  day(day, days) {
    const shift = (SHIFT * day) / Math.max(1, days - 1);
    return { shifts: [shift], words: shift < 0.05 ? '' : `wandered by ${shift.toFixed(1)} σ` };
  },
});
