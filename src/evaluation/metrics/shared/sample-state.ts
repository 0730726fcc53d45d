import { VectorMoments, frechetDistance } from '../../generators/frechet.ts';
import { undefinedMetric } from '../metric.ts';
import type { MetricContext, SampleChunk } from '../metric.ts';

/** Moments of the features of examples, of samples, and of samples from before training. */
export interface SampleState {
  readonly real: VectorMoments;
  readonly generated: VectorMoments;
  readonly untrained: VectorMoments;
}

/** What metrics of generators gather. */
export const sampled = {
  init: (_config: object, { width }: MetricContext): SampleState => ({
    real: new VectorMoments(width),
    generated: new VectorMoments(width),
    untrained: new VectorMoments(width),
  }),
  update(state: SampleState, chunk: SampleChunk): void {
    state.real.add(chunk.real);
    state.generated.add(chunk.generated);
    state.untrained.add(chunk.untrained);
  },
  merge(state: SampleState, other: SampleState): void {
    state.real.merge(other.real);
    state.generated.merge(other.generated);
    state.untrained.merge(other.untrained);
  },
  distance(metric: string, { real }: SampleState, samples: VectorMoments): number {
    if (real.count < 2 || samples.count < 2)
      throw undefinedMetric(metric, `a covariance needs at least two rows, there ${real.count === 1 ? 'is one' : `are ${real.count}`}`);
    return frechetDistance(real, samples);
  },
};
