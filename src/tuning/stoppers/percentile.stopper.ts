import { optionsSchema } from '../options.ts';
import { defineStopper } from './stopper.ts';
import { belowPercentile, percentileAsksAt, percentileProperties } from './shared/percentile.ts';
import type { PercentileConfig } from './shared/percentile.ts';

interface Config extends PercentileConfig {
  readonly percent?: number;
}

const PERCENT = 25;

export default defineStopper<Config>({
  name: 'percentile',
  aliases: ['percentilePruner'],
  summary: 'Ends a trial whose best so far is not among the best percent of the completed ones at the same epoch.',
  configSchema: optionsSchema('When trials are compared, and how strictly.', {
    percent: {
      type: 'number',
      exclusiveMinimum: 0,
      exclusiveMaximum: 100,
      default: PERCENT,
      description: 'Percent of the completed trials that go on; 50 is the median.',
      examples: [25],
    },
    ...percentileProperties,
  }),
  reference: 'https://dl.acm.org/doi/10.1145/3097983.3098043',
  asksAt: percentileAsksAt,
  stops: (question) => belowPercentile(question, question.config.percent ?? PERCENT),
});
