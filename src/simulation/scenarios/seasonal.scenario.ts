import { defineScenario } from './scenario.ts';

/** Days of one round; standard deviations to either side. */
const PERIOD = 91;
const SWING = 1;

export default defineScenario({
  name: 'seasonal',
  summary: 'The column that tells most swings by one standard deviation to either side, in rounds of 91 days.',
  numbers: 1,
  day(day) {
    const shift = SWING * Math.sin((2 * Math.PI * day) / PERIOD);
    return { shifts: [shift], words: `season at ${shift.toFixed(1)} σ` };
  },
});
