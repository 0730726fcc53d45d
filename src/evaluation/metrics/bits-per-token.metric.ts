import { defineMetric, metricConfig } from './metric.ts';
import type { TokenChunk } from './metric.ts';
import { foreseen } from './shared/token-state.ts';
import type { TokenState } from './shared/token-state.ts';

export default defineMetric<object, TokenState, TokenChunk>({
  name: 'bitsPerToken',
  summary:
    'Of a language model: mean negative binary logarithm of the share that it gave to each next token, in bits; the binary logarithm of the perplexity.',
  tasks: ['language'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://en.wikipedia.org/wiki/Cross-entropy',
  ...foreseen,
  result: (state) => foreseen.meanLoss('bitsPerToken', state) / Math.LN2,
});
