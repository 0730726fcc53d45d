import { optionsSchema } from '../options.ts';
import { defineStopper } from './stopper.ts';
import { belowPercentile, percentileAsksAt, percentileProperties } from './shared/percentile.ts';
import type { PercentileConfig } from './shared/percentile.ts';

export default defineStopper<PercentileConfig>({
  name: 'median',
  aliases: ['medianStopping', 'medianPruner'],
  summary: 'Ends a trial whose best so far is worse than the median of the completed ones at the same epoch.',
  configSchema: optionsSchema('When trials are compared.', percentileProperties),
  reference: 'https://dl.acm.org/doi/10.1145/3097983.3098043',
  asksAt: percentileAsksAt,
  stops: (question) => belowPercentile(question, 50),
});
