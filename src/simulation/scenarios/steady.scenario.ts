import { defineScenario } from './scenario.ts';

export default defineScenario({
  name: 'steady',
  summary: 'Nothing changes: whatever is retrained or told is for nothing.',
  numbers: 0,
  day: () => ({ words: '' }),
});
