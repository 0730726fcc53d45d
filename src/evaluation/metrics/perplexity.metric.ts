import { defineMetric, metricConfig } from './metric.ts';
import type { TokenChunk } from './metric.ts';
import { foreseen } from './shared/token-state.ts';
import type { TokenState } from './shared/token-state.ts';

export default defineMetric<object, TokenState, TokenChunk>({
  name: 'perplexity',
  aliases: ['ppl'],
  summary:
    'Of a language model: e to the mean negative log of the share that it gave to each next token; so many equally likely tokens it hesitates between. The end of a text counts as a token, unknown words as one.',
  tasks: ['language'],
  direction: 'minimize',
  range: [1, null],
  configSchema: metricConfig(),
  reference: 'https://en.wikipedia.org/wiki/Perplexity',
  ...foreseen,
  result: (state) => Math.exp(foreseen.meanLoss('perplexity', state)),
});
