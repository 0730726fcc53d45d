import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import type { TokenChunk } from './metric.ts';
import { foreseen } from './shared/token-state.ts';
import type { TokenState } from './shared/token-state.ts';

export default defineMetric<object, TokenState, TokenChunk>({
  name: 'nextTokenAccuracy',
  summary: 'Of a language model: share of the places where the token with the largest share is the one that follows.',
  tasks: ['language'],
  direction: 'maximize',
  range: [0, 1],
  configSchema: metricConfig(),
  reference: 'https://en.wikipedia.org/wiki/Language_model',
  ...foreseen,
  result(state) {
    if (state.rows === 0) throw undefinedMetric('nextTokenAccuracy', 'the texts have no token that follows another');
    return state.hits / state.rows;
  },
});
