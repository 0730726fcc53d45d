import { defineMetric, metricConfig, undefinedMetric } from './metric.ts';
import type { SampleChunk } from './metric.ts';
import { sampled } from './shared/sample-state.ts';
import type { SampleState } from './shared/sample-state.ts';

/** What training has left of the distance. */
export default defineMetric<object, SampleState, SampleChunk>({
  name: 'frechetDistanceRatio',
  summary: 'Fréchet distance of samples and test examples, divided by that of the same generator before training. 0.2: it fell five-fold.',
  tasks: ['generation'],
  direction: 'minimize',
  range: [0, null],
  configSchema: metricConfig(),
  reference: 'https://arxiv.org/abs/1706.08500',
  ...sampled,
  result(state) {
    const start = sampled.distance('frechetDistanceRatio', state, state.untrained);
    if (start === 0) throw undefinedMetric('frechetDistanceRatio', 'the distance was 0 before training');
    return sampled.distance('frechetDistanceRatio', state, state.generated) / start;
  },
});
