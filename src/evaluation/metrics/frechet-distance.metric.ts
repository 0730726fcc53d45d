import { defineMetric, metricConfig } from './metric.ts';
import type { SampleChunk } from './metric.ts';
import { sampled } from './shared/sample-state.ts';
import type { SampleState } from './shared/sample-state.ts';

/** How far the distribution of samples is from that of the test examples, seen through features. */
export default defineMetric<object, SampleState, SampleChunk>({
  name: 'frechetDistance',
  aliases: ['fid'],
  summary: 'Fréchet distance of samples and test examples: between the normal distributions that fit their features best. 0: the same.',
  tasks: ['generation'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://arxiv.org/abs/1706.08500',
  ...sampled,
  result: (state) => sampled.distance('frechetDistance', state, state.generated),
});
