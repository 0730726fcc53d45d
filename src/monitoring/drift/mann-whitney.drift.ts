import { defineDriftTest, driftConfig } from './drift-test.ts';
import { jointCounts, mannWhitneyZ } from '../joint-ranks.ts';
import { twoSidedP } from '../policy/correction.ts';

/**
 * Asks whether values of one side tend to be larger: stronger than Kolmogorov-Smirnov where all values move, blind where they only
 * spread.
 */
export default defineDriftTest({
  name: 'mannWhitney',
  summary: 'p-value of the Mann-Whitney U test: whether values tend to be larger now than then.',
  featureTypes: ['number'],
  score: 'pValue',
  defaultThreshold: 0.001,
  minSamples: 20,
  symmetric: true,
  configSchema: driftConfig('pValue', 0.001),
  reference: 'https://docs.scipy.org/doc/scipy/reference/generated/scipy.stats.mannwhitneyu.html',
  compute(reference, current) {
    if (reference.kind !== 'number' || current.kind !== 'number') throw new TypeError('mannWhitney compares numbers');
    return twoSidedP(mannWhitneyZ(jointCounts(reference, current)));
  },
});
